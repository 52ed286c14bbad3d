import { AnswerEnds, type AnswerEndsOwner } from './answer-ends.ts';
import { leaveOut, type Bound } from './bound-modifier.ts';
import type { AnswerEnding, EventControl, EventModifier, EventRewriter } from './modifier.ts';
import { asSluiceError, SluiceError } from './errors.ts';
import type { AnswerEvent } from './event.ts';
import type { Run } from './run.ts';
import { StepRun } from './step-run.ts';
import { isPromise } from './supervise.ts';

/** Why work ends whose answer is over: of a run that ended, or of an attempt that was thrown away. */
const answerOver = new SluiceError('CLIENT_GONE');

/** Events that may wait behind one paused modifier before the run is given up. The upstream is paused long before. */
const maxQueuedEvents = 65_536;

export interface EventStageOwner extends AnswerEndsOwner {
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
  /** Its signal ends with this stage too. */
  readonly #run: Run;
  readonly #owner: EventStageOwner;
  #rewriter: EventRewriter | undefined;
  #emitted: AnswerEvent[] | undefined;
  /** How much of it a flush has emitted that succeeded: that stays, also when the rest of the call fails. */
  #flushed = 0;
  /** The same of `#stops`. */
  #flushedStops = 0;
  #queue: AnswerEvent[] = [];
  #waits = false;
  #closed = false;
  #abort: AbortController | undefined;
  /** A call of the modifier has not returned yet. */
  #inCall = false;
  readonly #ends: AnswerEnds;
  /** What the modifier asked for during a call; done when what it emitted has left. */
  #stops: { readonly ending: AnswerEnding; readonly choice: number }[] = [];

  constructor(bound: Bound<EventModifier>, run: Run, owner: EventStageOwner) {
    this.#bound = bound;
    this.#run = new StepRun(run, () => this.#signalOf(run));
    this.#owner = owner;
    this.#ends = new AnswerEnds({
      choices: owner.choices,
      emit: (event) => this.#leave(event),
      onStop: (early) => owner.onStop(early),
      onEnded: () => {
        this.#queue = [];
        owner.onEnded();
      },
    });
    try {
      this.#rewriter = bound.modifier.open(this.#run, this.#control);
    } catch (error) {
      this.#leaveOut(error);
    }
  }

  push(event: AnswerEvent): void {
    if (this.#closed || this.#ends.isOver) return;
    if (this.#waits) {
      if (this.#queue.length >= maxQueuedEvents) throw this.#failure(new RangeError('its queue is full'));
      this.#queue.push(event);
      return;
    }
    const rewriter = this.#rewriter;
    if (rewriter === undefined) {
      this.#leave(event);
      return;
    }
    const emitted: AnswerEvent[] = [];
    this.#emitted = emitted;
    this.#flushed = 0;
    this.#flushedStops = 0;
    let pending: Promise<unknown> | undefined;
    try {
      pending = this.#call(rewriter, event);
    } catch (error) {
      this.#forward(this.#withoutCall(error, event, emitted));
      return;
    }
    if (pending === undefined) this.#forward(emitted);
    else this.#wait(pending, event, emitted);
  }

  /** What the modifier changed, where it counts. */
  get matches(): number | undefined {
    try {
      return this.#rewriter?.matches;
    } catch (error) {
      throw this.#failure(error);
    }
  }

  get name(): string {
    return this.#bound.name;
  }

  /**
   * The stream failed: the modifier lets go what it has decided. What waits behind it is dropped, and so is all that it
   * emits in a call that fails.
   */
  fail(): void {
    const rewriter = this.#rewriter;
    if (this.#closed || this.#ends.isOver || rewriter?.fail === undefined) return;
    const emitted: AnswerEvent[] = [];
    this.#emitted = emitted;
    this.#stops = [];
    try {
      this.#within(() => rewriter.fail?.(this.#emit, this.#run));
      this.#emitted = undefined;
      for (const event of emitted) this.#leave(event);
    } catch (error) {
      throw this.#failure(error);
    } finally {
      this.close();
    }
  }

  /** Nothing more leaves; what is queued is dropped, and what the modifier waits for is given up. */
  close(): void {
    this.#closed = true;
    this.#emitted = undefined;
    this.#queue = [];
    this.#abort?.abort(answerOver);
  }

  /** Made when the modifier first asks for it. */
  #signalOf(run: Run): AbortSignal {
    this.#abort ??= this.#abortWith(run.signal);
    return this.#abort.signal;
  }

  #abortWith(signal: AbortSignal): AbortController {
    const controller = new AbortController();
    if (this.#closed) controller.abort(answerOver);
    else if (signal.aborted) controller.abort(signal.reason);
    else signal.addEventListener('abort', () => controller.abort(signal.reason), { signal: controller.signal });
    return controller;
  }

  readonly #emit = (event: AnswerEvent): void => {
    // What a component emits after its call, or after the end of the run, is counted and otherwise ignored.
    if (this.#emitted === undefined) this.#run.meter.count('events_after_end');
    else this.#emitted.push(event);
  };

  readonly #control: EventControl = {
    emit: (event) => {
      if (this.#inCall) this.#emit(event);
      else if (this.#closed) this.#run.meter.count('events_after_end');
      else this.#act(() => this.#leave(event));
    },
    stop: (ending, choice = 0) => {
      this.#stops.push({ ending, choice });
      if (this.#inCall || this.#closed) return;
      this.#act(() => {
        this.#leaveEmitted(choice);
        this.#stop();
      });
    },
  };

  /** Something leaves outside of a call. */
  #act(action: () => void): void {
    try {
      action();
      this.#owner.onResumed();
    } catch (error) {
      this.#owner.onFailure(asSluiceError(error));
    }
  }

  #stop(): void {
    for (const { ending, choice } of this.#stops.splice(0)) {
      this.#ends.end({ by: this.#bound.name, ending, choice }, ending.message);
    }
  }

  /** What a call that has not settled emitted of a choice leaves before the end that it asks for. */
  #leaveEmitted(choice: number): void {
    const emitted = this.#emitted ?? [];
    const isOfChoice = (event: AnswerEvent): boolean => (event.choice ?? 0) === choice;
    const others = emitted.filter((event) => !isOfChoice(event));
    for (const event of emitted.splice(0, emitted.length, ...others)) if (isOfChoice(event)) this.#leave(event);
  }

  #leave(event: AnswerEvent): void {
    if (this.#ends.refuses(event)) return;
    this.#ends.left(event);
    this.#owner.emit(event.type === 'stream.end' ? this.#ends.endOf(event) : event);
  }

  /** A thenable is made a promise: it then settles once, and never during the call. */
  #call(rewriter: EventRewriter, event: AnswerEvent): Promise<unknown> | undefined {
    const modify = (): unknown => {
      this.#flushed = this.#emitted?.length ?? 0;
      this.#flushedStops = this.#stops.length;
      return this.#within(() => rewriter.modify(event, this.#emit, this.#run));
    };
    const flushed: unknown =
      event.type === 'stream.end' ? this.#within(() => rewriter.flush?.(this.#emit, this.#run)) : undefined;
    if (isThenable(flushed)) return Promise.resolve(flushed).then(modify);
    const modified = modify();
    return isThenable(modified) ? Promise.resolve(modified) : undefined;
  }

  #within(call: () => unknown): unknown {
    this.#inCall = true;
    try {
      return call();
    } finally {
      this.#inCall = false;
    }
  }

  #forward(events: readonly AnswerEvent[]): void {
    this.#emitted = undefined;
    for (const event of events) {
      if (event.type === 'stream.end') this.#stop();
      this.#leave(event);
    }
    this.#stop();
  }

  /** A call failed that may be left out: what goes on in its place. What it asked for, an end too, did not happen. */
  #withoutCall(error: unknown, event: AnswerEvent, emitted: readonly AnswerEvent[]): readonly AnswerEvent[] {
    this.#stops.length = Math.min(this.#stops.length, this.#flushedStops);
    this.#leaveOut(error);
    return [...emitted.slice(0, this.#flushed), event];
  }

  #wait(pending: Promise<unknown>, event: AnswerEvent, emitted: AnswerEvent[]): void {
    this.#waits = true;
    this.#owner.onWait(this, true);
    pending.then(
      () => this.#resume(() => emitted),
      (error: unknown) => this.#resume(() => this.#withoutCall(error, event, emitted)),
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

  /** A guard that fails ends the run, and nothing passes it any more; another is left out, where the author said so. */
  #leaveOut(error: unknown): void {
    try {
      leaveOut(this.#bound, this.#run, error);
      this.#rewriter = undefined;
    } catch (failure) {
      this.close();
      throw failure;
    }
  }

  #failure(error: unknown): SluiceError {
    return asSluiceError(error, 'MODIFIER_FAILED', { modifier: this.#bound.name });
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return isPromise(value);
}
