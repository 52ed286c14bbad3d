import type { Child, ChildProcesses } from './child-processes.ts';
import { dialects, type Dialect } from './dialects.ts';
import type { ScenarioName } from './scenarios.ts';

/** What a system needs to start. */
export interface StartContext {
  readonly children: ChildProcesses;
  readonly mockPort: number;
  /** A folder of its own, removed at the end. */
  readonly folder: string;
  readonly core: number | undefined;
  /** The first parts of the paths that the mock answers. */
  readonly modes: readonly string[];
}

/** A system that runs and answers. */
export interface RunningSystem {
  readonly name: string;
  readonly port: number;
  /** Undefined for the mock itself, whose CPU time is nobody's. */
  readonly child: Child | undefined;
  /** What its clients speak. */
  readonly dialect: Dialect;
  /** The path that leads to the mock's answer of this mode. */
  path(mode: string): string;
  /** The text that a client must get; a masking system changes it. */
  expectedText(text: string): string;
  /** Counters of the frames that went each way so far; undefined for systems that have none. */
  frameCounters(): Promise<Readonly<Record<string, number>> | undefined>;
}

/** A system that can be started. */
export interface System {
  readonly name: string;
  /** False for a program that is as fast at first as it will be. */
  readonly warmsUp: boolean;
  /** Those that it takes part in. */
  readonly scenarios: readonly ScenarioName[];
  /** Why it can't run on this machine; undefined when it can. */
  unavailable(): string | undefined;
  start(context: StartContext): Promise<RunningSystem>;
}

/** The parts of a running system that does nothing to the answer. */
export function plainSystem(name: string, port: number, child: Child | undefined): RunningSystem {
  return {
    name,
    port,
    child,
    dialect: 'openai',
    path: (mode) => `/${mode}${dialects.openai.resource}`,
    expectedText: (text) => text,
    frameCounters: async () => undefined,
  };
}
