import { execFile, fork, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { within } from '../support/turn.ts';

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** The product as `npm run build` makes it, in a folder of its own. */
export interface BuiltEngine {
  readonly folder: string;
  /** Adds a component, as a file in JavaScript, to the folder of its kind: `addComponent('processors/slow.js', ...)`. */
  addComponent(path: string, source: string): Promise<void>;
  remove(): Promise<void>;
}

export async function buildEngine(): Promise<BuiltEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-build-'));
  const compiler = join(repository, 'node_modules/@swc/cli/bin/swc.js');
  await promisify(execFile)(process.execPath, [compiler, 'src', '-d', folder, '--strip-leading-paths', '--quiet'], {
    cwd: repository,
  });
  await symlink(join(repository, 'node_modules'), join(folder, 'node_modules'), 'junction');
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await writeFile(join(folder, 'report-memory.js'), memoryReporter);
  return {
    folder,
    addComponent: (path, source) => writeFile(join(folder, path), source),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Bytes, after a collection of garbage. */
export interface MemoryReport {
  readonly rss: number;
  readonly heapUsed: number;
  readonly external: number;
}

/** Loaded before the product: answers on the channel to the parent, and does not keep the process alive. */
const memoryReporter = `
process.on('message', () => {
  globalThis.gc();
  globalThis.gc();
  const { rss, heapUsed, external } = process.memoryUsage();
  process.send({ rss, heapUsed, external });
});
process.channel.unref();
`;

export interface LogEntry {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A child process that runs the product, with a pipelines folder of its own. */
export class EngineProcess {
  readonly origin: string;
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #exit: Promise<number | string>;

  constructor(child: ChildProcess, output: Output, origin: string, exit: Promise<number | string>) {
    this.#child = child;
    this.#output = output;
    this.origin = origin;
    this.port = Number(new URL(origin).port);
    this.#exit = exit;
  }

  /** Resolves to the exit code, or to the name of the signal that ended it. The wait begins when it is read. */
  get exit(): Promise<number | string> {
    return within(this.#exit, 'the end of the process');
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The lines of the log so far. */
  get log(): readonly LogEntry[] {
    return this.#output
      .lines('stderr')
      .flatMap((line): LogEntry[] => (line.startsWith('{') ? [JSON.parse(line) as LogEntry] : []));
  }

  /** Resolves to the first line of the log that fits. */
  logged(fits: (entry: LogEntry) => boolean, what: string): Promise<LogEntry> {
    return this.#output.until(() => this.log.find(fits), what);
  }

  signal(name: 'SIGTERM' | 'SIGINT'): void {
    this.#child.kill(name);
  }

  async memory(): Promise<MemoryReport> {
    const report = new Promise<MemoryReport>((resolve) =>
      this.#child.once('message', (message) => resolve(message as MemoryReport)),
    );
    this.#child.send('memory');
    return within(report, 'the memory of the process');
  }

  async kill(): Promise<void> {
    if (this.alive) this.#child.kill('SIGKILL');
    await this.exit;
  }
}

export interface EngineProcessOptions {
  /** Definitions by name; `apiVersion` and `name` are filled in. */
  readonly pipelines: Readonly<Record<string, object>>;
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts the product and resolves when it says where it listens. */
export async function startEngine(
  built: BuiltEngine,
  { pipelines, environment = {} }: EngineProcessOptions,
): Promise<EngineProcess> {
  const folder = join(built.folder, 'pipelines', String(performance.now()));
  await mkdir(folder, { recursive: true });
  for (const [name, definition] of Object.entries(pipelines)) {
    await writeFile(join(folder, `${name}.json`), JSON.stringify({ apiVersion: 'sluice/v1', name, ...definition }));
  }
  const child = fork(join(built.folder, 'main.js'), [], {
    cwd: built.folder,
    execArgv: ['--expose-gc', '--enable-source-maps', '--import', join(built.folder, 'report-memory.js')],
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', SLUICE_PIPELINES_DIR: folder, ...environment },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const exit = new Promise<number | string>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown')),
  );
  const output = new Output(child);
  const origin = await output.until(
    () => /listens on (\S+)/.exec(output.text('stdout'))?.[1],
    'the address of the process',
  );
  return new EngineProcess(child, output, origin, exit);
}

type StreamName = 'stdout' | 'stderr';

/** What a process has written, and a way to wait for more. */
class Output {
  readonly #texts = { stdout: '', stderr: '' };
  readonly #watchers = new Set<() => void>();
  #ended = false;

  constructor(child: ChildProcess) {
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]?.setEncoding('utf8').on('data', (text: string) => {
        this.#texts[name] += text;
        this.#notify();
      });
    }
    child.once('close', () => {
      this.#ended = true;
      this.#notify();
    });
  }

  text(name: StreamName): string {
    return this.#texts[name];
  }

  /** Whole lines only. */
  lines(name: StreamName): readonly string[] {
    return this.#texts[name].split('\n').slice(0, -1);
  }

  async until<T>(look: () => T | undefined, what: string): Promise<T> {
    const found = Promise.withResolvers<T>();
    const watcher = (): void => {
      const value = look();
      if (value !== undefined) found.resolve(value);
      else if (this.#ended)
        found.reject(new Error(`The process ended before ${what} came: ${this.#texts.stderr.slice(-2_000)}`));
    };
    this.#watchers.add(watcher);
    try {
      watcher();
      return await within(found.promise, what);
    } finally {
      this.#watchers.delete(watcher);
    }
  }

  #notify(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
