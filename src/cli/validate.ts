import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, relative, resolve, sep } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { readEnvironment, type EnvironmentSource } from '../config/environment.ts';
import { pipelineName } from '../definitions/check-pipeline.ts';
import { formatDiagnostic, hasErrors, type Diagnostic } from '../definitions/diagnostic.ts';
import { systemClock, type Clock } from '../kernel/clock.ts';
import { describeCause } from '../kernel/errors.ts';
import { discover } from '../registry/discover.ts';
import type { Registry } from '../registry/registry.ts';
import { checkFolder, type FolderReport, type PipelineReport } from './check-folder.ts';
import { planLines } from './plan-table.ts';
import { RunLog } from './run-log.ts';
import { Screen } from './screen.ts';

const usage = `npm run validate                     checks every pipeline of the pipelines folder
npm run validate -- FOLDER           of another folder
npm run validate -- FILE             one pipeline, with what lies beside it
npm run --silent validate -- --json  prints { pipelines: [{ name, file, revision, diagnostics, plan }], problems }`;

export interface ValidateOptions {
  readonly arguments: readonly string[];
  readonly environment: EnvironmentSource;
  /** Findings and plans. */
  readonly output: NodeJS.WritableStream;
  /** What kept the command from checking anything. */
  readonly errors: NodeJS.WritableStream;
  readonly workingDirectory: string;
  readonly clock?: Clock;
  readonly registry?: Registry;
}

/**
 * Checks pipelines as the engine does when it loads them, and shows what it found and what each valid one does to a
 * stream. Resolves to the exit code: 0, 1 where there is an error, 2 where nothing could be checked. Warnings count as 0.
 */
export async function validate(options: ValidateOptions): Promise<number> {
  const { output, errors, environment, workingDirectory, clock = systemClock } = options;
  const complaints = new Screen(errors, environment);
  const refuse = (problems: readonly string[]): number => {
    for (const problem of problems) complaints.failure(problem);
    return 2;
  };
  const asked = readArguments(options.arguments);
  if ('problem' in asked) return refuse([asked.problem, ...usage.split('\n')]);
  if (asked.help) {
    output.write(`${usage}\n`);
    return 0;
  }
  const place = asked.path === undefined ? undefined : await findPlace(resolve(workingDirectory, asked.path));
  if (place !== undefined && 'problem' in place) return refuse([place.problem]);
  const chosen = place === undefined ? {} : { SLUICE_PIPELINES_DIR: place.folder };
  const read = readEnvironment({ ...environment, ...chosen }, { workingDirectory });
  if ('problems' in read) return refuse(read.problems);
  const registry = options.registry ?? (await discover(new URL('..', import.meta.url)));
  const log = new RunLog((line) => complaints.trouble(line));
  const whole = await checkFolder({ environment: read.environment, registry, clock, log });
  const report = place?.file === undefined ? whole : reportOn(whole, place.file);
  if (place?.file !== undefined && report.pipelines.length + report.problems.length === 0)
    return refuse([`${asked.path} is no pipeline: those are files such as ${place.folder}${sep}NAME.json`]);
  if (asked.json) output.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else new Printer(new Screen(output, environment), workingDirectory).print(report, read.environment.pipelinesDir);
  return hasErrors(findingsOf(report)) ? 1 : 0;
}

type Asked = { readonly path: string | undefined; readonly json: boolean; readonly help: boolean };
type Problem = { readonly problem: string };

function readArguments(args: readonly string[]): Asked | Problem {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { json: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
    });
    const [path, ...more] = positionals;
    if (more.length > 0) return { problem: `One folder or one file is checked at a time; "${more[0]}" is one more.` };
    return { path, json: values.json, help: values.help };
  } catch (error) {
    // What follows the first sentence is advice for files whose names begin with a dash.
    return { problem: (error as Error).message.split('. ')[0] ?? '' };
  }
}

interface Place {
  readonly folder: string;
  /** The one definition that is wanted. */
  readonly file?: string;
}

/** A definition needs what lies beside it: shared resources, and pipelines that it calls. */
async function findPlace(path: string): Promise<Place | Problem> {
  try {
    if ((await stat(path)).isDirectory()) return { folder: path };
    const folder = dirname(path);
    if (basename(dirname(folder)) === 'resources')
      return { problem: `${path} is a shared resource: check the folder of the pipelines that use it` };
    return { folder, file: path };
  } catch (error) {
    return { problem: `${path} can't be read (${(error as NodeJS.ErrnoException).code})` };
  }
}

/** Of two files that claim one name, either may be asked for. */
function reportOn({ pipelines, problems }: FolderReport, file: string): FolderReport {
  const isMeant = (entry: { readonly file: string }): boolean => entry.file === file;
  const asked = pipelines.filter(({ name, file: own }) => own === file || isOtherForm(own, file, name));
  return { pipelines: asked, problems: problems.filter(isMeant) };
}

function isOtherForm(file: string, asked: string, name: string): boolean {
  return dirname(file) === dirname(asked) && /\.jsonc?$/.test(asked) && pipelineName(asked) === name;
}

function findingsOf({ pipelines, problems }: FolderReport): readonly Diagnostic[] {
  return [...problems, ...pipelines.flatMap(({ diagnostics }) => diagnostics)];
}

/** Shows a report to a person. */
class Printer {
  readonly #screen: Screen;
  readonly #workingDirectory: string;

  constructor(screen: Screen, workingDirectory: string) {
    this.#screen = screen;
    this.#workingDirectory = workingDirectory;
  }

  print(report: FolderReport, folder: string): void {
    const { pipelines, problems } = report;
    for (const problem of problems) this.#finding(problem);
    for (const pipeline of pipelines) this.#pipeline(pipeline);
    if (pipelines.length === 0) this.#screen.line(`There is no pipeline in ${this.#shown(folder)}`);
    else this.#screen.line(summaryOf(report));
  }

  #pipeline({ name, revision, diagnostics, plan }: PipelineReport): void {
    for (const finding of diagnostics) this.#finding(finding);
    if (plan === null || revision === null) {
      this.#screen.failure(`${name}  would not be loaded`);
    } else {
      const [summary, ...steps] = planLines(plan);
      this.#screen.line(`${name}  revision ${revision}, ${summary}`);
      for (const step of steps) this.#screen.line(`  ${step}`);
    }
    this.#screen.line('');
  }

  #finding(finding: Diagnostic): void {
    const { severity, suggestion, message } = finding;
    const line = formatDiagnostic({ ...finding, file: this.#shown(finding.file) });
    const help = suggestion === undefined || message.includes(suggestion) ? '' : `  Write instead: ${suggestion}`;
    if (severity === 'error') this.#screen.failure(line + help.replaceAll('\n', ' '));
    else this.#screen.trouble(line + help.replaceAll('\n', ' '));
  }

  /** As a terminal or an editor takes it for a link. */
  #shown(file: string): string {
    const path = relative(this.#workingDirectory, file);
    return path === '' || path.startsWith('..') || isAbsolute(path) ? file : path;
  }
}

function summaryOf(report: FolderReport): string {
  const findings = findingsOf(report);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const counts = [
    [report.pipelines.length, 'pipeline'],
    [errors, 'error'],
    [findings.length - errors, 'warning'],
  ] as const;
  return counts.map(([count, what]) => `${count} ${what}${count === 1 ? '' : 's'}`).join(', ');
}

async function main(): Promise<void> {
  const { env: environment, stdout: output, stderr: errors } = process;
  // Whoever reads only the beginning has seen enough.
  output.on('error', () => undefined);
  try {
    process.exitCode = await validate({
      arguments: process.argv.slice(2),
      environment,
      output,
      errors,
      workingDirectory: process.cwd(),
    });
  } catch (error) {
    errors.write(`The check failed: ${describeCause(error)}\n`);
    process.exitCode = 2;
  }
}

if (import.meta.main) await main();
