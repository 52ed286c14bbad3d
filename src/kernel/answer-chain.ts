import type { EventModifier, EventRewriter, Modifier, ReadModifier, TextModifier } from './component.ts';
import { asSluiceError, SluiceError } from './errors.ts';
import type { AnswerEvent } from './event.ts';
import type { Run } from './run.ts';
import { TextStage, type Bound } from './text-stage.ts';

/** How a chain is run; the strongest effect of its modifiers decides. */
export type ChainMode = 'pass' | 'scan' | 'splice' | 'events';

export function chainMode(modifiers: readonly Bound<Modifier>[]): ChainMode {
  const effects = new Set(modifiers.map(({ modifier }) => modifier.effect));
  if (effects.has('events')) return 'events';
  if (effects.has('text')) return 'splice';
  return effects.has('read') ? 'scan' : 'pass';
}

/** Events that may wait behind one paused modifier before the run is given up. The upstream is paused long before. */
const maxQueuedEvents = 65_536;

type Emit = (event: AnswerEvent) => void;
interface Stage {
  push(event: AnswerEvent): void;
}

export interface ChainOwner {
  /** A modifier waits (true) or goes on (false): the upstream must not be read meanwhile. */
  onPause(paused: boolean): void;
  /** Events left the chain outside of a `push`, because a modifier had waited. */
  onResumed(): void;
  onFailure(error: SluiceError): void;
}

/**
 * The modifiers of one run, joined into one synchronous push chain. `push` runs an event through all of them before it
 * returns, unless one of them returned a promise: then that one keeps a queue, and the chain asks for a pause.
 */
export class AnswerChain {
  readonly mode: ChainMode;
  /** Set when all modifiers work on text: the fast lane may use it. */
  readonly textStage: TextStage | undefined;
  readonly hasGuard: boolean;
  readonly #first: Emit;
  readonly #waiting = new Set<EventStage>();
  readonly #textStages: TextStage[] = [];
  #closed = false;

  constructor(modifiers: readonly Bound<Modifier>[], run: Run, output: Emit, owner: ChainOwner) {
    this.mode = chainMode(modifiers);
    this.hasGuard = modifiers.some(({ guard, modifier }) => guard && modifier.effect !== 'read');
    const onWait = (stage: EventStage, waiting: boolean): void => {
      if (waiting) this.#waiting.add(stage);
      else this.#waiting.delete(stage);
      owner.onPause(this.#waiting.size > 0);
      if (!waiting) owner.onResumed();
    };
    let next = output;
    let textStage: TextStage | undefined;
    for (const group of groupStages(modifiers).reverse()) {
      const target = next;
      if (group.text !== undefined) {
        const stage = new TextStage(group.text, run);
        textStage = stage;
        this.#textStages.push(stage);
        next = (event) => stage.push(event, target);
      } else {
        const stage = new EventStage(group.event, run, target, onWait, (error) => owner.onFailure(error), () => this.#closed);
        next = (event) => stage.push(event);
      }
    }
    this.textStage = this.mode === 'events' ? undefined : textStage;
    this.#first = next;
  }

  /** True while some event has not left the chain because a modifier waits. */
  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  push(event: AnswerEvent): void {
    this.#first(event);
  }

  /** What each text modifier changed; undefined for one that does not count. */
  matches(): ReadonlyMap<string, number | undefined> {
    return new Map(this.#textStages.flatMap((stage) => [...stage.matches()]));
  }

  /** Nothing more leaves the chain; what is held or queued is dropped. */
  close(): void {
    this.#closed = true;
    this.textStage?.discard();
  }
}

type Group = { readonly text: Bound<ReadModifier | TextModifier>[]; readonly event?: undefined } | { readonly text?: undefined; readonly event: Bound<EventModifier> };

/** Neighbouring text modifiers share one stage: a piece of text then passes them without becoming an event between. */
function groupStages(modifiers: readonly Bound<Modifier>[]): Group[] {
  const groups: Group[] = [];
  for (const bound of modifiers) {
    const { modifier } = bound;
    if (modifier.effect === 'events') {
      groups.push({ event: { ...bound, modifier } });
      continue;
    }
    const last = groups.at(-1);
    if (last?.text !== undefined) last.text.push({ ...bound, modifier });
    else groups.push({ text: [{ ...bound, modifier }] });
  }
  return groups;
}

/** One modifier that works on whole events, with the queue that it needs while it waits. */
class EventStage implements Stage {
  readonly #bound: Bound<EventModifier>;
  readonly #run: Run;
  readonly #emit: Emit;
  readonly #onWait: (stage: EventStage, waiting: boolean) => void;
  readonly #onFailure: (error: SluiceError) => void;
  #rewriter: EventRewriter | undefined;
  #queue: AnswerEvent[] = [];
  #waits = false;

  constructor(bound: Bound<EventModifier>, run: Run, target: Emit, onWait: (stage: EventStage, waiting: boolean) => void, onFailure: (error: SluiceError) => void, isClosed: () => boolean) {
    this.#bound = bound;
    this.#run = run;
    this.#onWait = onWait;
    this.#onFailure = onFailure;
    this.#emit = (event) => {
      // A component that emits after the end of its run is counted and otherwise ignored.
      if (isClosed()) run.meter.count('events_after_end');
      else target(event);
    };
    this.#rewriter = bound.modifier.open(run);
  }

  push(event: AnswerEvent): void {
    if (this.#waits) {
      if (this.#queue.length >= maxQueuedEvents) throw new SluiceError('MODIFIER_FAILED', { context: { modifier: this.#bound.name, reason: 'its queue is full' } });
      this.#queue.push(event);
      return;
    }
    const pending = this.#modify(event);
    if (pending !== undefined) this.#wait(pending);
  }

  #modify(event: AnswerEvent): Promise<void> | undefined {
    if (this.#rewriter === undefined) {
      this.#emit(event);
      return undefined;
    }
    try {
      const flushed = event.type === 'stream.end' ? this.#rewriter.flush?.(this.#emit, this.#run) : undefined;
      if (flushed !== undefined) return flushed.then(() => this.#modifyOnly(event));
      return this.#modifyOnly(event);
    } catch (error) {
      this.#skip(error);
      this.#emit(event);
      return undefined;
    }
  }

  #modifyOnly(event: AnswerEvent): Promise<void> | undefined {
    return this.#rewriter?.modify(event, this.#emit, this.#run) ?? undefined;
  }

  #wait(pending: Promise<void>): void {
    this.#waits = true;
    this.#onWait(this, true);
    pending.then(
      () => this.#resume(),
      (error: unknown) => {
        try {
          this.#skip(error);
          this.#resume();
        } catch (failure) {
          this.#onFailure(asSluiceError(failure));
        }
      },
    );
  }

  #resume(): void {
    this.#waits = false;
    try {
      const queue = this.#queue;
      this.#queue = [];
      for (let index = 0; index < queue.length; index += 1) {
        const event = queue[index];
        if (event !== undefined) this.push(event);
        if (this.#waits) {
          this.#queue.push(...queue.slice(index + 1));
          return;
        }
      }
      this.#onWait(this, false);
    } catch (error) {
      this.#onFailure(asSluiceError(error));
    }
  }

  #skip(error: unknown): void {
    const { name, guard, onError } = this.#bound;
    if (guard || onError === 'fail') throw asSluiceError(error, 'MODIFIER_FAILED', { modifier: name });
    this.#rewriter = undefined;
    this.#run.log.warn('modifier failed and is left out of this run', { modifier: name, error: asSluiceError(error).message });
    this.#run.meter.count('modifiers_skipped');
  }
}
