import type { EarlyEnd } from './answer-ends.ts';
import type { Bound, BoundText } from './bound-modifier.ts';
import type { EventModifier, Modifier } from './modifier.ts';
import { describeCause, type SluiceError } from './errors.ts';
import type { AnswerEvent } from './event.ts';
import { EventStage } from './event-stage.ts';
import type { Run } from './run.ts';
import { TextStage } from './text-stage.ts';

/** How a chain is run; the strongest effect of its modifiers decides. */
export type ChainMode = 'pass' | 'scan' | 'splice' | 'events';

export function chainMode(modifiers: readonly Bound<Modifier>[]): ChainMode {
  const effects = new Set(modifiers.map(({ modifier }) => modifier.effect));
  if (effects.has('events')) return 'events';
  if (effects.has('text')) return 'splice';
  return effects.has('read') ? 'scan' : 'pass';
}

type Emit = (event: AnswerEvent) => void;

export interface ChainOwner {
  /** How many answers the client asked for. */
  readonly choices: number;
  /** A modifier has ended the answer: the provider need not be read any further. Its last events follow. */
  onEnded(): void;
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
  /** A modifier protects: then nothing leaves that nobody has read. */
  readonly hasGuard: boolean;
  readonly #run: Run;
  readonly #first: Emit;
  readonly #waiting = new Set<EventStage>();
  /** In the order of the chain. */
  readonly #stages: (TextStage | EventStage)[] = [];
  readonly #earlyEnds: EarlyEnd[] = [];

  constructor(modifiers: readonly Bound<Modifier>[], run: Run, output: Emit, owner: ChainOwner) {
    this.#run = run;
    this.mode = chainMode(modifiers);
    this.hasGuard = modifiers.some(({ guard }) => guard);
    const onWait = (stage: EventStage, waiting: boolean): void => {
      if (waiting) this.#waiting.add(stage);
      else this.#waiting.delete(stage);
      owner.onPause(this.waiting);
    };
    const shared = {
      choices: owner.choices,
      onEnded: () => owner.onEnded(),
      onStop: (early: EarlyEnd) => void this.#earlyEnds.push(early),
    };
    let next = output;
    for (const group of groupStages(modifiers).reverse()) {
      const target = next;
      if (group.text !== undefined) {
        const stage = new TextStage(group.text, run, { ...shared, emit: target });
        this.#stages.unshift(stage);
        next = (event) => stage.push(event);
      } else {
        const stage = new EventStage(group.event, run, {
          ...shared,
          emit: target,
          onWait,
          onResumed: () => owner.onResumed(),
          onFailure: (error) => owner.onFailure(error),
        });
        this.#stages.unshift(stage);
        next = (event) => stage.push(event);
      }
    }
    const [only] = this.#stages;
    this.textStage = this.mode !== 'events' && only instanceof TextStage ? only : undefined;
    this.#first = next;
  }

  /** True while some event has not left the chain because a modifier waits. */
  get waiting(): boolean {
    return this.#waiting.size > 0;
  }

  push(event: AnswerEvent): void {
    this.#first(event);
  }

  /** What each modifier changed; undefined for one that does not count. */
  matches(): ReadonlyMap<string, number | undefined> {
    return new Map(
      this.#stages.flatMap((stage) =>
        stage instanceof TextStage ? [...stage.matches()] : [[stage.name, stage.matches] as const],
      ),
    );
  }

  /** What modifiers have ended before the provider did. */
  get earlyEnds(): readonly EarlyEnd[] {
    return this.#earlyEnds;
  }

  /**
   * The stream failed: what is held leaves, as far as it is decided. A modifier that fails in this lets nothing go; what
   * those behind it hold has passed it.
   */
  fail(): void {
    for (const stage of this.#stages) {
      try {
        stage.fail();
      } catch (error) {
        this.#run.log.warn('what a modifier held is dropped', { error: describeCause(error) });
      }
    }
  }

  /** Nothing more leaves the chain; what is held or queued is dropped. */
  close(): void {
    for (const stage of this.#stages) {
      if (stage instanceof TextStage) stage.discard();
      else stage.close();
    }
  }
}

type Group =
  | { readonly text: BoundText[]; readonly event?: undefined }
  | { readonly text?: undefined; readonly event: Bound<EventModifier> };

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
