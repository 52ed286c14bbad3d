import type { AnswerEndsOwner } from './answer-ends.ts';

/** What a stage of the chain tells its chain. */
export type StageOwner = AnswerEndsOwner;
