import type { ModifierPhase } from '../kernel/modifier.ts';
import type { AttemptTimeouts } from '../kernel/forward.ts';
import type { ReferenceKind } from '../kernel/schema.ts';
import type { UpstreamScript } from '../kernel/upstream-script.ts';
import type { ComponentOf } from '../registry/registry.ts';
import type { PipelineDefinition, UsableKind } from './pipeline-schema.ts';

/** Tells a resolved component from whatever else a config may hold. */
export const resolvedMark = Symbol('resolved component');

/** A component of a definition, ready to be created: `component.create(config, capabilities)`. */
interface ResolvedUse<K extends UsableKind> {
  readonly [resolvedMark]: true;
  readonly kind: K;
  /** Its name in the file; of a step without one `type#index`; of an inline one its type. */
  readonly name: string;
  readonly type: string;
  readonly component: ComponentOf<K>;
  /**
   * Defaults filled in; a `Secret` where the schema marks a secret, an array where it refers to a word list, another
   * resolved component where it refers to one.
   */
  readonly config: Readonly<Record<string, unknown>>;
  /** Where it stands: the pipeline's file or the one of a resource, and the place in it. */
  readonly file: string;
  readonly pointer: string;
  /**
   * Of a shared resource: its kind and the hash of all that it is made of. Equal keys may share one instance, across
   * pipelines and generations.
   */
  readonly shared?: string;
}

interface ResolvedStep<K extends UsableKind> extends ResolvedUse<K> {
  readonly when?: string;
  readonly onError: 'fail' | 'skip';
}

export interface ResolvedProcessor extends ResolvedStep<'processor'> {
  readonly timeoutMilliseconds: number;
}
export interface ResolvedModifier extends ResolvedStep<'modifier'> {
  readonly phase: ModifierPhase;
}
export interface ResolvedTokenProvider extends ResolvedUse<'token-provider'> {
  /** The only origins whose backends may use it. */
  readonly origins?: readonly string[];
}

export interface ResolvedBackend extends ResolvedUse<'backend'> {
  readonly token?: ResolvedTokenProvider;
  readonly network: 'public' | 'private';
  readonly timeouts: AttemptTimeouts;
  readonly upstream?: UpstreamScript;
}

export interface ResolvedByKind {
  readonly processor: ResolvedProcessor;
  readonly modifier: ResolvedModifier;
  readonly 'token-provider': ResolvedTokenProvider;
  readonly backend: ResolvedBackend;
}
export type ResolvedComponent = ResolvedByKind[UsableKind];

export function isResolvedComponent(value: unknown): value is ResolvedComponent {
  return typeof value === 'object' && value !== null && resolvedMark in value;
}

/** A resource that a pipeline is made of. */
export interface ResourceUse {
  readonly kind: ReferenceKind;
  readonly name: string;
  readonly file: string;
}

/** A definition without a mistake, with everything that it names. */
export interface ResolvedPipeline {
  readonly name: string;
  /** First 12 hex digits of the SHA-256 of the document and of all resources that it uses; comments and order do not count. */
  readonly revision: string;
  readonly file: string;
  readonly definition: PipelineDefinition;
  readonly processors: readonly ResolvedProcessor[];
  readonly modifiers: readonly ResolvedModifier[];
  /** By name, those of this file and the shared ones that it routes to, in the order of the file. */
  readonly backends: ReadonlyMap<string, ResolvedBackend>;
  /** By name, those of this file. */
  readonly tokenProviders: ReadonlyMap<string, ResolvedTokenProvider>;
  /** Name of the backend that answers where nothing else decides. */
  readonly defaultBackend: string;
  readonly uses: readonly ResourceUse[];
}

/** What a pipeline is made of. A part that has an error is left out. */
export interface PipelineParts {
  readonly processors: readonly ResolvedProcessor[];
  readonly modifiers: readonly ResolvedModifier[];
  readonly tokenProviders: ReadonlyMap<string, ResolvedTokenProvider>;
  readonly backends: ReadonlyMap<string, ResolvedBackend>;
  readonly defaultBackend: ResolvedBackend | undefined;
}
