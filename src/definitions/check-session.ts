import { createHash } from 'node:crypto';
import type { ConditionPhase } from '../kernel/condition.ts';
import type { ReferenceKind } from '../kernel/schema.ts';
import type { Registry } from '../registry/registry.ts';
import type { Diagnostic, Severity } from './diagnostic.ts';
import { buildPipelineSchema } from './pipeline-schema.ts';
import { canonicalJson } from './json-pointer.ts';
import { createLocator, type Position } from './locator.ts';
import { pipelineLimits, wordListLimits } from './document-limits.ts';
import { readDocument, type DocumentSource, type ReadDocument } from './read-document.ts';
import type { ResourceUse } from './resolved-pipeline.ts';
import { SchemaValidator } from './schema-validator.ts';
import type { SecretFile } from './secret-file.ts';
import type { SecretEnvironment } from './secrets.ts';

/** A mistake in a condition. `offset` counts code units from the beginning of its text. */
export interface ConditionProblem {
  readonly message: string;
  readonly offset: number;
  /** Default `condition.type`. */
  readonly code?: string;
}

/** Checks the text of a condition for the phase in which it is decided. `params` are the declared ones; absent in a shared resource. */
export type CheckCondition = (
  text: string,
  phase: ConditionPhase,
  options: { readonly params?: readonly string[] },
) => readonly ConditionProblem[];

/** The folder's resources by `kind/name`. */
export type Resources = ReadonlyMap<string, DocumentSource>;

/** What a check needs beside the document. */
export interface CheckContext {
  readonly registry: Registry;
  readonly resources: Resources;
  /** All definitions of the folder, by name: components may call other pipelines. */
  readonly pipelines: ReadonlyMap<string, DocumentSource>;
  readonly checkCondition: CheckCondition;
  readonly environment: SecretEnvironment;
}

/** A document with its text, its value and the hash of that value. */
export interface OpenDocument extends ReadDocument {
  readonly file: string;
  readonly hash: string;
}

// An unchanged file keeps its source object, so a word list of 16 MiB is read once and not once per pipeline and save.
const opened = new WeakMap<DocumentSource, OpenDocument>();
const validators = new WeakMap<Registry, SchemaValidator>();

export function openDocument(source: DocumentSource, kind: 'pipeline' | ReferenceKind): OpenDocument {
  const known = opened.get(source);
  if (known !== undefined) return known;
  const isList = kind === 'word-list';
  const document =
    source.problem === undefined
      ? readDocument(source, isList ? 'array' : 'object', isList ? wordListLimits : pipelineLimits)
      : unreadable(source.problem);
  const result = { ...document, file: source.file, hash: sha256(canonicalJson(document.value ?? null)) };
  opened.set(source, result);
  return result;
}

/** The folder could not read it; its place in the text is unknown. */
function unreadable(problem: Diagnostic): ReadDocument {
  return { value: undefined, locator: createLocator('', undefined), diagnostics: [problem], brokenAt: [] };
}

export function validatorOf(registry: Registry): SchemaValidator {
  const known = validators.get(registry);
  if (known !== undefined) return known;
  const validator = new SchemaValidator();
  validator.add(buildPipelineSchema(registry), 'pipeline');
  validators.set(registry, validator);
  return validator;
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A place that names another pipeline. */
export interface PipelineCallSite {
  readonly document: OpenDocument;
  readonly pointer: string;
  readonly name: string;
}

/** Errors of one check at most, beside those of the shape; a hostile document could make ten thousand. */
const maxErrors = 400;

/** One check of one pipeline: its findings, and the resources that it met on the way. */
export class CheckSession {
  readonly context: CheckContext;
  readonly validator: SchemaValidator;
  readonly diagnostics: Diagnostic[] = [];
  /** Where other pipelines are named that components call. */
  readonly calls: PipelineCallSite[] = [];
  /** Files that secrets are in, or shall be in. */
  readonly secretFiles: SecretFile[] = [];
  /** By `kind/name`. */
  readonly uses = new Map<string, ResourceUse & { readonly hash: string }>();
  #errors = 0;

  constructor(context: CheckContext) {
    this.context = context;
    this.validator = validatorOf(context.registry);
  }

  /** True where no further error is kept, so that nobody needs to word it. */
  get isFull(): boolean {
    return this.#errors >= maxErrors;
  }

  report(
    document: OpenDocument,
    code: string,
    pointer: string,
    message: string,
    options: {
      readonly severity?: Severity;
      readonly suggestion?: string | undefined;
      readonly position?: Position;
    } = {},
  ): void {
    const { severity = 'error', suggestion } = options;
    if (severity === 'error') this.#errors += 1;
    if (severity === 'error' && this.#errors > maxErrors) return;
    const { position = document.locator.value(pointer) } = options;
    this.diagnostics.push({
      code,
      severity,
      message,
      file: document.file,
      pointer,
      ...position,
      ...(suggestion !== undefined && { suggestion }),
    });
  }

  /** Opens a resource, or returns undefined where there is none of that name. */
  openResource(kind: ReferenceKind, name: string): OpenDocument | undefined {
    const source = this.context.resources.get(`${kind}/${name}`);
    return source && openDocument(source, kind);
  }

  resourceNames(kind: ReferenceKind): string[] {
    const prefix = `${kind}/`;
    return [...this.context.resources.keys()]
      .filter((key) => key.startsWith(prefix))
      .map((key) => key.slice(prefix.length));
  }
}
