import type { AnswerEnding, EventControl } from '../modifier.ts';
import { isContent, type AnswerEvent } from '../event.ts';
import type { Run } from '../run.ts';

/**
 * The way out of an event modifier that emits outside of its calls, too. What a call makes is told when the call ends: in
 * it, or right behind it where it returns a promise. Told in the call it would wait for the promise, and what is told
 * meanwhile would overtake it.
 */
export class SegmentOutlet {
  /** Something has left that counts as an answer, or will with the current call. */
  hasContent = false;
  readonly #run: Run;
  readonly #control: EventControl;
  #told: (() => void)[] | undefined;

  constructor(run: Run, control: EventControl) {
    this.#run = run;
    this.#control = control;
  }

  emit(event: AnswerEvent): void {
    this.hasContent ||= isContent(event);
    this.#tell(() => this.#control.emit(event));
  }

  stop(ending: AnswerEnding, choice: number): void {
    this.#tell(() => this.#control.stop(ending, choice));
  }

  beginCall(): void {
    this.tellAll();
    this.#told = [];
  }

  /** The call returns a promise: what it made is told behind it, but before anything else. */
  endCallWaiting(): void {
    queueMicrotask(() => this.tellAll());
  }

  /** Tells what a call has left, in it or behind it. */
  tellAll(): void {
    const actions = this.#told ?? [];
    this.#told = undefined;
    for (const action of actions) if (!this.#run.signal.aborted) action();
  }

  drop(): void {
    this.#told = undefined;
  }

  #tell(action: () => void): void {
    if (this.#told === undefined) action();
    else this.#told.push(action);
  }
}
