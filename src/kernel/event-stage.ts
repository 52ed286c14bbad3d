import type { EventModifier, EventRewriter } from './component.ts';
import { asSluiceError, describeCause, type SluiceError } from './errors.ts';
import type { AnswerEvent } from './event.ts';
import type { Run } from './run.ts';
import { isPromise } from './supervise.ts';
import type { Bound } from './text-stage.ts';

/** Events that may wait behind one paused modifier before the run is given up. The upstream is paused long before. */
const maxQueuedEvents = 65_536;

export interface EventStageOwner {
  /** An event goes on to the next stage. */
  emit(event: AnswerEvent): void;
  onWait(stage: EventStage, waiting: boolean): void;
  /** Events went on outside of a `push`, whether or not the next one has to wait again. */
  onResumed(): void;
  onFailure(error: SluiceError): void;
}

/**
 * One modifier that works on whole events, with the queue that it needs while it waits. What it emits during a call goes
 * on when the call has succeeded, so a failure neither doubles nor loses an event, and a failure further down is never
 * taken for its own.
 */
export class EventStage {
  readonly #bound: Bound<EventModifier>;
  readonly #run: Run;
  readonly #owner: EventStageOwner;
  #rewriter: EventRewriter | undefined;
  #emitted: AnswerEvent[] | undefined;
  /** How much of it a flush has emitted that succeeded: that stays, also when the rest of the call fails. */
  #flushed = 0;
  #queue: AnswerEvent[] = [];
  #waits = false;
  #closed = false;

  constructor(bound: Bound<EventModifier>, run: Run, owner: EventStageOwner) {
    this.#bound = bound;
    this.#run = run;
    this.#owner = owner;
    try {
      this.#rewriter = bound.modifier.open(run);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  push(event: AnswerEvent): void {
    if (this.#closed) return;
    if (this.#waits) {
      if (this.#queue.length >= maxQueuedEvents) throw this.#failure(new RangeError('its queue is full'));
      this.#queue.push(event);
      return;
    }
    const rewriter = this.#rewriter;
    if (rewriter === undefined) {
      this.#owner.emit(event);
      return;
    }
    const emitted: AnswerEvent[] = [];
    this.#emitted = emitted;
    this.#flushed = 0;
    let pending: Promise<unknown> | undefined;
    try {
      pending = this.#call(rewriter, event);
    } catch (error) {
      this.#leaveOut(error);
      this.#forward([...emitted.slice(0, this.#flushed), event]);
      return;
    }
    if (pending === undefined) this.#forward(emitted);
    else this.#wait(pending, event, emitted);
  }

  /** Nothing more leaves; what is queued is dropped. */
  close(): void {
    this.#closed = true;
    this.#emitted = undefined;
    this.#queue = [];
  }

  readonly #emit = (event: AnswerEvent): void => {
    // What a component emits after its call, or after the end of the run, is counted and otherwise ignored.
    if (this.#emitted === undefined) this.#run.meter.count('events_after_end');
    else this.#emitted.push(event);
  };

  /** A thenable is made a promise: it then settles once, and never during the call. */
  #call(rewriter: EventRewriter, event: AnswerEvent): Promise<unknown> | undefined {
    const modify = (): unknown => {
      this.#flushed = this.#emitted?.length ?? 0;
      return rewriter.modify(event, this.#emit, this.#run);
    };
    const flushed: unknown = event.type === 'stream.end' ? rewriter.flush?.(this.#emit, this.#run) : undefined;
    if (isThenable(flushed)) return Promise.resolve(flushed).then(modify);
    const modified = modify();
    return isThenable(modified) ? Promise.resolve(modified) : undefined;
  }

  #forward(events: readonly AnswerEvent[]): void {
    this.#emitted = undefined;
    for (const event of events) this.#owner.emit(event);
  }

  #wait(pending: Promise<unknown>, event: AnswerEvent, emitted: readonly AnswerEvent[]): void {
    this.#waits = true;
    this.#owner.onWait(this, true);
    pending.then(
      () => this.#resume(() => emitted),
      (error: unknown) =>
        this.#resume(() => {
          this.#leaveOut(error);
          return [...emitted.slice(0, this.#flushed), event];
        }),
    );
  }

  #resume(result: () => readonly AnswerEvent[]): void {
    if (this.#closed) {
      this.#run.meter.count('orphans_settled_late');
      return;
    }
    this.#waits = false;
    try {
      this.#forward(result());
      const queue = this.#queue;
      let next = 0;
      for (this.#queue = []; next < queue.length && !this.#isWaiting(); next += 1) {
        const event = queue[next];
        if (event !== undefined) this.push(event);
      }
      if (this.#isWaiting()) this.#queue = [...queue.slice(next), ...this.#queue];
      else this.#owner.onWait(this, false);
      this.#owner.onResumed();
    } catch (error) {
      this.#owner.onFailure(asSluiceError(error));
    }
  }

  #isWaiting(): boolean {
    return this.#waits;
  }

  /** A guard that fails ends the run; another modifier is left out of it, where the author said so. */
  #leaveOut(error: unknown): void {
    const { name, guard, onError } = this.#bound;
    if (guard || onError === 'fail') throw this.#failure(error);
    this.#rewriter = undefined;
    this.#run.log.warn('modifier failed and is left out of this run', { modifier: name, error: describeCause(error) });
    this.#run.meter.count('modifiers_skipped');
  }

  #failure(error: unknown): SluiceError {
    return asSluiceError(error, 'MODIFIER_FAILED', { modifier: this.#bound.name });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isPromise(value);
}
