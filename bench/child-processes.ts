import { spawn, type ChildProcess } from 'node:child_process';
import { processTree } from './process-tree.ts';

const maxOutputText = 4_096;
const maxMessageText = 400;
const startTimeoutMilliseconds = 20_000;
const stopTimeoutMilliseconds = 3_000;

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

export interface Command {
  readonly name: string;
  readonly file: string;
  readonly parameters: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** The core it is pinned to; undefined leaves it to the kernel. */
  readonly core: number | undefined;
  /** Gives the process a channel for messages. */
  readonly channel: boolean;
}

/** A process of the bench. Ended by its own pid, never by name. */
export class Child {
  readonly name: string;
  readonly process: ChildProcess;
  #output = '';

  constructor(command: Command) {
    this.name = command.name;
    const pinned = command.core !== undefined;
    // taskset replaces itself by the program, so the pid is the program's.
    const file = pinned ? 'taskset' : command.file;
    const prefix = pinned ? ['-c', String(command.core), command.file] : [];
    this.process = spawn(file, [...prefix, ...command.parameters], {
      env: { ...process.env, ...command.environment },
      stdio: command.channel ? ['ignore', 'pipe', 'pipe', 'ipc'] : ['ignore', 'pipe', 'pipe'],
    });
    const keep = (bytes: Buffer): void => {
      this.#output = (this.#output + bytes.toString()).slice(-maxOutputText);
    };
    this.process.stdout?.on('data', keep);
    this.process.stderr?.on('data', keep);
    this.process.on('error', (error) => (this.#output += error.message));
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  get running(): boolean {
    return this.pid !== 0 && this.process.exitCode === null && this.process.signalCode === null;
  }

  /** The line of what it printed last that says most, for a message. */
  get output(): string {
    const lines = this.#output
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
    const telling = lines.find((line) => /error/i.test(line)) ?? lines.at(-1) ?? '';
    return telling.replaceAll(process.cwd(), '.').slice(0, maxMessageText);
  }

  /** Waits for the `{ port }` that each of our own programs sends once it listens. */
  port(): Promise<number> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error(`${this.name} did not start: ${this.output}`));
      const timer = setTimeout(fail, startTimeoutMilliseconds);
      this.process.once('exit', fail);
      this.process.once('message', (message) => {
        clearTimeout(timer);
        this.process.off('exit', fail);
        resolve((message as { readonly port: number }).port);
      });
    });
  }

  /** Ends it and its descendants at once. */
  kill(): void {
    for (const pid of processTree(this.pid)) if (pid !== this.pid) killQuietly(pid);
    this.process.kill('SIGKILL');
  }

  async stop(): Promise<void> {
    if (!this.running) return;
    const gone = new Promise<void>((resolve) => this.process.once('exit', () => resolve()));
    this.process.kill('SIGTERM');
    const timer = setTimeout(() => this.kill(), stopTimeoutMilliseconds);
    await gone;
    clearTimeout(timer);
  }
}

/** All that was started and may still run. */
export class ChildProcesses {
  readonly #children = new Set<Child>();

  start(command: Command): Child {
    const child = new Child(command);
    this.#children.add(child);
    return child;
  }

  async stop(child: Child): Promise<void> {
    await child.stop();
    this.#children.delete(child);
  }

  /** Ends those of ours that were started under this name. */
  async stopNamed(name: string): Promise<void> {
    await Promise.all([...this.#children].filter((child) => child.name === name).map((child) => this.stop(child)));
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#children].map((child) => this.stop(child)));
  }

  /** The last resort when the bench itself ends: no waiting. */
  killAll(): void {
    for (const child of this.#children) if (child.running) child.kill();
  }
}
