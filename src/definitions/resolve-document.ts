import { parseDuration } from '../kernel/clock.ts';
import type { AnyComponent, ModifierComponent } from '../kernel/component.ts';
import type { ConditionPhase } from '../kernel/condition.ts';
import { namePattern, type ReferenceKind } from '../kernel/schema.ts';
import type { CheckSession, OpenDocument } from './check-session.ts';
import { isCredentialLike, quote } from './diagnostic.ts';
import { appendPointer, isRecord, pointerTokens } from './json-pointer.ts';
import { checkTexts } from './check-texts.ts';
import { nearestName } from './nearest-name.ts';
import type { BackendUse, UsableKind } from './pipeline-schema.ts';
import type { AttemptTimeouts } from '../kernel/forward.ts';
import { resolvedMark, type ResolvedByKind, type ResolvedComponent } from './resolved-pipeline.ts';
import { shapeDiagnostics } from './schema-diagnostics.ts';
import type { MarkedReference, Marks, ShapeCheck } from './schema-validator.ts';
import { isSecretReference, resolveSecret } from './secrets.ts';

/** Resolves shared resources; `user` and `pointer` say who names one. Returns undefined after it reported why. */
export interface SharedResources {
  resolve(
    kind: ReferenceKind,
    name: string,
    reference: MarkedReference | undefined,
    user: OpenDocument,
    pointer: string,
  ): unknown;
}

/** Kinds that a pipeline keeps in a map of its own, and the key of that map. */
const localMaps: Partial<Record<ReferenceKind, string>> = { 'token-provider': 'tokenProviders', backend: 'backends' };
/** Of the names that would have been valid, a message shows so many. */
const maxShownNames = 20;
const wellFormedName = new RegExp(namePattern);

/**
 * Turns one checked document, a pipeline or a resource, into what it means: names become what they name, secrets
 * become `Secret`s. It goes on after a mistake, so that all are found; what could not be resolved is undefined, and
 * then the session has an error.
 */
export class DocumentResolver {
  readonly document: OpenDocument;
  readonly value: Readonly<Record<string, unknown>>;
  /** Names of the own maps that something refers to, as `kind/name`. */
  readonly referred = new Set<string>();
  readonly #session: CheckSession;
  readonly #resources: SharedResources;
  readonly #marks: Marks;
  readonly #misshapen: readonly string[];
  readonly #entries = new Map<string, ResolvedComponent | 'open' | undefined>();

  /** `schema` is the key of the validator that the document is checked against. */
  constructor(session: CheckSession, resources: SharedResources, document: OpenDocument, schema: string) {
    this.#session = session;
    this.#resources = resources;
    this.document = document;
    session.diagnostics.push(...document.diagnostics);
    const shape: ShapeCheck =
      document.value === undefined
        ? { value: {}, errors: [], marks: noMarks }
        : session.validator.check(schema, document.value);
    this.value = isRecord(shape.value) ? shape.value : {};
    this.#marks = shape.marks;
    this.#misshapen = shape.errors.map((error) => error.instancePath);
    session.diagnostics.push(...shapeDiagnostics(shape.errors, document, document.file));
    for (const [pointer, name] of shape.marks.calls) session.calls.push({ document, pointer, name });
    checkTexts(session, document, this.value);
  }

  /** False where the shape has a mistake at `pointer` or below it; then its value may be anything. */
  isWellShaped(pointer: string): boolean {
    return !this.#misshapen.some((place) => place === pointer || place.startsWith(`${pointer}/`));
  }

  /** The component at `pointer`, which holds its name or itself. */
  component<K extends UsableKind>(
    kind: K,
    pointer: string,
    value: unknown,
    defaultName?: string,
  ): ResolvedByKind[K] | undefined {
    if (typeof value === 'string') return this.#named(kind, pointer, value) as ResolvedByKind[K] | undefined;
    return isRecord(value) ? this.#inline(kind, pointer, value, defaultName) : undefined;
  }

  /** The entry `name` of the map of this file. Each is resolved once. */
  entry<K extends 'token-provider' | 'backend'>(kind: K, name: string): ResolvedByKind[K] | undefined {
    const pointer = entryPointer(kind, name);
    const known = this.#entries.get(pointer);
    if (known === 'open') {
      this.#session.report(this.document, 'ref.cycle', pointer, `${quote(name)} refers to itself`);
      return undefined;
    }
    if (known !== undefined || this.#entries.has(pointer)) return known as ResolvedByKind[K] | undefined;
    this.#entries.set(pointer, 'open');
    const resolved = this.component(kind, pointer, this.#localMap(kind)[name], name);
    const entry = resolved && { ...resolved, name };
    this.#entries.set(pointer, entry);
    return entry;
  }

  /** What the name at `pointer` stands for: an entry of the own map, or a shared resource, and never both. */
  #named(kind: ReferenceKind, pointer: string, name: string): unknown {
    // A name of a wrong form was already reported with the shape, without its text: it may be a key that was pasted.
    if (!wellFormedName.test(name)) return undefined;
    const map = this.#localMap(kind);
    const isEntry = pointer === entryPointer(kind, pointerTokens(pointer)[1] ?? '');
    const isLocal = !isEntry && Object.hasOwn(map, name);
    const isShared = this.#session.openResource(kind, name) !== undefined;
    if (isLocal && isShared && map[name] !== name) {
      this.#session.report(
        this.document,
        'ref.ambiguous',
        pointer,
        `${quote(name)} is both in ${localMaps[kind] ?? ''} of this file and a shared ${kind}; rename one`,
      );
    }
    if (isLocal) {
      this.referred.add(`${kind}/${name}`);
      return this.entry(kind as 'token-provider' | 'backend', name);
    }
    if (isShared)
      return this.#resources.resolve(kind, name, this.#marks.references.get(pointer), this.document, pointer);
    this.#reportUnknown(kind, pointer, name, Object.keys(map));
    return undefined;
  }

  #reportUnknown(kind: ReferenceKind, pointer: string, name: string, local: readonly string[]): void {
    if (this.#session.isFull) return;
    if (isCredentialLike(name)) {
      this.#session.report(
        this.document,
        'secret.literal',
        pointer,
        `a ${kind} is referred to by its name; this looks like a credential, which is never written into the definition`,
      );
      return;
    }
    const known = [...local, ...this.#session.resourceNames(kind)];
    const meant = nearestName(name, known);
    const help = meant === undefined ? `; known: ${listNames(known)}` : `, did you mean ${quote(meant)}?`;
    this.#session.report(this.document, 'ref.unknown', pointer, `there is no ${kind} ${quote(name)}${help}`, {
      suggestion: meant,
    });
  }

  #localMap(kind: ReferenceKind): Readonly<Record<string, unknown>> {
    const map = this.value[localMaps[kind] ?? ''];
    return isRecord(map) ? map : {};
  }

  #inline<K extends UsableKind>(
    kind: K,
    pointer: string,
    value: Record<string, unknown>,
    defaultName?: string,
  ): ResolvedByKind[K] | undefined {
    const { type, config = {}, name, origins } = value;
    const component = typeof type === 'string' ? this.#session.context.registry.get(kind, type) : undefined;
    const resolvedConfig = this.#resolved(appendPointer(pointer, 'config'), config);
    const step = this.#step(kind, pointer, value, component);
    const backend = kind === 'backend' ? this.#backend(pointer, value) : undefined;
    if (component === undefined || !isRecord(resolvedConfig)) return undefined;
    return {
      [resolvedMark]: true,
      kind,
      type,
      component,
      config: resolvedConfig,
      file: this.document.file,
      pointer,
      name: typeof name === 'string' ? name : (defaultName ?? component.type),
      ...(origins !== undefined && { origins }),
      ...step,
      ...backend,
    } as unknown as ResolvedByKind[K];
  }

  /** The fields that processors and modifiers share. */
  #step(
    kind: UsableKind,
    pointer: string,
    value: Record<string, unknown>,
    component: AnyComponent | undefined,
  ): Record<string, unknown> {
    const { when, onError, timeout, phase } = value;
    if (typeof when === 'string' && when !== '')
      this.#condition(appendPointer(pointer, 'when'), when, conditionPhase(kind, phase));
    if (phase === 'end' && component?.kind === 'modifier') this.#checkPhase(pointer, component);
    const isGuard = component !== undefined && 'guard' in component && component.guard;
    if (onError === 'skip' && isGuard) {
      this.#session.report(
        this.document,
        'guard.skip',
        appendPointer(pointer, 'onError'),
        `${quote(component.type)} protects, so its failure can not be skipped`,
        { suggestion: 'fail' },
      );
    }
    return {
      ...(typeof when === 'string' && { when }),
      ...(onError !== undefined && { onError }),
      ...(timeout !== undefined && { timeoutMilliseconds: milliseconds(timeout) }),
      ...(phase !== undefined && { phase }),
    };
  }

  #checkPhase(pointer: string, { type, phases = ['stream'] }: ModifierComponent): void {
    if (phases.includes('end')) return;
    const others = this.#session.context.registry.list('modifier').filter((other) => other.phases?.includes('end'));
    this.#session.report(
      this.document,
      'phase.unsupported',
      appendPointer(pointer, 'phase'),
      `${quote(type)} does not act at the end of an answer; these do: ${listNames(others.map((other) => other.type))}`,
      { suggestion: 'stream' },
    );
  }

  #condition(pointer: string, text: string, phase: ConditionPhase): void {
    const { params } = this.value;
    const options = 'apiVersion' in this.value ? { params: isRecord(params) ? Object.keys(params) : [] } : {};
    for (const { code = 'condition.type', message, offset } of this.#session.context.checkCondition(
      text,
      phase,
      options,
    )) {
      this.#session.report(this.document, code, pointer, message, {
        position: this.document.locator.insideString(pointer, offset),
      });
    }
  }

  #backend(pointer: string, value: Record<string, unknown>): Record<string, unknown> {
    const { token, network, timeouts, upstream } = value as Partial<BackendUse>;
    const provider =
      token === undefined ? undefined : this.component('token-provider', appendPointer(pointer, 'token'), token);
    const times = Object.entries(Object(timeouts) as object).map(([name, text]) => [name, milliseconds(text)]);
    const limits = Object.fromEntries(times) as unknown as AttemptTimeouts;
    if (limits.firstToken > limits.total) {
      this.#session.report(
        this.document,
        'timeouts.order',
        appendPointer(pointer, 'timeouts'),
        'firstToken is longer than total, so it never comes to it',
        { severity: 'warning' },
      );
    }
    return { network, timeouts: limits, ...(provider && { token: provider }), ...(upstream && { upstream }) };
  }

  /** A copy of the value at `pointer` with everything in it resolved. */
  #resolved(pointer: string, value: unknown): unknown {
    if (this.#marks.secrets.has(pointer)) return this.#secret(pointer, value);
    const reference = this.#marks.references.get(pointer);
    if (reference !== undefined && typeof value === 'string') return this.#named(reference.kind, pointer, value);
    if (reference !== undefined && reference.kind !== 'word-list')
      return this.component(reference.kind, pointer, value);
    if (Array.isArray(value)) return value.map((item, index) => this.#resolved(appendPointer(pointer, index), item));
    if (!isRecord(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, this.#resolved(appendPointer(pointer, key), item)]),
    );
  }

  #secret(pointer: string, value: unknown): unknown {
    if (!isSecretReference(value)) return undefined;
    const { context, secretFiles } = this.#session;
    const secret = resolveSecret(value, context.environment, (file) => secretFiles.push(file));
    if (!('code' in secret)) return secret;
    this.#session.report(
      this.document,
      secret.code,
      appendPointer(pointer, Object.keys(value)[0] ?? ''),
      secret.message,
    );
    return undefined;
  }
}

const noMarks: Marks = { secrets: new Set(), references: new Map(), calls: new Map() };

function conditionPhase(kind: UsableKind, phase: unknown): ConditionPhase {
  if (kind !== 'modifier') return 'request';
  return phase === 'end' ? 'end' : 'response';
}

function entryPointer(kind: ReferenceKind, name: string): string {
  return appendPointer(`/${localMaps[kind] ?? ''}`, name);
}

function listNames(names: readonly string[]): string {
  const shown = names.slice(0, maxShownNames).join(', ') || 'none';
  return names.length > maxShownNames ? `${shown}, ...` : shown;
}

/** Text that is no duration was reported with the shape. */
function milliseconds(text: unknown): number {
  try {
    return parseDuration(String(text));
  } catch {
    return 0;
  }
}
