import type { Bound } from '../src/kernel/bound-modifier.ts';
import type { Modifier } from '../src/kernel/modifier.ts';
import { AnswerRun } from './answer-run.ts';
import { buildModifier } from './build-modifier.ts';
import { readsOf } from './chain-cost.ts';
import type { InsideJob, StreamMemory } from './inside-figures.ts';
import { everyTypeSteps } from './long-answer-steps.ts';
import { answerFrames } from './mock-answers.ts';
import { chainNames, chainStepsInPlace } from './modifier-chains.ts';
import { proseTokens } from './prose.ts';

/** Tokens that have come when the memory is read. */
const tokens = 100;
/** In the end everybody holds something: a word, an address or a number may go on. */
const unfinished = ' call 4111 1111 ann.lee@exam';

function heapBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start with --expose-gc');
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** Bytes of heap that each of many streams keeps in the middle of its text. */
function bytesPerStream(steps: readonly Bound<Modifier>[], reads: readonly string[], streams: number): number {
  const before = heapBytes();
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const open: AnswerRun[] = [];
  for (let index = 0; index < streams; index += 1) {
    const answer = new AnswerRun(steps, counters);
    // Each has strings of its own, as from a socket.
    for (const read of reads) answer.read(Buffer.from(read, 'latin1').toString('latin1'));
    open.push(answer);
  }
  const bytes = (heapBytes() - before) / streams;
  // Alive until here.
  for (const answer of open) answer.close();
  return bytes;
}

/** What chains keep per stream over an empty one. */
export function streamMemory({ openStreams }: InsideJob): StreamMemory[] {
  const frames = answerFrames([...proseTokens(tokens, 13), unfinished]).slice(0, -2);
  const reads = readsOf(frames, 1).slice(0, -1);
  const measure = (steps: readonly Bound<Modifier>[]): number => {
    bytesPerStream(steps, reads, 20);
    return bytesPerStream(steps, reads, openStreams);
  };
  const empty = measure([]);
  const figure = (chain: string, definitions: readonly Parameters<typeof buildModifier>[0][]): StreamMemory => ({
    chain,
    kilobytes: (measure(definitions.map(buildModifier)) - empty) / 1_024,
  });
  return [
    { chain: 'no modifier', kilobytes: empty / 1_024 },
    ...chainNames.map((name) => figure(name, chainStepsInPlace(name))),
    figure('one of each type', everyTypeSteps),
  ];
}
