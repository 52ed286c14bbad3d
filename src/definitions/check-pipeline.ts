import { basename } from 'node:path';
import { checkCalls } from './check-calls.ts';
import { checkMeaning } from './check-meaning.ts';
import { CheckSession, openDocument, sha256, type CheckContext, type OpenDocument } from './check-session.ts';
import { arrangeDiagnostics, hasErrors, type Diagnostic } from './diagnostic.ts';
import type { PipelineDefinition, UsableKind } from './pipeline-schema.ts';
import type { DocumentSource } from './read-document.ts';
import { DocumentResolver } from './resolve-document.ts';
import { ResourceResolver } from './resolve-resource.ts';
import { resolveParts } from './resolve-parts.ts';
import type { PipelineParts, ResolvedPipeline } from './resolved-pipeline.ts';
import type { SecretFile } from './secret-file.ts';

/** Of the secret files of one definition, so many are watched while it is refused. */
const maxWatchedFiles = 64;

export interface PipelineCheck {
  /** Absent where there is an error. */
  readonly pipeline?: ResolvedPipeline;
  readonly diagnostics: readonly Diagnostic[];
  /** Other pipelines that the outcome depends on, because this one calls them; one of them may not be there. */
  readonly calls: readonly string[];
  /** Files with secrets that decided: where there is an error those that could not be read, else all of them. */
  readonly secretFiles: readonly SecretFile[];
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
  const calls = checkCalls(session, pipelineName(source.file));
  const diagnostics = arrangeDiagnostics(session.diagnostics, source.file);
  const isRefused = hasErrors(session.diagnostics);
  // Of those that are missing a few are enough: before they are there, the others make no difference.
  const secretFiles = session.secretFiles.filter((file) => !isRefused || !file.wasRead).slice(0, maxWatchedFiles);
  if (isRefused) return { diagnostics, calls, secretFiles };
  return { pipeline: assemble(session, resolver, document, parts), diagnostics, calls, secretFiles };
}

/** `pipelines/support.jsonc` is the pipeline `support`. */
export function pipelineName(file: string): string {
  return basename(file).replace(/\.jsonc?$/, '');
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
