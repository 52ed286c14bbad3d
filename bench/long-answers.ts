import { AnswerRun } from './answer-run.ts';
import { buildModifier } from './build-modifier.ts';
import { cpuOf, readsOf } from './chain-cost.ts';
import type { InsideJob, LongAnswer } from './inside-figures.ts';
import { everyTypeSteps, jsonSteps, proseSteps } from './long-answer-steps.ts';
import { answerFrames } from './mock-answers.ts';
import { chainStepsInPlace, type StepDefinition } from './modifier-chains.ts';
import { proseTokens } from './prose.ts';

const tokens = 10_000;

/** Reads of an answer of 10,000 tokens, and of one of 20,000. */
interface Lengths {
  readonly once: readonly string[];
  readonly twice: readonly string[];
}

function lengths(pieces: (count: number) => readonly string[]): Lengths {
  const reads = (count: number): string[] => readsOf(answerFrames(pieces(count)), 1);
  return { once: reads(tokens), twice: reads(2 * tokens) };
}

/** An array of strings in as many pieces. */
function jsonTokens(count: number): string[] {
  const inner = proseTokens(count - 2, 5).map((token, index) => {
    const text = JSON.stringify(token).slice(1, -1);
    return index % 12 === 11 ? `${text}", "` : text;
  });
  return ['["', ...inner, '"]'];
}

function policyOf(steps: ReturnType<typeof buildModifier>[]): string {
  const held = steps.map(({ modifier: { policy } }) => {
    if (policy.mode === 'live') return 0;
    return policy.mode === 'window' ? policy.maxHeldCharacters : Number.POSITIVE_INFINITY;
  });
  const sum = held.reduce((total, most) => total + most, 0);
  if (sum === 0) return 'live';
  return Number.isFinite(sum) ? `window, ${sum}` : 'buffer';
}

function measure(
  name: string,
  definitions: readonly StepDefinition[],
  { once, twice }: Lengths,
  plays: number,
): LongAnswer {
  const steps = definitions.map(buildModifier);
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const cpu = (reads: readonly string[]): number =>
    cpuOf(() => {
      const answer = new AnswerRun(steps, counters);
      for (const read of reads) answer.read(read);
      answer.end();
    });
  cpu(twice);
  let [best, bestTwice] = [Infinity, Infinity];
  for (let play = 0; play < plays; play += 1) {
    best = Math.min(best, cpu(once));
    bestTwice = Math.min(bestTwice, cpu(twice));
  }
  return { modifier: name, policy: policyOf(steps), perToken: best / tokens, growth: bestTwice / best };
}

/** CPU of long answers through no modifier, through each that is live or holds a window, and through chains of them. */
export function longAnswers({ plays }: InsideJob): LongAnswer[] {
  const prose = lengths((count) => proseTokens(count, 5));
  const json = lengths(jsonTokens);
  return [
    measure('no modifier', [], prose, plays),
    ...proseSteps.map((step) => measure(step.name, [step], prose, plays)),
    ...jsonSteps.map((step) => measure(step.name, [step], json, plays)),
    measure('chain', chainStepsInPlace('chain'), prose, plays),
    measure('chain-email', chainStepsInPlace('chain-email'), prose, plays),
    measure('one of each type', everyTypeSteps, prose, plays),
  ];
}
