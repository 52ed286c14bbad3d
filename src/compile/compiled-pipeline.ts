import type { ResolvedTokenProvider } from '../definitions/resolved-pipeline.ts';
import type { Backend } from '../kernel/component.ts';
import type { Modifier } from '../kernel/modifier.ts';
import type { FrameCounters } from '../kernel/answer-pipe.ts';
import type { ConditionSource } from '../kernel/condition.ts';
import type { AttemptTimeouts } from '../kernel/forward.ts';
import type { ProcessorStep } from '../kernel/request-chain.ts';
import type { Run } from '../kernel/run.ts';
import type { PipelinePlan } from './plan.ts';
import type { Bound } from '../kernel/bound-modifier.ts';
import type { TokenLink } from '../kernel/tokens/token-provider.ts';
import type { Transport } from '../kernel/upstream.ts';

export interface CompiledBackend {
  /** Key in the definition; also a name by which a client may ask for it. */
  readonly name: string;
  readonly type: string;
  readonly backend: Backend;
  readonly transport: Transport;
  readonly token: TokenLink | undefined;
  /** What the token provider is made of, for those who look; there where it has one. */
  readonly tokenDefinition?: ResolvedTokenProvider;
  readonly timeouts: AttemptTimeouts;
}

/** What happens to fields of a body that its dialect does not document. */
export type UnknownFields = 'forward' | 'drop' | 'reject';

/** A definition made runnable: an object graph that nothing changes any more. All times are in milliseconds. */
export interface CompiledPipeline {
  readonly name: string;
  readonly revision: string;
  readonly formats: readonly string[];
  readonly maxBodyBytes: number;
  readonly unknownModel: 'refuse' | 'route';
  readonly unknownFields: UnknownFields;
  readonly params: ParameterCheck;
  /** The steps of a run; those with a condition decide it when their turn comes. */
  processors(run: Pick<Run, 'caller' | 'params'>): readonly ProcessorStep[];
  readonly backends: ReadonlyMap<string, CompiledBackend>;
  readonly defaultBackend: CompiledBackend;
  /** The modifiers of a run whose conditions hold. */
  modifiers(source: ConditionSource): readonly Bound<Modifier>[];
  /** What the modifiers do to a stream. */
  readonly plan: PipelinePlan;
  readonly output: {
    readonly heartbeat: number;
    readonly commitAfter: number;
    readonly clientStall: number;
    /** The plan is shown in a header. */
    readonly debug: boolean;
  };
  readonly limits: {
    readonly concurrentStreams: number;
    readonly maxStreamDuration: number;
    readonly maxFrameBytes: number;
    readonly maxAnswerBytes: number;
  };
  readonly counters: FrameCounters;
  /** Ends what the components hold: pools, watchers. Called once, after the last run. */
  dispose(): Promise<void>;
}

/** Checks the parameters of a request and fills in defaults. Throws REQUEST_INVALID with the name that is wrong. */
export type ParameterCheck = (given: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>;
