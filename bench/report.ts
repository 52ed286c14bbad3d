import type { BudgetLine } from './budget-line.ts';
import { budgetLines, comparable } from './budgets.ts';
import { dialectPairs, systemOfPair, untranslated } from './dialects.ts';
import { frameWayNames } from './frame-ways.ts';
import type { InsideFigures } from './inside-figures.ts';
import { insideSections } from './inside-report.ts';
import { figure, percent, table, times } from './markdown.ts';
import type { Measurements, Metric } from './measurements.ts';
import { burstEvents } from './mock-answers.ts';
import { firstTokenScenarios, type LoadScenario, type ScenarioName } from './scenarios.ts';
import type { Profile } from './settings.ts';
import { modifierSystems } from './sluice-system.ts';
import { median, ratio } from './statistics.ts';
import type { WordMaskFigure } from './word-mask.ts';

export interface ReportInput {
  readonly measurements: Measurements;
  readonly profile: Profile;
  readonly scenarios: readonly LoadScenario[];
  /** Names of the systems that ran, in order. */
  readonly systems: readonly string[];
  readonly wordMask: readonly WordMaskFigure[];
  readonly inside: InsideFigures;
  /** One line each: machine, runtime, how the run was set up. */
  readonly machine: readonly string[];
}

interface Column {
  readonly title: string;
  value(system: string): string;
}

function plain(input: ReportInput, scenario: ScenarioName, title: string, metric: Metric): Column {
  return { title, value: (system) => figure(input.measurements.figure(scenario, system, metric)) };
}

function ratioColumns(input: ReportInput, scenario: ScenarioName, metric: Metric): Column[] {
  return ['nginx', 'pipe'].map((base) => ({
    title: `x ${base}`,
    value: (system) =>
      system === 'direct'
        ? ''
        : times(
            ratio(
              comparable(input.measurements, scenario, system, metric),
              comparable(input.measurements, scenario, base, metric),
            ),
          ),
  }));
}

/** CPU that each further event of the burst costs: the shortest stream's cost is taken off. */
function furtherEvent(input: ReportInput, scenario: ScenarioName): Column {
  const singleEvents = input.scenarios.find(({ name }) => name === 'single')?.events ?? 0;
  return {
    title: 'us per further event',
    value(system) {
      const burst = input.measurements.figure(scenario, system, 'cpuPerAnswer');
      const single = input.measurements.figure('single', system, 'cpuPerAnswer');
      return burst === undefined || single === undefined ? '' : figure((burst - single) / (burstEvents - singleEvents));
    },
  };
}

/** How much the other format costs, by the system with the same provider that passes its answer on. */
function translationColumn(input: ReportInput): Column {
  const cpu = (system: string): number | undefined => input.measurements.figure('translated', system, 'cpuPerAnswer');
  return {
    title: 'x untranslated',
    value(system) {
      const pair = dialectPairs.find((candidate) => systemOfPair(candidate) === system);
      return pair === undefined ? '' : times(ratio(cpu(system), cpu(systemOfPair(untranslated(pair)))));
    },
  };
}

/** What modifiers add to an event: the median of turns, each compared with that of the empty pipeline next to it. */
function addedPerEvent(input: ReportInput): Column {
  return {
    title: 'added us/event',
    value(system) {
      const pairs = input.measurements.pairs('modifiers', system, modifierSystems.none, 'cpuPerEvent');
      return figure(median(pairs.map(([value, base]) => value - base)));
    },
  };
}

function timesEmpty(input: ReportInput): Column {
  return {
    title: 'x no modifier',
    value(system) {
      const pairs = input.measurements.pairs('modifiers-ttft', system, modifierSystems.none, 'firstByteP50');
      return times(median(pairs.flatMap(([value, base]) => ratio(value, base) ?? [])));
    },
  };
}

function addedFirstToken(input: ReportInput): Column {
  return {
    title: 'added p50 ms',
    value: (system) => figure(comparable(input.measurements, 'ttft', system, 'firstByteP50')),
  };
}

function columnsOf(input: ReportInput, scenario: LoadScenario): Column[] {
  const column = (title: string, metric: Metric): Column => plain(input, scenario.name, title, metric);
  const firstByte = [column('first byte p50 ms', 'firstByteP50'), column('p99 ms', 'firstByteP99')];
  switch (scenario.name) {
    case 'json':
      return [
        column('us CPU/request', 'cpuPerAnswer'),
        ...ratioColumns(input, 'json', 'cpuPerAnswer'),
        column('requests/s', 'answersPerSecond'),
        ...firstByte,
      ];
    case 'burst':
    case 'padded':
      return [
        column('us CPU/stream', 'cpuPerAnswer'),
        ...ratioColumns(input, scenario.name, 'cpuPerAnswer'),
        furtherEvent(input, scenario.name),
        column('events/s', 'eventsPerSecond'),
        ...firstByte,
      ];
    case 'translated':
      return [
        column('us CPU/stream', 'cpuPerAnswer'),
        translationColumn(input),
        column('streams/s', 'answersPerSecond'),
        ...firstByte,
      ];
    case 'modifiers':
      return [
        column('us CPU/stream', 'cpuPerAnswer'),
        column('us CPU/event', 'cpuPerEvent'),
        addedPerEvent(input),
        column('streams/s', 'answersPerSecond'),
        ...firstByte,
      ];
    case 'modifiers-ttft':
      return [...firstByte, timesEmpty(input)];
    case 'lone':
      return [
        column('us CPU/event', 'cpuPerEvent'),
        ...ratioColumns(input, 'lone', 'cpuPerEvent'),
        column('events/s kept', 'eventsPerSecond'),
      ];
    case 'ttft':
      return [...firstByte, addedFirstToken(input), ...ratioColumns(input, 'ttft', 'firstByteP50')];
    default:
      return [
        column('us CPU/stream', 'cpuPerAnswer'),
        ...ratioColumns(input, scenario.name, 'cpuPerAnswer'),
        column('streams/s', 'answersPerSecond'),
        ...firstByte,
      ];
  }
}

function systemTable(systems: readonly string[], columns: readonly Column[]): string {
  const rows = systems.map((system) => [system, ...columns.map((column) => column.value(system))]);
  const measured = rows.filter((cells) => cells.some((cell, index) => index > 0 && cell !== ''));
  return table(['system', ...columns.map((column) => column.title)], measured);
}

function scenarioSection(input: ReportInput, scenario: LoadScenario): string {
  const systems = scenario.name === 'ttft' ? ['direct', ...input.systems] : input.systems;
  const metric: Metric = firstTokenScenarios.includes(scenario.name)
    ? 'firstByteP50'
    : scenario.askedEventsPerSecond > 0
      ? 'cpuPerEvent'
      : 'cpuPerAnswer';
  const distance = input.measurements.spread(scenario.name, systems, metric);
  const asked =
    scenario.askedEventsPerSecond > 0 ? `Asked for: ${figure(scenario.askedEventsPerSecond)} events/s.` : '';
  const several = input.profile.rounds * scenario.turns > 1;
  const rounds = several ? `${scenario.turns > 1 ? 'Turns' : 'Rounds'} lie at most ${percent(distance)} apart.` : '';
  return [
    `### ${scenario.title}`,
    systemTable(systems, columnsOf(input, scenario)),
    [asked, rounds].filter(Boolean).join(' '),
  ]
    .filter(Boolean)
    .join('\n\n');
}

function idleSection(input: ReportInput): string[] {
  const column = plain(input, 'idle', 'KB per stream', 'idleKilobytes');
  if (input.systems.every((system) => column.value(system) === '')) return [];
  const columns = [column, ...ratioColumns(input, 'idle', 'idleKilobytes')];
  return [
    `### Idle streams: ${input.profile.idleStreams} open, fresh process, growth of resident memory`,
    systemTable(input.systems, columns),
  ];
}

function wordMaskSection(speeds: readonly WordMaskFigure[]): string[] {
  if (speeds.length === 0) return [];
  const rows = speeds.map((speed) => [
    `${speed.language}, ${figure(speed.words)} words`,
    figure(speed.plain),
    figure(speed.plainDeltas),
    figure(speed.matching),
    figure(speed.buildMilliseconds),
    figure(speed.tableBytes / 1_048_576),
  ]);
  return ['### Word mask', table(['list', 'MB/s', 'in deltas MB/s', 'matching MB/s', 'build ms', 'tables MB'], rows)];
}

function framesSection(input: ReportInput): string[] {
  const rows = input.scenarios.flatMap((scenario) =>
    input.systems.flatMap((system) => {
      const ways = input.measurements.frames(scenario.name, system);
      if (ways === undefined) return [];
      const total = frameWayNames.reduce((sum, way) => sum + ways[way], 0);
      if (total === 0) return [];
      return [
        [`${scenario.name}, ${system}`, ...frameWayNames.map((way) => percent(ways[way] / total)), figure(total)],
      ];
    }),
  );
  if (rows.length === 0) return ['## Ways of the frames', 'Not measured: no system showed counters.'];
  return ['## Ways of the frames', table(['scenario, system', ...frameWayNames, 'frames'], rows)];
}

function budgetTable(lines: readonly BudgetLine[]): string {
  const rows = lines.map((line) => [line.figure, line.against, line.budget, line.stretch, line.measured, line.verdict]);
  return table(['figure (sluice-5+3)', 'against', 'budget', 'stretch', 'measured', 'verdict'], rows);
}

const bullets = (lines: readonly string[]): string => lines.map((line) => `- ${line}`).join('\n');
const listSection = (title: string, lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : [title, bullets(lines)];

/** The last line of a run. */
export function summaryLine(input: ReportInput): string {
  const lines = budgetLines(input.measurements, input.wordMask, input.inside);
  const count = (...verdicts: BudgetLine['verdict'][]): number =>
    lines.filter((line) => verdicts.includes(line.verdict)).length;
  const { problems } = input.measurements;
  const missed = `${count('not met')} not met, ${count('not measured')} not measured`;
  return `${count('met', 'stretch met')} budgets met, ${missed}; ${problems.length} problems`;
}

/** What a reader must know who compares this page with an older one. */
const tokenNote =
  '`sluice-5+3` and `sluice-5+3-match` take their key from a chain of a cache and a static key, as the systems with all ' +
  'features on; all others, `sluice-empty` among them, have a static key. Before there were token providers of other ' +
  'kinds all had a static key';

/** The whole result page. */
export function report(input: ReportInput): string {
  const { measurements, scenarios } = input;
  const sections = [
    '# Results of the bench',
    'Written by `node bench/run.ts`; README.md says how to read it. Figures are medians of the rounds.',
    bullets([...input.machine, tokenNote]),
    '## Budgets',
    budgetTable(budgetLines(measurements, input.wordMask, input.inside)),
    '## Figures',
    ...scenarios.map((scenario) => scenarioSection(input, scenario)),
    ...idleSection(input),
    ...wordMaskSection(input.wordMask),
    ...insideSections(input.inside),
    ...framesSection(input),
    ...listSection('## Problems', measurements.problems),
    ...listSection('## Not measured', measurements.notes),
    summaryLine(input),
  ];
  return `${sections.join('\n\n')}\n`;
}
