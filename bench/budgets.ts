import { addedLine, memoryLine, speedLine, timesLine, type BudgetLine } from './budget-line.ts';
import { dialectPairs, systemOfPair, untranslated, type DialectPair } from './dialects.ts';
import type { InsideFigures } from './inside-figures.ts';
import type { Measurements, Metric } from './measurements.ts';
import { burstEvents } from './mock-answers.ts';
import { modifierBudgetLines } from './modifier-budgets.ts';
import type { ScenarioName } from './scenarios.ts';
import { ratio } from './statistics.ts';
import type { WordMaskFigure } from './word-mask.ts';

/** The system that the budgets speak of, and those they compare it with. */
const ours = 'sluice-5+3';
const ourFloor = 'sluice-empty';
const yardsticks = ['nginx', 'pipe'] as const;
const maskWords = 100_000;
/** CPU of a translated stream, by that of the same provider's stream as it is. */
const translation = { budget: 2, stretch: 1.3 };

interface RatioBudget {
  readonly figure: string;
  readonly scenario: ScenarioName;
  readonly metric: Metric;
  readonly nginx: number;
  readonly pipe: number;
  /** Against nginx. */
  readonly stretch: number;
}

const ratioBudgets: readonly RatioBudget[] = [
  { figure: 'CPU of a JSON request', scenario: 'json', metric: 'cpuPerAnswer', nginx: 7, pipe: 1.3, stretch: 4.5 },
  {
    figure: 'CPU of a 64-event stream',
    scenario: 'burst',
    metric: 'cpuPerAnswer',
    nginx: 1.5,
    pipe: 1.1,
    stretch: 1.15,
  },
  { figure: 'CPU of a lone event', scenario: 'lone', metric: 'cpuPerEvent', nginx: 2.4, pipe: 1.15, stretch: 1.6 },
  {
    figure: 'added time to first token, p50',
    scenario: 'ttft',
    metric: 'firstByteP50',
    nginx: 1.9,
    pipe: 1.3,
    stretch: 1.3,
  },
];

/** The figure of a system; time to first token counts only what is added to the mock's own. */
export function comparable(
  measurements: Measurements,
  scenario: ScenarioName,
  system: string,
  metric: Metric,
): number | undefined {
  const value = measurements.figure(scenario, system, metric);
  if (scenario !== 'ttft') return value;
  const direct = measurements.figure(scenario, 'direct', metric);
  return value === undefined || direct === undefined ? undefined : value - direct;
}

function ratioLine(measurements: Measurements, budget: RatioBudget, yardstick: 'nginx' | 'pipe'): BudgetLine {
  const { scenario, metric } = budget;
  const value = ratio(
    comparable(measurements, scenario, ours, metric),
    comparable(measurements, scenario, yardstick, metric),
  );
  const stretch = yardstick === 'nginx' ? budget.stretch : undefined;
  return timesLine({ figure: budget.figure, against: yardstick, value, budget: budget[yardstick], stretch });
}

/** Without steps: what the other format costs, and nothing else. */
function translationLine(measurements: Measurements, pair: DialectPair): BudgetLine {
  const cpu = (of: DialectPair): number | undefined =>
    measurements.figure('translated', systemOfPair(of), 'cpuPerAnswer');
  const plain = untranslated(pair);
  return timesLine({
    figure: `CPU of a ${burstEvents}-event stream, ${pair.provider} to ${pair.client}, no steps`,
    against: systemOfPair(plain),
    value: ratio(cpu(pair), cpu(plain)),
    ...translation,
  });
}

/** Microseconds that the steps add to an event, from the streams in a burst: their figures are the steadiest. */
function stepCost(measurements: Measurements): BudgetLine {
  const perEvent = (system: string): number | undefined => measurements.figure('burst', system, 'cpuPerEvent');
  const [full, empty] = [perEvent(ours), perEvent(ourFloor)];
  const value = full === undefined || empty === undefined ? undefined : full - empty;
  return addedLine({ figure: '5+3 steps, CPU per event', against: ourFloor, value, budget: 0.8, stretch: 0.4 });
}

function idleMemory(measurements: Measurements): BudgetLine {
  const value = measurements.figure('idle', ours, 'idleKilobytes');
  return memoryLine({ figure: 'memory per idle stream', against: 'absolute', value, budget: 56, stretch: 24 });
}

function maskSpeed(speeds: readonly WordMaskFigure[]): BudgetLine {
  const value = speeds.find((speed) => speed.language === 'english' && speed.words === maskWords)?.plain;
  return speedLine({ figure: 'word mask, 100,000 words', against: 'absolute', value, budget: 40, stretch: 90 });
}

/** All promises beside what this run measured. */
export function budgetLines(
  measurements: Measurements,
  speeds: readonly WordMaskFigure[],
  inside: InsideFigures,
): BudgetLine[] {
  const ratios = ratioBudgets.flatMap((budget) =>
    yardsticks.map((yardstick) => ratioLine(measurements, budget, yardstick)),
  );
  const translated = dialectPairs
    .filter(({ provider, client }) => provider !== client)
    .map((pair) => translationLine(measurements, pair));
  return [
    ...ratios,
    ...translated,
    stepCost(measurements),
    idleMemory(measurements),
    maskSpeed(speeds),
    ...modifierBudgetLines(measurements, inside),
  ];
}
