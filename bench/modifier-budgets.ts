import { addedLine, memoryLine, speedLine, timesLine, type BudgetLine } from './budget-line.ts';
import type { InsideFigures } from './inside-figures.ts';
import type { Measurements } from './measurements.ts';
import { chainNames, type ChainName } from './modifier-chains.ts';
import { modifierSystems } from './sluice-system.ts';
import { median, ratio } from './statistics.ts';

const perEvent = { budget: 0.8, stretch: 0.4 };

const describe: Readonly<Record<ChainName, string>> = {
  chain: 'modifiers (words, card, ip, notice)',
  'chain-email': 'modifiers (words, card, e-mail, notice)',
};

/** The most of what was measured; undefined for nothing. */
function most(values: readonly (number | undefined)[]): number | undefined {
  const measured = values.filter((value) => value !== undefined);
  return measured.length === 0 ? undefined : Math.max(...measured);
}

/** Microseconds per event more than the empty pipeline, in turns next to each other. */
function addedOverHttp(measurements: Measurements, chain: ChainName): number | undefined {
  const pairs = measurements.pairs('modifiers', modifierSystems[chain], modifierSystems.none, 'cpuPerEvent');
  return median(pairs.map(([value, base]) => value - base));
}

/** The dearer of the two ways in which the events come. */
function addedInside({ chains }: InsideFigures, name: ChainName): number | undefined {
  const cost = chains.find(({ chain }) => chain === name);
  return cost && Math.max(cost.added, cost.addedInReadsOf8);
}

function perEventLines(measurements: Measurements, inside: InsideFigures): BudgetLine[] {
  return chainNames.flatMap((name) => [
    addedLine({
      figure: `${describe[name]}, CPU per event`,
      against: modifierSystems.none,
      value: addedOverHttp(measurements, name),
      ...perEvent,
    }),
    addedLine({
      figure: `${describe[name]}, CPU per event, inside`,
      against: 'no modifier',
      value: addedInside(inside, name),
      ...perEvent,
    }),
  ]);
}

function firstTokenLine(measurements: Measurements): BudgetLine {
  const pairs = measurements.pairs('modifiers-ttft', modifierSystems.chain, modifierSystems.none, 'firstByteP50');
  return timesLine({
    figure: `${describe.chain}, time to first token, p50`,
    against: modifierSystems.none,
    value: median(pairs.flatMap(([value, base]) => ratio(value, base) ?? [])),
    budget: 1.05,
  });
}

function growthLine({ longAnswers }: InsideFigures): BudgetLine {
  const worst = longAnswers.toSorted((left, right) => right.growth - left.growth)[0];
  return timesLine({
    figure: 'CPU of 20,000 tokens, the worst modifier',
    against: worst === undefined ? '10,000 tokens' : `10,000 tokens: ${worst.modifier}`,
    value: worst?.growth,
    budget: 2.1,
  });
}

function streamMemoryLine({ memory }: InsideFigures): BudgetLine {
  const kilobytes = chainNames.map((name) => memory.find(({ chain }) => chain === name)?.kilobytes);
  return memoryLine({
    figure: 'modifiers, heap per stream, the larger chain',
    against: 'no modifier',
    value: most(kilobytes),
    budget: 8,
  });
}

function patternSetLines({ patternSet: [all] }: InsideFigures): BudgetLine[] {
  const line = (figure: string, value: number | undefined): BudgetLine =>
    speedLine({ figure, against: 'absolute', value, budget: 30 });
  return [line('pattern set, 1 MB of prose', all?.plain), line('pattern set, in pieces of 24 units', all?.plainDeltas)];
}

/** What is promised of response modifiers beside what this run measured. */
export function modifierBudgetLines(measurements: Measurements, inside: InsideFigures): BudgetLine[] {
  return [
    ...perEventLines(measurements, inside),
    firstTokenLine(measurements),
    growthLine(inside),
    streamMemoryLine(inside),
    ...patternSetLines(inside),
  ];
}
