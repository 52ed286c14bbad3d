import type { FinishReason } from './event.ts';
import type { Run } from './run.ts';

export interface PipelineCall {
  /** Instruction in front of the text. */
  readonly system?: string;
  /** The one message of the user. */
  readonly user: string;
  /** Parameters that the called pipeline declares. */
  readonly params?: Readonly<Record<string, unknown>>;
}

export interface PipelineAnswer {
  /** All text of the answer, reasoning aside. */
  readonly text: string;
  readonly finish: FinishReason;
}

/**
 * Calls another pipeline of this process, without a socket, on behalf of a run: with its caller, within its deadline,
 * ended by its signal. The definition that serves at that moment answers. Rejects with the SluiceError of a run that
 * failed. A config names the pipeline in a field made with `pipelineName()`, so that circles are refused at load.
 */
export interface PipelineCaller {
  call(pipeline: string, request: PipelineCall, run: Run): Promise<PipelineAnswer>;
}
