import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildProcesses } from './child-processes.ts';
import { chooseAffinity, type Affinity } from './cpu-affinity.ts';
import { errorMessage } from './error-message.ts';
import { insideFigures } from './inside-client.ts';
import { noInsideFigures, type InsideFigures } from './inside-figures.ts';
import { LoadClient } from './load-client.ts';
import { Measurements } from './measurements.ts';
import { nginx } from './nginx-system.ts';
import { nodePipe } from './node-pipe-system.ts';
import { Runner } from './runner.ts';
import { firstTokenScenarios, loadScenarios, mockModes, type LoadScenario } from './scenarios.ts';
import { selects, type Settings } from './settings.ts';
import { sluiceSystems } from './sluice-system.ts';
import { plainSystem, type RunningSystem, type StartContext, type System } from './system.ts';
import type { WordMaskFigure } from './word-mask.ts';
import { wordMaskSpeed } from './word-mask-speed.ts';

const briefWarmUpMilliseconds = 200;
export const allSystems: readonly System[] = [nginx, nodePipe, ...sluiceSystems];

const programPath = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What the owner of a bench gives it. */
export interface BenchOptions {
  readonly settings: Settings;
  readonly children: ChildProcesses;
  /** A temporary folder that the owner removes. */
  readonly folder: string;
  readonly progress: (line: string) => void;
}

/** A bench whose mock and load generator run. */
export interface Bench extends BenchOptions {
  readonly affinity: Affinity | undefined;
  readonly mockPort: number;
  readonly scenarios: readonly LoadScenario[];
  /** The shortest stream; also warms up the systems whose memory is read. */
  readonly single: LoadScenario | undefined;
  readonly measurements: Measurements;
  readonly runner: Runner;
}

async function startMock(children: ChildProcesses, affinity: Affinity | undefined): Promise<number> {
  const parameters = [programPath('./mock-upstream.ts')];
  return children
    .start({ name: 'mock', file: process.execPath, parameters, core: affinity?.mock, channel: true })
    .port();
}

async function startGenerator(children: ChildProcesses, affinity: Affinity | undefined): Promise<LoadClient> {
  const parameters = [programPath('./load-generator.ts')];
  const child = children.start({
    name: 'load generator',
    file: process.execPath,
    parameters,
    core: affinity?.generator,
    channel: true,
  });
  await child.port();
  return new LoadClient(child);
}

export async function prepare(options: BenchOptions): Promise<Bench> {
  const { settings, children, progress } = options;
  const affinity = chooseAffinity();
  const mockPort = await startMock(children, affinity);
  const client = await startGenerator(children, affinity);
  const measurements = new Measurements();
  const runner = new Runner(client, settings.profile, measurements, progress);
  const paced = selects(settings.only, 'lone');
  const loneStreams = paced ? await runner.chooseLoneStreams(plainSystem('direct', mockPort, undefined)) : 1;
  const all = loadScenarios(settings.profile, loneStreams);
  const scenarios = all.filter((scenario) => selects(settings.only, scenario.name));
  const single = all.find((scenario) => scenario.name === 'single');
  return { ...options, affinity, mockPort, scenarios, single, measurements, runner };
}

async function start(bench: Bench, system: System, purpose: string): Promise<RunningSystem> {
  const folder = join(bench.folder, `${system.name}-${purpose}`);
  await mkdir(folder, { recursive: true });
  const { children } = bench;
  const context: StartContext = {
    children,
    mockPort: bench.mockPort,
    folder,
    core: bench.affinity?.system,
    modes: mockModes(bench.settings.profile, system.scenarios),
  };
  return system.start(context);
}

/** The systems that were asked for, have something to do and are on this machine; those that it lacks are noted. */
export function chooseSystems(bench: Bench): System[] {
  const { only, systems } = bench.settings;
  return allSystems.filter((system) => {
    if (!selects(systems, system.name) || !system.scenarios.some((name) => selects(only, name))) return false;
    const reason = system.unavailable();
    if (reason !== undefined) bench.measurements.notes.push(`${system.name}: ${reason}`);
    return reason === undefined;
  });
}

/** A system that is warm, and the scenarios that it takes part in. */
interface WarmSystem {
  readonly system: RunningSystem;
  readonly scenarios: readonly LoadScenario[];
}

async function startAndWarm(bench: Bench, system: System): Promise<WarmSystem | undefined> {
  try {
    bench.progress(`start and warm up ${system.name}`);
    const running = await start(bench, system, 'load');
    const takesPart = bench.scenarios.filter(({ name }) => system.scenarios.includes(name));
    const scenarios = await bench.runner.check(running, takesPart);
    const loads = scenarios.filter((scenario) => !firstTokenScenarios.includes(scenario.name));
    const { warmUp, leastWarmUp } = bench.settings.profile;
    const milliseconds = system.warmsUp ? Math.max(warmUp, leastWarmUp / loads.length) : briefWarmUpMilliseconds;
    await bench.runner.warmUp(running, loads, milliseconds);
    return { system: running, scenarios };
  } catch (error) {
    bench.measurements.problems.push(`${system.name} is left out: ${errorMessage(error)}`);
    bench.progress(`${system.name} is left out: ${errorMessage(error)}`);
    await bench.children.stopNamed(system.name);
    return undefined;
  }
}

/**
 * All systems stay up and take turns, the order reversed in every second round, so that drift hits all alike. Returns
 * the systems that started.
 */
export async function measureLoad(bench: Bench, systems: readonly System[]): Promise<readonly System[]> {
  if (bench.scenarios.length === 0) return systems;
  const direct = plainSystem('direct', bench.mockPort, undefined);
  const firstToken = bench.scenarios.filter((scenario) => scenario.name === 'ttft');
  const warm: WarmSystem[] = [{ system: direct, scenarios: await bench.runner.check(direct, firstToken) }];
  for (const system of systems) {
    const ready = await startAndWarm(bench, system);
    if (ready !== undefined) warm.push(ready);
  }
  for (let round = 1; round <= bench.settings.profile.rounds; round++) {
    for (const scenario of bench.scenarios) {
      const takePart = warm.filter(({ scenarios }) => scenarios.includes(scenario));
      for (let turn = 0; turn < scenario.turns; turn++) {
        const order = (round + turn) % 2 === 1 ? takePart : takePart.toReversed();
        for (const { system } of order) await bench.runner.measure(system, scenario, round);
      }
    }
  }
  for (const { system } of warm) await bench.children.stopNamed(system.name);
  return systems.filter(({ name }) => warm.some(({ system }) => system.name === name));
}

/** Each system alone, in a fresh process. */
export async function measureIdle(bench: Bench, systems: readonly System[]): Promise<void> {
  const { single } = bench;
  if (single === undefined || !selects(bench.settings.only, 'idle')) return;
  for (const system of systems) {
    if (!system.scenarios.includes('idle')) continue;
    try {
      const running = await start(bench, system, 'idle');
      await bench.runner.measureIdle(running, single);
    } catch (error) {
      bench.measurements.problems.push(`idle, ${system.name}: ${errorMessage(error)}`);
    } finally {
      await bench.children.stopNamed(system.name);
    }
  }
}

/** What modifiers and tokens cost inside of a process, in one of its own. */
export async function measureInside(bench: Bench): Promise<InsideFigures> {
  const { only, profile } = bench.settings;
  const parts = {
    modifiers: selects(only, 'modifiers-inside'),
    patternSet: selects(only, 'pattern-set'),
    tokens: selects(only, 'tokens'),
  };
  if (!Object.values(parts).includes(true)) return noInsideFigures;
  bench.progress('modifiers and tokens inside of a process');
  try {
    return await insideFigures(bench.children, bench.affinity?.system, { ...profile.inside, ...parts });
  } catch (error) {
    bench.measurements.problems.push(`inside of a process: ${errorMessage(error)}`);
    return noInsideFigures;
  }
}

/** The word mask by itself, in this process, when all else is quiet. */
export async function measureWordMask(bench: Bench): Promise<readonly WordMaskFigure[]> {
  if (!selects(bench.settings.only, 'word-mask')) return [];
  bench.progress('word mask');
  const speeds = await wordMaskSpeed(bench.settings.profile.name);
  if (typeof speeds !== 'string') return speeds;
  bench.measurements.notes.push(`word mask: ${speeds}`);
  return [];
}
