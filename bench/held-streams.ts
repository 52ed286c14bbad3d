import { setTimeout as sleep } from 'node:timers/promises';
import { chatRequest } from './chat-request.ts';
import { LoadConnection } from './load-connection.ts';
import type { HoldJob, HoldResult } from './load-job.ts';
import { ErrorCounts } from './load-run.ts';

/** Connections are opened in small groups, so that no accept queue overflows. */
const groupSize = 20;
const groupPauseMilliseconds = 5;

/** Opens streams, waits until each has shown its first bytes, and keeps them open until `close`. */
export class HeldStreams {
  readonly #job: HoldJob;
  readonly #connections: LoadConnection[] = [];
  readonly #errors = new ErrorCounts();
  #open = 0;

  constructor(job: HoldJob) {
    this.#job = job;
  }

  async open(): Promise<HoldResult> {
    const request = chatRequest(this.#job.target);
    const deadline = performance.now() + this.#job.timeoutMilliseconds;
    while (this.#connections.length < this.#job.connections && performance.now() < deadline) {
      for (let index = 0; index < groupSize && this.#connections.length < this.#job.connections; index++) {
        this.#connect(request);
      }
      await sleep(groupPauseMilliseconds);
    }
    while (this.#open + this.#errors.total < this.#job.connections && performance.now() < deadline) await sleep(20);
    return { open: this.#open, errors: this.#errors.counts };
  }

  close(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #connect(request: Buffer): void {
    const connection = new LoadConnection(this.#job.target.port, request, {
      firstByte: () => this.#open++,
      body: () => {},
      end: (summary) => this.#errors.add(`the stream ended, status ${summary.status}`),
      closed: (reason) => this.#errors.add(reason),
    });
    this.#connections.push(connection);
    connection.send();
  }
}
