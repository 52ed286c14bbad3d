import type { FrameWays } from './frame-ways.ts';
import type { PatternSetFigure } from './pattern-set.ts';

/** What the bench inside of a process is to measure, and how long. */
export interface InsideJob {
  readonly modifiers: boolean;
  readonly patternSet: boolean;
  readonly tokens: boolean;
  /** Turns of each chain in the comparison per event. */
  readonly turns: number;
  /** Answers of each turn. */
  readonly answers: number;
  /** Chains that are open at the same time. */
  readonly openStreams: number;
  /** Times that each long answer is played. */
  readonly plays: number;
  /** Least time for each figure of the pattern set. */
  readonly milliseconds: number;
  /** Each kind of pattern also by itself. */
  readonly eachKind: boolean;
}

/** What a chain adds to an event of 310 bytes, over the empty pipeline. */
export interface ChainCost {
  readonly chain: string;
  /** Microseconds of CPU per event, its share of the stream's fixed cost included. */
  readonly perEvent: number;
  /** Over no modifier, where each event is a read of its own. */
  readonly added: number;
  /** The same where eight events come in one read. */
  readonly addedInReadsOf8: number;
  readonly ways: FrameWays;
}

/** CPU of an answer of 10,000 tokens, and of one twice as long. */
export interface LongAnswer {
  readonly modifier: string;
  readonly policy: string;
  /** Microseconds of CPU per token. */
  readonly perToken: number;
  /** CPU of 20,000 tokens by that of 10,000. */
  readonly growth: number;
}

/** Memory of a stream in the middle of its text, over that of an empty pipeline. */
export interface StreamMemory {
  readonly chain: string;
  readonly kilobytes: number;
}

/** What a token costs that is there, in nanoseconds of CPU. */
export interface TokenCost {
  readonly provider: string;
  /** Of one `getToken`, which never was a promise. */
  readonly perToken: number;
  /** What an attempt costs more than one without a token: asked for, put into the request, given back. */
  readonly addedPerRequest: number;
}

/** Many runs that need a token at the same time. */
export interface TokenStampede {
  readonly when: string;
  readonly runs: number;
  /** Runs that had to wait. */
  readonly waiting: number;
  /** Requests to the token server. */
  readonly calls: number;
  /** Different tokens that the runs got. */
  readonly tokens: number;
}

export interface InsideFigures {
  readonly chains: readonly ChainCost[];
  readonly memory: readonly StreamMemory[];
  readonly longAnswers: readonly LongAnswer[];
  readonly patternSet: readonly PatternSetFigure[];
  readonly tokens: readonly TokenCost[];
  readonly stampedes: readonly TokenStampede[];
}

/** Where nothing of it was measured. */
export const noInsideFigures: InsideFigures = {
  chains: [],
  memory: [],
  longAnswers: [],
  patternSet: [],
  tokens: [],
  stampedes: [],
};
