import type { Bound } from '../src/kernel/bound-modifier.ts';
import type { Modifier } from '../src/kernel/modifier.ts';
import { AnswerRun } from './answer-run.ts';
import { buildModifier } from './build-modifier.ts';
import { dialects } from './dialects.ts';
import type { FrameWays } from './frame-ways.ts';
import type { ChainCost, InsideJob } from './inside-figures.ts';
import { burstEvents, streamFrames, streamText } from './mock-answers.ts';
import { chainNames, chainStepsInPlace, notice } from './modifier-chains.ts';
import { median } from './statistics.ts';

/** Reads of the provider, in latin1, with so many frames each. */
export function readsOf(frames: readonly string[], perRead: number): string[] {
  const all = [...frames, dialects.openai.terminator];
  return Array.from({ length: Math.ceil(all.length / perRead) }, (_, index) =>
    Buffer.from(all.slice(index * perRead, (index + 1) * perRead).join('')).toString('latin1'),
  );
}

/** CPU microseconds of this process for `work`. */
export function cpuOf(work: () => void): number {
  const begun = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begun);
  return user + system;
}

interface Chain {
  readonly name: string;
  readonly steps: readonly Bound<Modifier>[];
  /** What stands behind the text of an answer. */
  readonly behind: string;
  readonly counters: { -readonly [Way in keyof FrameWays]: FrameWays[Way] };
  /** Microseconds per event, by turn: one event a read, eight a read. */
  readonly lone: number[];
  readonly eight: number[];
}

const chainOf = (name: string, steps: readonly Bound<Modifier>[], behind: string): Chain => ({
  name,
  steps,
  behind,
  counters: { pass: 0, scan: 0, splice: 0, slow: 0 },
  lone: [],
  eight: [],
});

function chains(): Chain[] {
  const built = chainNames.map((name) => chainOf(name, chainStepsInPlace(name).map(buildModifier), notice));
  const [first] = built;
  const alone = (first?.steps ?? []).map((step) =>
    chainOf(`${step.name} alone`, [step], step.name === 'notice' ? notice : ''),
  );
  return [chainOf('no modifier', [], ''), ...built, ...alone];
}

function play(reads: readonly string[], { steps, counters }: Chain, keep?: (frames: string) => void): void {
  const answer = new AnswerRun(steps, counters, keep);
  for (const read of reads) answer.read(read);
  answer.end();
}

/** Throws where the client would not read what it should. */
function check(reads: readonly string[], chain: Chain): void {
  let frames = '';
  play(reads, chain, (written) => (frames += written));
  const text = Buffer.from(frames, 'latin1')
    .toString('utf8')
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as { readonly choices: readonly { delta: { content?: string } }[] })
    .map(({ choices }) => choices[0]?.delta.content ?? '')
    .join('');
  if (text !== streamText(burstEvents) + chain.behind) throw new Error(`${chain.name}: wrong text ${text.slice(-100)}`);
}

function perEvent(reads: readonly string[], chain: Chain, answers: number): number {
  const cpu = cpuOf(() => {
    for (let answer = 0; answer < answers; answer += 1) play(reads, chain);
  });
  return cpu / answers / burstEvents;
}

function costOf({ name, lone, eight, counters }: Chain, none: Chain): ChainCost {
  const added = (own: readonly number[], base: readonly number[]): number =>
    median(own.map((value, turn) => value - (base[turn] ?? value))) ?? 0;
  return {
    chain: name,
    perEvent: median(lone) ?? 0,
    added: added(lone, none.lone),
    addedInReadsOf8: added(eight, none.eight),
    ways: { ...counters },
  };
}

/**
 * What chains of modifiers add to an event, on the whole way of an answer from its bytes to those of the client. All take
 * turns, forth and back, and each turn is compared with that of the empty chain next to it.
 */
export function chainCosts({ turns, answers }: InsideJob): ChainCost[] {
  const all = chains();
  const [none] = all;
  if (none === undefined) return [];
  const frames = streamFrames(burstEvents);
  const [lone, eight] = [readsOf(frames, 1), readsOf(frames, 8)];
  for (const one of all) {
    check(lone, one);
    check(eight, one);
    perEvent(lone, one, answers * 4);
    perEvent(eight, one, answers * 4);
  }
  for (let turn = 0; turn < turns; turn += 1) {
    for (const one of turn % 2 === 0 ? all : all.toReversed()) {
      one.lone.push(perEvent(lone, one, answers));
      one.eight.push(perEvent(eight, one, answers));
    }
  }
  return all.map((one) => costOf(one, none));
}
