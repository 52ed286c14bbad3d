import { setTimeout as sleep } from 'node:timers/promises';
import { checkAnswer } from './check-answer.ts';
import { errorMessage } from './error-message.ts';
import type { LoadClient } from './load-client.ts';
import type { LoadResult, Target } from './load-job.ts';
import { figuresOf, keptEnough, keptShare, type Figures, type Measurements } from './measurements.ts';
import { residentKilobytes } from './process-tree.ts';
import { idleMode, loneScenario, type LoadScenario } from './scenarios.ts';
import type { Profile } from './settings.ts';
import type { RunningSystem } from './system.ts';

const warmUpConnections = 32;
const calibrationShare = 0.98;
const idleWarmUpConnections = 64;
const idleTimeoutMilliseconds = 30_000;

function targetOf(system: RunningSystem, { mode, stream }: Pick<LoadScenario, 'mode' | 'stream'>): Target {
  return { port: system.port, path: system.path(mode), dialect: system.dialect, stream };
}

/** Measures running systems, one load at a time, and keeps the figures. */
export class Runner {
  readonly #client: LoadClient;
  readonly #profile: Profile;
  readonly #measurements: Measurements;
  readonly #progress: (line: string) => void;
  /** Body size of a correct answer, by system and mode. */
  readonly #answerBytes = new Map<string, number>();

  constructor(client: LoadClient, profile: Profile, measurements: Measurements, progress: (line: string) => void) {
    this.#client = client;
    this.#profile = profile;
    this.#measurements = measurements;
    this.#progress = progress;
  }

  /** Reads one whole answer of each scenario as a client would, and returns the scenarios whose answer is right. */
  async check(system: RunningSystem, scenarios: readonly LoadScenario[]): Promise<LoadScenario[]> {
    const right: LoadScenario[] = [];
    for (const scenario of scenarios) {
      if (await this.#answersRightly(system, scenario)) right.push(scenario);
    }
    return right;
  }

  async #answersRightly(system: RunningSystem, scenario: LoadScenario): Promise<boolean> {
    const { name, mode, text } = scenario;
    if (this.#expectedBytes(system, mode) > 0) return true;
    try {
      const target = targetOf(system, scenario);
      const answer = await this.#client.probe(target);
      this.#answerBytes.set(`${system.name} ${mode}`, checkAnswer(answer, target, system.expectedText(text)));
      return true;
    } catch (error) {
      this.#measurements.problems.push(`${name} is left out for ${system.name}: ${errorMessage(error)}`);
      this.#progress(`${name} is left out for ${system.name}: ${errorMessage(error)}`);
      return false;
    }
  }

  /**
   * The number of paced streams for this machine: the highest of the profile's that reaches the clients in time when
   * nothing stands between. `direct` is the mock itself.
   */
  async chooseLoneStreams(direct: RunningSystem): Promise<number> {
    const { loneStreams } = this.#profile;
    for (const streams of loneStreams) {
      const scenario = { ...loneScenario(this.#profile, streams), measure: this.#profile.loneMeasure };
      await this.check(direct, [scenario]);
      const result = await this.#load(direct, scenario);
      const kept = keptShare(scenario, figuresOf(scenario, result, this.#expectedBytes(direct, scenario.mode)));
      this.#progress(
        `${streams} paced streams straight from the mock: ${(kept * 100).toFixed(1)} % of the events in time`,
      );
      if (kept >= calibrationShare) return streams;
    }
    return loneStreams.at(-1) ?? 1;
  }

  /** Load that is not counted: until the compiler has seen every way that is measured. */
  async warmUp(system: RunningSystem, scenarios: readonly LoadScenario[], milliseconds: number): Promise<void> {
    for (const scenario of scenarios) {
      const quick = { connections: warmUpConnections, spread: 0, ramp: 0 };
      const kind = scenario.askedEventsPerSecond > 0 ? { ramp: 0 } : quick;
      await this.#load(system, { ...scenario, ...kind, measure: milliseconds });
    }
  }

  async measure(system: RunningSystem, scenario: LoadScenario, round: number): Promise<void> {
    const before = await system.frameCounters();
    const result = await this.#load(system, scenario);
    const after = await system.frameCounters();
    if (before !== undefined && after !== undefined) {
      this.#measurements.addFrames(scenario.name, system.name, before, after);
    }
    const figures = figuresOf(scenario, result, this.#expectedBytes(system, scenario.mode));
    this.#measurements.add(scenario.name, system.name, figures);
    const kept = keptShare(scenario, figures);
    if (kept < keptEnough) {
      const share = `${(kept * 100).toFixed(0)} %`;
      const place = `${scenario.name}, ${system.name}, round ${round}`;
      this.#measurements.notes.push(`${place}: only ${share} of the events came in time`);
    }
    this.#reportProgress(system, scenario, figures, round);
  }

  #reportProgress(system: RunningSystem, scenario: LoadScenario, figures: Figures, round: number): void {
    const paced = scenario.askedEventsPerSecond > 0;
    const cpu = paced ? figures.cpuPerEvent : figures.cpuPerAnswer;
    const cost = cpu === undefined ? '' : `, ${cpu.toFixed(1)} us CPU per ${paced ? 'event' : 'answer'}`;
    const rate = `${(figures.answersPerSecond ?? 0).toFixed(0)} answers/s`;
    this.#progress(`round ${round}  ${scenario.name.padEnd(10)} ${system.name.padEnd(29)} ${rate}${cost}`);
  }

  /** Resident memory that each of many waiting streams adds. The system must be fresh: a used heap has room. */
  async measureIdle(system: RunningSystem, single: LoadScenario): Promise<void> {
    const pid = system.child?.pid ?? 0;
    if (!(await this.#answersRightly(system, single))) return;
    await this.#load(system, {
      ...single,
      connections: idleWarmUpConnections,
      ramp: 0,
      measure: this.#profile.idleWarmUp,
    });
    await sleep(this.#profile.idleSettle);
    const before = residentKilobytes(pid);
    const streams = this.#profile.idleStreams;
    const held = await this.#client.hold({
      target: targetOf(system, { mode: idleMode, stream: true }),
      connections: streams,
      timeoutMilliseconds: idleTimeoutMilliseconds,
    });
    await sleep(this.#profile.idleSettle);
    const after = residentKilobytes(pid);
    await this.#client.release();
    if (held.open !== streams) {
      this.#measurements.problems.push(
        `idle, ${system.name}: ${held.open} of ${streams} streams, ${JSON.stringify(held.errors)}`,
      );
    } else if (before !== undefined && after !== undefined) {
      const kilobytes = (after - before) / streams;
      this.#measurements.add('idle', system.name, { idleKilobytes: kilobytes });
      this.#progress(`idle       ${system.name.padEnd(29)} ${kilobytes.toFixed(1)} KB per stream, ${streams} streams`);
    }
  }

  #expectedBytes(system: RunningSystem, mode: string): number {
    return this.#answerBytes.get(`${system.name} ${mode}`) ?? 0;
  }

  async #load(system: RunningSystem, scenario: LoadScenario): Promise<LoadResult> {
    const result = await this.#client.load({
      target: targetOf(system, scenario),
      connections: scenario.connections,
      spreadMilliseconds: scenario.spread,
      rampMilliseconds: scenario.ramp,
      measureMilliseconds: scenario.measure,
      bodyBytes: this.#expectedBytes(system, scenario.mode),
      measuredPid: system.child?.pid ?? 0,
    });
    for (const [message, count] of Object.entries(result.errors)) {
      this.#measurements.problems.push(`${scenario.name}, ${system.name}: ${count} x ${message}`);
    }
    return result;
  }
}
