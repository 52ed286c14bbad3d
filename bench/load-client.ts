import type { Child } from './child-processes.ts';
import type { HoldJob, HoldResult, LoadCommands, LoadJob, LoadResult, ProbeResult, Target } from './load-job.ts';

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** No command of the load generator takes longer; beyond it the bench ends with an error. */
const commandTimeoutMilliseconds = 90_000;

/** The runner's side of the load generator. */
export class LoadClient implements LoadCommands {
  readonly #child: Child;
  #nextId = 1;

  constructor(child: Child) {
    this.#child = child;
  }

  load(job: LoadJob): Promise<LoadResult> {
    return this.#call('load', job) as Promise<LoadResult>;
  }

  hold(job: HoldJob): Promise<HoldResult> {
    return this.#call('hold', job) as Promise<HoldResult>;
  }

  async release(): Promise<void> {
    await this.#call('release', null);
  }

  probe(target: Target): Promise<ProbeResult> {
    return this.#call('probe', target) as Promise<ProbeResult>;
  }

  #call(command: keyof LoadCommands, input: unknown): Promise<unknown> {
    const id = this.#nextId++;
    const { process } = this.#child;
    return new Promise((resolve, reject) => {
      const finish = (settle: () => void): void => {
        clearTimeout(timer);
        process.off('message', onMessage);
        process.off('exit', onExit);
        settle();
      };
      const onMessage = (message: unknown): void => {
        const reply = message as Reply;
        if (reply.id !== id) return;
        finish(() => (reply.error === undefined ? resolve(reply.result) : reject(new Error(reply.error))));
      };
      const onExit = (): void => finish(() => reject(new Error(`the load generator ended: ${this.#child.output}`)));
      const onTimeout = (): void => finish(() => reject(new Error(`the load generator did not answer to ${command}`)));
      const timer = setTimeout(onTimeout, commandTimeoutMilliseconds);
      process.on('message', onMessage);
      process.on('exit', onExit);
      process.send({ id, command, input });
    });
  }
}
