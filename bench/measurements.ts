import { frameWayNames, type FrameWays } from './frame-ways.ts';
import type { LoadResult } from './load-job.ts';
import type { LoadScenario, ScenarioName } from './scenarios.ts';
import { median, spread } from './statistics.ts';

/** Figures of one system in one scenario; each is undefined where it was not or could not be measured. */
export type Metric =
  | 'cpuPerAnswer' // microseconds of CPU per request or stream
  | 'cpuPerEvent' // microseconds of CPU per event, the request's share included
  | 'answersPerSecond'
  | 'eventsPerSecond'
  | 'firstByteP50' // milliseconds
  | 'firstByteP99' // milliseconds
  | 'idleKilobytes'; // resident memory per idle stream

export type Figures = Partial<Record<Metric, number>>;

/**
 * Below this share of the asked rate events have come together, and one of them is no lone event. The pause between
 * two streams of a connection costs a little of the rate, too.
 */
export const keptEnough = 0.95;

/** The share of the asked events that came; 1 where no rate was asked for. */
export function keptShare(scenario: LoadScenario, figures: Figures): number {
  return scenario.askedEventsPerSecond === 0 ? 1 : (figures.eventsPerSecond ?? 0) / scenario.askedEventsPerSecond;
}

/** The figures of one window. The cost of a lone event is left out where the rate was not kept. */
export function figuresOf(scenario: LoadScenario, result: LoadResult, answerBytes: number): Figures {
  const seconds = result.elapsedMilliseconds / 1_000;
  const answers = scenario.askedEventsPerSecond > 0 ? result.bodyBytes / answerBytes : result.answers;
  const events = answers * scenario.events;
  const cpu = result.cpuMicroseconds;
  const figures: Figures = { answersPerSecond: answers / seconds };
  if (events > 0) figures.eventsPerSecond = events / seconds;
  if (cpu !== undefined && answers > 0) figures.cpuPerAnswer = cpu / answers;
  if (cpu !== undefined && events > 0 && keptShare(scenario, figures) >= keptEnough) figures.cpuPerEvent = cpu / events;
  if (result.firstByteP50 !== undefined) figures.firstByteP50 = result.firstByteP50;
  if (result.firstByteP99 !== undefined) figures.firstByteP99 = result.firstByteP99;
  return figures;
}

const keyOf = (scenario: ScenarioName, system: string): string => `${scenario}\n${system}`;

/** All figures of a run, by scenario and system; reading one gives the median of the rounds. */
export class Measurements {
  readonly #figures = new Map<string, Figures[]>();
  readonly #frames = new Map<string, Record<string, number>>();
  /** What went wrong, one line each. */
  readonly problems: string[] = [];
  /** Why something was not measured, one line each. */
  readonly notes: string[] = [];

  add(scenario: ScenarioName, system: string, figures: Figures): void {
    const key = keyOf(scenario, system);
    const rounds = this.#figures.get(key) ?? [];
    rounds.push(figures);
    this.#figures.set(key, rounds);
  }

  /** Adds the difference of two readings of a system's frame counters. */
  addFrames(
    scenario: ScenarioName,
    system: string,
    before: Readonly<Record<string, number>>,
    after: Readonly<Record<string, number>>,
  ): void {
    const key = keyOf(scenario, system);
    const sums = this.#frames.get(key) ?? {};
    for (const way of frameWayNames) {
      sums[way] = (sums[way] ?? 0) + (after[`frames_${way}`] ?? 0) - (before[`frames_${way}`] ?? 0);
    }
    this.#frames.set(key, sums);
  }

  figure(scenario: ScenarioName, system: string, metric: Metric): number | undefined {
    return median(this.#rounds(scenario, system, metric));
  }

  /** Pairs of the figures that two systems had in the same turn: then they had the machine at about the same time. */
  pairs(scenario: ScenarioName, system: string, base: string, metric: Metric): (readonly [number, number])[] {
    const of = (name: string): Figures[] => this.#figures.get(keyOf(scenario, name)) ?? [];
    const bases = of(base);
    return of(system).flatMap((figures, turn) => {
      const [value, against] = [figures[metric], bases[turn]?.[metric]];
      return value === undefined || against === undefined ? [] : [[value, against] as const];
    });
  }

  /** The largest relative distance between rounds of this figure among all systems. */
  spread(scenario: ScenarioName, systems: readonly string[], metric: Metric): number {
    return Math.max(0, ...systems.map((system) => spread(this.#rounds(scenario, system, metric))));
  }

  frames(scenario: ScenarioName, system: string): FrameWays | undefined {
    const sums = this.#frames.get(keyOf(scenario, system));
    if (sums === undefined) return undefined;
    return { pass: sums['pass'] ?? 0, scan: sums['scan'] ?? 0, splice: sums['splice'] ?? 0, slow: sums['slow'] ?? 0 };
  }

  #rounds(scenario: ScenarioName, system: string, metric: Metric): number[] {
    const rounds = this.#figures.get(keyOf(scenario, system)) ?? [];
    return rounds.map((figures) => figures[metric]).filter((value) => value !== undefined);
  }
}
