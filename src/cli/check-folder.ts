import { createCompile } from '../compile/compile.ts';
import { createExpressions } from '../compile/expressions.ts';
import { PipelineCalls } from '../compile/pipeline-calls.ts';
import type { PipelinePlan } from '../compile/plan.ts';
import type { Environment } from '../config/environment.ts';
import { processWorkload } from '../config/process-workload.ts';
import type { Diagnostic } from '../definitions/diagnostic.ts';
import { PipelineFolder } from '../definitions/pipeline-folder.ts';
import { HttpCalls } from '../forward/http-calls.ts';
import { HttpForwarder } from '../forward/http-forwarder.ts';
import type { Capabilities } from '../kernel/capability.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/run.ts';
import { Ticker } from '../kernel/ticker.ts';
import { NumberMeter } from '../observability/meter.ts';
import type { Registry } from '../registry/registry.ts';
import { SecretFiles } from '../state/secret-files.ts';

export interface FolderCheckOptions {
  /** Says which folder, and which secrets there are. */
  readonly environment: Environment;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly log: Log;
}

/** What loading one definition comes to. Without a mistake there are a revision and a plan. */
export interface PipelineReport {
  readonly name: string;
  readonly file: string;
  readonly revision: string | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly plan: PipelinePlan | null;
}

export interface FolderReport {
  /** In the order of their names. */
  readonly pipelines: readonly PipelineReport[];
  /** Findings that belong to no pipeline. */
  readonly problems: readonly Diagnostic[];
}

/**
 * Builds every pipeline of the folder with the function that loads them, and lets go of them again. Components are made
 * as for a run, but nothing runs: no connection is opened and nothing is written.
 */
export async function checkFolder({ environment, registry, clock, log }: FolderCheckOptions): Promise<FolderReport> {
  const folder = new PipelineFolder({ directory: environment.pipelinesDir, clock });
  const snapshot = await folder.read();
  await folder.close();
  const ticker = new Ticker(clock);
  const http = new HttpCalls(clock);
  const meter = new NumberMeter();
  const capabilities: Capabilities = {
    clock,
    log,
    meter,
    ticker,
    expressions: createExpressions(),
    http,
    pipelines: new PipelineCalls(),
    secretStore: new SecretFiles({ directory: environment.stateDir, clock, log, meter }),
    workload: processWorkload(environment.workload, clock),
  };
  const forwarder = new HttpForwarder(clock, ticker);
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const compile = createCompile({ registry, environment, capabilities, forwarder, counters });
  const pipelines: PipelineReport[] = [];
  for (const [name, { file }] of [...snapshot.pipelines].sort(byName)) {
    const { pipeline, plan = null, diagnostics } = compile(name, snapshot);
    pipelines.push({ name, file, revision: pipeline?.revision ?? null, diagnostics, plan });
    await pipeline?.dispose();
  }
  await http.close();
  // A definition that can't be read has said so itself.
  const told = new Set(pipelines.map(({ file }) => file));
  return { pipelines, problems: snapshot.problems.filter(({ file }) => !told.has(file)) };
}

function byName([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number {
  return one < other ? -1 : 1;
}
