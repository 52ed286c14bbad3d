import { basename } from 'node:path';
import { checkMeaning } from './check-meaning.ts';
import { CheckSession, openDocument, sha256, type CheckContext, type OpenDocument } from './check-session.ts';
import { arrangeDiagnostics, hasErrors, type Diagnostic } from './diagnostic.ts';
import { appendPointer, isRecord } from './json-pointer.ts';
import { maxSteps, type PipelineDefinition, type UsableKind } from './pipeline-schema.ts';
import type { DocumentSource } from './read-document.ts';
import { DocumentResolver } from './resolve-document.ts';
import { ResourceResolver } from './resolve-resource.ts';
import type { PipelineParts, ResolvedBackend, ResolvedByKind, ResolvedPipeline } from './resolved-pipeline.ts';

export interface PipelineCheck {
  /** Absent where there is an error. */
  readonly pipeline?: ResolvedPipeline;
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The one check of a definition, for loading, validating and activating alike. Syntax, shape and meaning are checked
 * together, and all findings are reported at once. Reads secrets and nothing else; never throws for what a file holds.
 */
export function checkPipeline(source: DocumentSource, context: CheckContext): PipelineCheck {
  const session = new CheckSession(context);
  const document = openDocument(source, 'pipeline');
  const resolver = new DocumentResolver(session, new ResourceResolver(session), document, 'pipeline');
  const parts = resolveParts(resolver);
  if (document.value !== undefined) checkMeaning(session, resolver, pipelineName(source.file), parts);
  const diagnostics = arrangeDiagnostics(session.diagnostics, source.file);
  if (hasErrors(session.diagnostics)) return { diagnostics };
  return { pipeline: assemble(session, resolver, document, parts), diagnostics };
}

/** `pipelines/support.jsonc` is the pipeline `support`. */
export function pipelineName(file: string): string {
  return basename(file).replace(/\.jsonc?$/, '');
}

function resolveParts(resolver: DocumentResolver): PipelineParts {
  const tokenProviders = resolveMap(resolver, 'token-provider', 'tokenProviders');
  const backends = resolveMap(resolver, 'backend', 'backends');
  const defaultBackend = resolveDefault(resolver, backends);
  if (defaultBackend !== undefined) backends.set(defaultBackend.name, defaultBackend);
  return {
    processors: resolveSteps(resolver, 'processor', 'processors'),
    modifiers: resolveSteps(resolver, 'modifier', 'modifiers'),
    tokenProviders,
    backends,
    defaultBackend,
  };
}

function resolveSteps<K extends 'processor' | 'modifier'>(
  resolver: DocumentResolver,
  kind: K,
  key: string,
): ResolvedByKind[K][] {
  const steps = resolver.value[key];
  if (!Array.isArray(steps)) return [];
  // More than may be were reported with the shape.
  const resolved = steps.slice(0, maxSteps).map((step: unknown, index) => {
    const type = isRecord(step) ? String(step['type']) : '';
    return resolver.component(kind, appendPointer(`/${key}`, index), step, `${type}#${index}`);
  });
  return resolved.filter((step): step is ResolvedByKind[K] => step !== undefined);
}

function resolveMap<K extends 'token-provider' | 'backend'>(
  resolver: DocumentResolver,
  kind: K,
  key: string,
): Map<string, ResolvedByKind[K]> {
  const entries = isRecord(resolver.value[key]) ? Object.keys(resolver.value[key]) : [];
  const resolved = new Map<string, ResolvedByKind[K]>();
  for (const name of entries) {
    const entry = resolver.entry(kind, name);
    if (entry !== undefined) resolved.set(name, entry);
  }
  return resolved;
}

/** Of one backend there is no choice; of more, `routing.default.to` names it. */
function resolveDefault(
  resolver: DocumentResolver,
  backends: ReadonlyMap<string, ResolvedBackend>,
): ResolvedBackend | undefined {
  const target = defaultTarget(resolver.value);
  if (target !== undefined) return resolver.component('backend', '/routing/default/to/0', target);
  const [only, ...others] = backends.values();
  if (only === undefined || others.length > 0) return undefined;
  resolver.referred.add(`backend/${only.name}`);
  return only;
}

function defaultTarget(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { default: target } = Object(definition['routing']) as { default?: unknown };
  const { to } = Object(target) as { to?: unknown };
  const first: unknown = Array.isArray(to) ? to[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}

function assemble(
  session: CheckSession,
  resolver: DocumentResolver,
  document: OpenDocument,
  parts: PipelineParts,
): ResolvedPipeline {
  // The shape was checked without an error, so the value is the built form of a definition.
  const definition = resolver.value as unknown as PipelineDefinition;
  const uses = [...session.uses.values()].sort((one, other) => (resourceKey(one) < resourceKey(other) ? -1 : 1));
  const content = [document.hash, ...uses.map((use) => `${resourceKey(use)}:${use.hash}`)].join('\n');
  const { defaultBackend, ...resolved } = parts;
  return {
    name: definition.name,
    revision: sha256(content).slice(0, 12),
    file: document.file,
    definition,
    ...resolved,
    defaultBackend: defaultBackend?.name ?? '',
    uses: uses.map(({ kind, name, file }) => ({ kind, name, file })),
  };
}

function resourceKey({ kind, name }: { readonly kind: UsableKind | 'word-list'; readonly name: string }): string {
  return `${kind}/${name}`;
}
