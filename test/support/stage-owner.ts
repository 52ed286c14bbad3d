import type { AnswerEndsOwner, EarlyEnd } from '../../src/kernel/answer-ends.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';

export interface StageOutput extends AnswerEndsOwner {
  readonly left: AnswerEvent[];
  readonly earlyEnds: EarlyEnd[];
  /** How often it was said that nothing more is to be read. */
  ended: number;
}

/** Takes what leaves one stage. */
export function stageOutput(choices = 1): StageOutput {
  const output: StageOutput = {
    choices,
    left: [],
    earlyEnds: [],
    ended: 0,
    emit: (event) => void output.left.push(event),
    onStop: (early) => void output.earlyEnds.push(early),
    onEnded: () => void (output.ended += 1),
  };
  return output;
}
