import { createExpressions } from '../../src/compile/expressions.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { anonymousCaller, type Run } from '../../src/kernel/run.ts';
import { Ticker } from '../../src/kernel/ticker.ts';
import { LogCapture, MeterCapture } from './log-capture.ts';
import { memorySecretStore } from './memory-secret-store.ts';
import { TestClock } from './test-clock.ts';

export interface TestRun {
  readonly run: Run;
  readonly clock: TestClock;
  readonly log: LogCapture;
  readonly meter: MeterCapture;
  readonly abort: AbortController;
  /** What was said to be left out. */
  readonly lost: readonly string[];
  readonly capabilities: Capabilities;
}

/** A run by itself has nobody to ask. */
const unreachable: Pick<Capabilities, 'http' | 'pipelines'> = {
  http: { call: () => Promise.reject(new SluiceError('UPSTREAM_CONNECT')) },
  pipelines: {
    call: (name) => Promise.reject(new SluiceError('PIPELINE_UNKNOWN', { details: { name } })),
  },
};

/** A run for tests that need no server. */
export function testRun(): TestRun {
  const clock = new TestClock();
  const log = new LogCapture();
  const meter = new MeterCapture();
  const abort = new AbortController();
  const lost: string[] = [];
  const run: Run = {
    id: 'run-1',
    pipeline: 'test',
    revision: 'r1',
    caller: anonymousCaller,
    params: {},
    signal: abort.signal,
    deadline: Number.POSITIVE_INFINITY,
    clock,
    log,
    meter,
    notes: new Map(),
    presented: () => undefined,
    lose: (what) => void lost.push(what),
    progress: () => undefined,
  };
  return {
    run,
    clock,
    log,
    meter,
    abort,
    lost,
    capabilities: {
      clock,
      log,
      meter,
      ticker: new Ticker(clock),
      expressions: createExpressions(),
      secretStore: memorySecretStore(),
      workload: { variable: () => undefined, file: () => undefined },
      ...unreachable,
    },
  };
}
