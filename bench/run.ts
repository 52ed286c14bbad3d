import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, type as systemType } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  allSystems,
  chooseSystems,
  measureIdle,
  measureInside,
  measureLoad,
  measureWordMask,
  prepare,
  type Bench,
} from './bench.ts';
import { ChildProcesses } from './child-processes.ts';
import { errorMessage } from './error-message.ts';
import { report, summaryLine, type ReportInput } from './report.ts';
import { scenarioNames } from './scenarios.ts';
import { readSettings, selects, usageText, type Settings } from './settings.ts';

const resultsPath = fileURLToPath(new URL('./RESULTS.md', import.meta.url));
const startedAt = performance.now();

function progress(line: string): void {
  process.stdout.write(`${((performance.now() - startedAt) / 1_000).toFixed(1).padStart(6)} s  ${line}\n`);
}

function settingsOrExit(): Settings {
  try {
    const settings = readSettings(process.argv.slice(2), resultsPath);
    const unknown = settings.only.find((name) => !scenarioNames.some((known) => known === name));
    if (unknown !== undefined) throw new Error(`there is no scenario "${unknown}"`);
    const missing = settings.systems.find((name) => !allSystems.some((system) => selects([name], system.name)));
    if (missing !== undefined) throw new Error(`there is no system "${missing}"`);
    return settings;
  } catch (error) {
    process.stderr.write(`${errorMessage(error)}\n\n${usageText}\n`);
    process.exit(2);
  }
}

/** However the bench ends, its processes end by their pids and its folder goes. */
function cleanUpAtExit(children: ChildProcesses, folder: string): void {
  process.on('exit', () => {
    children.killAll();
    rmSync(folder, { recursive: true, force: true });
  });
  const signals = [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const;
  for (const [signal, code] of signals) process.on(signal, () => process.exit(code));
  // Whoever reads the progress may leave; the bench goes on.
  process.stdout.on('error', () => {});
}

function machineLines(bench: Bench): string[] {
  const { affinity, settings } = bench;
  const cores =
    affinity && `system on core ${affinity.system}, generator on ${affinity.generator}, mock on ${affinity.mock}`;
  const model = cpus()[0]?.model.trim() ?? 'unknown';
  return [
    `${new Date().toISOString().slice(0, 10)}, profile "${settings.profile.name}", rounds: ${settings.profile.rounds}`,
    `${cpus().length} cores (${model}), ${systemType()} ${release()}, Node ${process.version}`,
    `${cores ?? 'not pinned to cores'}; loopback, HTTP/1.1, one event is about 310 bytes`,
  ];
}

async function publish(input: ReportInput, out: string | undefined): Promise<void> {
  const page = report(input);
  if (out === undefined) process.stdout.write(`\n${page}\n`);
  else await writeFile(out, page);
  progress(`${summaryLine(input)}${out === undefined ? '' : `; ${out}`}`);
}

/** The whole bench; true when every answer was right. */
async function run(settings: Settings, children: ChildProcesses, folder: string): Promise<boolean> {
  const bench = await prepare({ settings, children, folder, progress });
  const systems = await measureLoad(bench, chooseSystems(bench));
  await measureIdle(bench, systems);
  const inside = await measureInside(bench);
  const wordMask = await measureWordMask(bench);
  const { measurements, scenarios } = bench;
  const names = systems.map((system) => system.name);
  const machine = machineLines(bench);
  await publish(
    { measurements, profile: settings.profile, scenarios, systems: names, wordMask, inside, machine },
    settings.out,
  );
  return measurements.problems.length === 0;
}

const settings = settingsOrExit();
const children = new ChildProcesses();
const folder = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
cleanUpAtExit(children, folder);
try {
  if (!(await run(settings, children, folder))) process.exitCode = 1;
} catch (error) {
  progress(`the bench failed: ${errorMessage(error)}`);
  process.exitCode = 1;
} finally {
  await children.stopAll();
}
