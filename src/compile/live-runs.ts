import type { SluiceError } from '../kernel/errors.ts';
import { Roster } from '../kernel/roster.ts';
import type { ChatRun } from './chat-run.ts';

/** All runs of the process that have not ended, or whose last bytes have not been sent: for the drain, for the figures, for the proof that none is lost. */
export class LiveRuns {
  readonly #live = new Roster<ChatRun>();
  #opened = 0;
  #ended = 0;
  #onIdle: (() => void) | undefined;

  get opened(): number {
    return this.#opened;
  }

  get ended(): number {
    return this.#ended;
  }

  get live(): number {
    return this.#live.size;
  }

  add(run: ChatRun): void {
    this.#opened += 1;
    this.#live.add(run);
  }

  remove(run: ChatRun): void {
    if (!this.#live.delete(run)) return;
    this.#ended += 1;
    if (this.#live.size === 0) this.#onIdle?.();
  }

  /** Resolves when no run is left. */
  idle(): Promise<void> {
    if (this.#live.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle = resolve;
    });
  }

  failAll(error: SluiceError): void {
    for (const run of this.#live.members()) run.fail(error);
  }

  /** Cuts the connections of runs that are over and whose clients do not take the end. */
  dropAll(): void {
    for (const run of this.#live.members()) run.drop();
  }
}
