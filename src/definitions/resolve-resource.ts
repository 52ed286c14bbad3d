import type { ReferenceKind } from '../kernel/schema.ts';
import { sha256, type CheckSession, type OpenDocument } from './check-session.ts';
import { hasErrors, maxDiagnostics, quote } from './diagnostic.ts';
import { appendPointer } from './json-pointer.ts';
import { DocumentResolver, type SharedResources } from './resolve-document.ts';
import type { ResolvedComponent } from './resolved-pipeline.ts';
import { shapeDiagnostics } from './schema-diagnostics.ts';
import type { MarkedReference } from './schema-validator.ts';

type Resolved = ResolvedComponent | readonly unknown[] | undefined;

/**
 * Resolves the shared resources that one pipeline uses, each once. A name in a resource means another resource and
 * never something of the pipeline: else one resource would be many things.
 */
export class ResourceResolver implements SharedResources {
  readonly #session: CheckSession;
  readonly #known = new Map<string, Resolved>();
  /** Keys of the resources that are being resolved, outermost first. */
  readonly #open: string[] = [];
  /** All resources below each of those, by key. */
  readonly #below = new Map<string, Set<string>>();

  constructor(session: CheckSession) {
    this.#session = session;
  }

  resolve(
    kind: ReferenceKind,
    name: string,
    reference: MarkedReference | undefined,
    user: OpenDocument,
    pointer: string,
  ): Resolved {
    const key = `${kind}/${name}`;
    const document = this.#session.openResource(kind, name);
    if (document === undefined) return undefined;
    if (this.#open.includes(key)) {
      this.#session.report(
        user,
        'ref.cycle',
        pointer,
        `the shared ${kind} ${quote(name)} refers to itself: ${[...this.#open, key].join(' -> ')}`,
      );
      return undefined;
    }
    for (const outer of this.#open) this.#below.get(outer)?.add(key);
    for (const deeper of this.#below.get(key) ?? []) {
      for (const outer of this.#open) this.#below.get(outer)?.add(deeper);
    }
    const isFirst = !this.#session.uses.has(key);
    this.#session.uses.set(key, { kind, name, file: document.file, hash: document.hash });
    if (kind === 'word-list') return this.#wordList(document, isFirst, reference);
    if (!this.#known.has(key)) this.#known.set(key, this.#component(key, kind, name, document));
    return this.#known.get(key);
  }

  #component(
    key: string,
    kind: Exclude<ReferenceKind, 'word-list'>,
    name: string,
    document: OpenDocument,
  ): ResolvedComponent | undefined {
    const below = new Set<string>();
    this.#below.set(key, below);
    this.#open.push(key);
    const resolver = new DocumentResolver(this.#session, this, document, `pipeline#/$defs/${kind}`);
    const resolved = resolver.component(kind, '', resolver.value, name);
    this.#open.pop();
    if (resolved === undefined) return undefined;
    if (resolved.name !== name) {
      this.#session.report(
        document,
        'name.mismatch',
        '/name',
        `the name is ${quote(resolved.name)}, but the file is that of ${quote(name)}`,
        { suggestion: name },
      );
    }
    const parts = [key, ...below].sort().map((part) => `${part}:${this.#session.uses.get(part)?.hash ?? ''}`);
    return { ...resolved, shared: `${kind}:${sha256([document.hash, ...parts].join('\n'))}` };
  }

  #wordList(
    document: OpenDocument,
    isFirst: boolean,
    reference: MarkedReference | undefined,
  ): readonly unknown[] | undefined {
    if (isFirst) this.#session.diagnostics.push(...document.diagnostics);
    if (!Array.isArray(document.value)) return undefined;
    const list: readonly unknown[] = document.value;
    const wrong = list.flatMap((item, index) => (typeof item === 'string' ? [] : [index])).slice(0, maxDiagnostics);
    for (const index of wrong)
      this.#session.report(document, 'schema.type', appendPointer('', index), 'a word list holds strings only');
    if (wrong.length > 0 || reference === undefined) return list;
    const findings = shapeDiagnostics(
      this.#session.validator.checkList(reference.inline, list),
      document,
      document.file,
    );
    this.#session.diagnostics.push(...findings);
    return hasErrors(findings) ? undefined : list;
  }
}
