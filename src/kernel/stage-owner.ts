import type { AnswerEndsOwner, EarlyEnd } from './answer-ends.ts';

/** What a stage of the chain tells its chain. */
export interface StageOwner extends AnswerEndsOwner {
  /** A modifier of the stage has ended a choice. */
  onStop(early: EarlyEnd): void;
}
