import { channelOf } from '../block-channel.ts';
import type { AnswerEnding, Channel, EventControl, EventRewriter } from '../modifier.ts';
import { asSluiceError, SluiceError } from '../errors.ts';
import type { AnswerEvent, EventOfType } from '../event.ts';
import type { Run } from '../run.ts';
import { ArgumentStrings } from './segment-arguments.ts';
import { SegmentBlock, type SegmentContext } from './segment-block.ts';
import { pieceOf, type Segment, type SegmentCutter } from './segment-cutter.ts';
import type { SegmentLane, SegmentOutcome, TextItem } from './segment-lane.ts';
import { SegmentOutlet } from './segment-outlet.ts';
import { SegmentQueue } from './segment-queue.ts';
import { SegmentWorkers } from './segment-workers.ts';

/** A segment, as work sees it. */
export interface SegmentTask {
  readonly text: string;
  /** Text of the same block in front of it, as much as was asked for. */
  readonly before: string;
  readonly channel: Channel;
}

export interface SegmentOptions {
  readonly channels: readonly Channel[];
  /** A cutter for one text. It always holds less than `ahead`. */
  cutter(): SegmentCutter;
  /** A segment also ends so many milliseconds after it began. */
  readonly milliseconds?: number;
  /** Characters of one choice that may wait; when they do, the stream pauses. */
  readonly ahead: number;
  /** Segments that are worked on at a time. */
  readonly parallel: number;
  readonly context: SegmentContext;
  /** Also reads what can't be replaced: arguments of tools, and the words beside the reason of an end. */
  readonly readsAll: boolean;
  /** Works on one segment. Must end with `run.signal`. What it throws fails the run as MODIFIER_FAILED. */
  work(task: SegmentTask, run: Run): SegmentOutcome | Promise<SegmentOutcome>;
}

/** What events that are no text may weigh together while they wait. */
const maxWaitingWeight = 65_536;
const pass: SegmentOutcome = { action: 'pass' };

interface Waiter {
  readonly lane: SegmentLane | undefined;
  readonly untilEmpty: boolean;
  resolve(): void;
  reject(error: unknown): void;
}

/** The text of an event, read up to `place`; there was no room for more. */
interface Rest {
  readonly lane: SegmentLane;
  readonly block: SegmentBlock;
  readonly text: string;
  readonly event?: EventOfType<'text.delta'>;
  /** What has its place behind the text. */
  readonly behind?: AnswerEvent;
  place: number;
}

/**
 * Cuts the text of one stream into segments, has each worked on outside of the stream, several at a time, and lets them
 * leave in order. All that is no text keeps its place behind the text in front of it. Text that is being read ends where
 * its block ends, where another block of its choice begins or goes on, and where its choice finishes.
 *
 * All events leave by `control.emit`; `modify` returns a promise exactly when a choice holds as much as it may, and at
 * the end. Behind the end of the run nothing is emitted, and nothing waits.
 */
export class SegmentStage implements EventRewriter {
  /** Segments that were replaced or ended an answer. */
  matches = 0;
  readonly #options: SegmentOptions;
  readonly #run: Run;
  readonly #outlet: SegmentOutlet;
  readonly #queue: SegmentQueue;
  readonly #blocks = new Map<string, { readonly lane: SegmentLane; readonly text: SegmentBlock | undefined }>();
  readonly #workers: SegmentWorkers;
  #rest: Rest | undefined;
  #waiter: Waiter | undefined;
  #failure: SluiceError | undefined;
  #closed = false;

  constructor(options: SegmentOptions, run: Run, control: EventControl) {
    this.#options = options;
    this.#run = run;
    this.#outlet = new SegmentOutlet(run, control);
    this.#queue = new SegmentQueue(run, {
      leave: (event) => this.#leave(event),
      leaveText: (item, outcome) => this.#leaveText(item, outcome),
      leaveCommon: (event) => this.#emit(event),
    });
    this.#workers = new SegmentWorkers(options.parallel, {
      work: ({ segment, before, block, lane }) =>
        options.work({ text: segment?.text ?? '', before, channel: block.channel }, lane.run),
      onOutcome: ({ lane }) => this.#queue.drain(lane),
      onSettled: ({ lane }) => this.#outside(() => this.#advance(lane)),
    });
    if (run.signal.aborted) this.#onAbort();
    else run.signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  modify(event: AnswerEvent): void | Promise<void> {
    return this.#within(event.type === 'stream.end', () => {
      const lane = this.#accept(event);
      if (this.#queue.weight >= maxWaitingWeight) this.#finishAll();
      return lane;
    });
  }

  flush(): void | Promise<void> {
    return this.#within(true, () => {
      this.#finishAll();
      return undefined;
    });
  }

  /** What was decided has left already; the rest nobody has judged. */
  fail(): void {
    this.#outlet.tellAll();
    this.#close(new SluiceError('MODIFIER_FAILED', { context: { reason: 'the stream failed' } }));
  }

  /** Returns the choice that may have to wait before more of it is read. */
  #accept(event: AnswerEvent): SegmentLane | undefined {
    switch (event.type) {
      case 'block.start':
        return this.#start(event);
      case 'text.delta':
      case 'toolArgs.delta': {
        const { lane, text: block } = this.#blocks.get(event.blockId) ?? {};
        if (lane === undefined || block === undefined) return this.#pushBeside(event);
        if (event.type === 'toolArgs.delta')
          return this.#read({ lane, block, text: block.argumentText(event), place: 0, behind: event });
        return event.text === ''
          ? this.#pushBeside(event)
          : this.#read({ lane, block, text: event.text, place: 0, event });
      }
      case 'block.end': {
        const { lane } = this.#blocks.get(event.blockId) ?? {};
        if (lane?.open?.block.id === event.blockId) this.#finishOpen(lane);
        return this.#pushBeside(event);
      }
      case 'finish':
        return this.#finish(event);
      case 'stream.end':
        this.#finishAll();
        return this.#pushBeside(event);
      default:
        return this.#pushBeside(event);
    }
  }

  #start(event: EventOfType<'block.start'>): SegmentLane {
    const lane = this.#queue.lane(event.choice ?? 0);
    this.#finishOpen(lane);
    const channel = channelOf(event.kind);
    const text =
      channel !== undefined && this.#options.channels.includes(channel)
        ? new SegmentBlock(event, channel, this.#options.cutter())
        : undefined;
    this.#blocks.set(event.blockId, { lane, text });
    if (text?.shadow === true && event.initial !== undefined) {
      const words = new ArgumentStrings().push(JSON.stringify(event.initial));
      return this.#read({ lane, block: text, text: words, place: 0, behind: event });
    }
    this.#queue.pushEvent(lane, event);
    return lane;
  }

  /** The words beside the reason of an end belong to no block: they are a text of their own in front of it. */
  #finish(event: EventOfType<'finish'>): SegmentLane {
    const { choice = 0, refusal, stopSequence = '' } = event;
    const lane = this.#queue.lane(choice);
    this.#finishOpen(lane);
    const words = [refusal?.category ?? '', refusal?.explanation ?? '', stopSequence].filter((word) => word !== '');
    const { readsAll, channels } = this.#options;
    if (words.length === 0 || !readsAll || !channels.includes('refusal')) {
      this.#queue.pushEvent(lane, event);
      return lane;
    }
    const start = { type: 'block.start', blockId: '', kind: 'refusal', role: 'assistant' } as const;
    const block = new SegmentBlock(start, 'refusal', this.#options.cutter(), true);
    return this.#read({ lane, block, text: words.join('\n'), place: 0, behind: event });
  }

  /** An event that is no text of ours: behind the text of its choice, or of all choices where it has none. */
  #pushBeside(event: AnswerEvent): SegmentLane | undefined {
    const lane =
      ('blockId' in event ? this.#blocks.get(event.blockId)?.lane : undefined) ??
      (event.choice === undefined ? undefined : this.#queue.lane(event.choice));
    if (lane === undefined) this.#queue.pushCommon(event);
    else this.#queue.pushEvent(lane, event);
    return lane;
  }

  #read(rest: Rest): SegmentLane {
    const { lane, block } = rest;
    if (lane.stopped) return lane;
    if (lane.open !== undefined && lane.open.block !== block) this.#finishOpen(lane);
    this.#rest = rest;
    this.#readOn();
    return lane;
  }

  /** Reads as much of the event as there is room for. */
  #readOn(): void {
    const rest = this.#rest;
    if (rest === undefined) return;
    const { lane, block, event, text, behind } = rest;
    while (rest.place < text.length && !lane.stopped && !this.#closed) {
      const room = this.#options.ahead - lane.held;
      if (room <= 0) return;
      const piece = pieceOf(text, rest.place, rest.place + room);
      rest.place += piece.length;
      if (event !== undefined) block.note(piece.length === text.length ? event : block.delta(piece));
      lane.held += piece.length;
      this.#cut(lane, block, piece);
    }
    this.#rest = undefined;
    if (behind?.type === 'finish') this.#finishOpen(lane);
    if (behind !== undefined) this.#queue.pushEvent(lane, behind);
  }

  #cut(lane: SegmentLane, block: SegmentBlock, piece: string): void {
    for (const segment of block.cutter.push(piece)) this.#complete(lane, block, segment);
    if (block.cutter.held > 0 && lane.open === undefined) this.#open(lane, block);
    this.#advance(lane);
  }

  #open(lane: SegmentLane, block: SegmentBlock): TextItem {
    const item = this.#queue.openText(lane, block);
    const { milliseconds } = this.#options;
    if (milliseconds !== undefined)
      lane.timer = this.#run.clock.after(milliseconds, () => this.#outside(() => this.#finishOpen(lane)));
    return item;
  }

  #complete(lane: SegmentLane, block: SegmentBlock, segment: Segment): void {
    const { context } = this.#options;
    const item = lane.open ?? this.#open(lane, block);
    lane.close();
    item.segment = segment;
    if (!block.shadow) item.parts = block.take(segment.text.length);
    item.before = block.before(context);
    if (segment.kind === 'prose') block.remember(segment.text, context);
    if (segment.kind === 'code' || segment.text.trim() === '') item.outcome = pass;
    else this.#workers.add(item);
  }

  #finishOpen(lane: SegmentLane): void {
    const block = lane.open?.block;
    if (block === undefined) return;
    for (const segment of block.cutter.flush()) this.#complete(lane, block, segment);
    this.#advance(lane);
  }

  #finishAll(): void {
    for (const lane of this.#queue.lanes()) this.#finishOpen(lane);
  }

  #advance(lane: SegmentLane): void {
    this.#workers.start();
    this.#queue.drain(lane);
  }

  /** Does what happens outside of a call; what fails is told to the one who waits, or to the next call. */
  #outside(action: () => void): void {
    if (this.#closed) return;
    this.#outlet.tellAll();
    try {
      action();
      this.#readOn();
    } catch (error) {
      this.#raise(asSluiceError(error));
    }
    const waiter = this.#waiter;
    if (waiter === undefined || this.#closed || !this.#mayGoOn(waiter)) return;
    this.#waiter = undefined;
    waiter.resolve();
  }

  #leaveText({ block, lane, parts }: TextItem, outcome: SegmentOutcome): void {
    switch (outcome.action) {
      case 'pass':
        for (const part of parts) this.#emit(part);
        return;
      case 'replace':
        if (block.shadow) return;
        this.matches += 1;
        block.changed = true;
        if (outcome.text !== '') this.#emit(block.delta(outcome.text));
        return;
      case 'stop':
        this.matches += 1;
        this.#stop(lane, outcome.ending);
        return;
      case 'fail':
        if (!this.#outlet.hasContent || outcome.ending === undefined) this.#raise(outcome.error);
        else this.#stop(lane, outcome.ending);
    }
  }

  #stop(lane: SegmentLane, ending: AnswerEnding): void {
    this.#queue.stop(lane, new SluiceError('MODIFIER_FAILED', { context: { reason: 'the answer was ended' } }));
    this.#outlet.stop(ending, lane.choice);
  }

  /** An event of a choice has its turn. */
  #leave(event: AnswerEvent): void {
    const block = 'blockId' in event ? this.#blocks.get(event.blockId)?.text : undefined;
    if (event.type === 'reasoning.signature' && block !== undefined) {
      block.signatures.push(event);
      return;
    }
    if (event.type !== 'block.end') {
      this.#emit(event);
      return;
    }
    this.#blocks.delete(event.blockId);
    if (block?.changed !== true) {
      for (const signature of block?.signatures ?? []) this.#emit(signature);
      this.#emit(event);
      return;
    }
    const { final: _stale, ...rest } = event;
    this.#emit(rest);
  }

  #emit(event: AnswerEvent): void {
    if (event.type === 'stream.end') this.#run.signal.removeEventListener('abort', this.#onAbort);
    this.#outlet.emit(event);
  }

  #mayGoOn({ lane, untilEmpty }: Pick<Waiter, 'lane' | 'untilEmpty'>): boolean {
    if (untilEmpty) return this.#queue.isEmpty;
    if (this.#rest !== undefined || this.#queue.weight >= maxWaitingWeight) return false;
    return lane === undefined || lane.held < this.#options.ahead;
  }

  /** Does what a call is for, and returns a promise where the stream must not be read on. */
  #within(untilEmpty: boolean, action: () => SegmentLane | undefined): Promise<void> | undefined {
    this.#throwFailure();
    if (this.#closed) return undefined;
    this.#outlet.beginCall();
    const lane = action();
    // What was decided may have failed the run, in the middle of the action.
    this.#throwFailure();
    if (this.#closed || this.#mayGoOn({ lane, untilEmpty })) {
      this.#outlet.tellAll();
      return undefined;
    }
    this.#outlet.endCallWaiting();
    return new Promise((resolve, reject) => {
      this.#waiter = { lane, untilEmpty, resolve, reject };
    });
  }

  #throwFailure(): void {
    if (this.#failure === undefined) return;
    this.#outlet.drop();
    throw this.#failure;
  }

  #raise(error: SluiceError): void {
    this.#failure = error;
    this.#close(error);
  }

  readonly #onAbort = (): void => {
    this.#close(asSluiceError(this.#run.signal.reason));
  };

  #close(reason: SluiceError): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#run.signal.removeEventListener('abort', this.#onAbort);
    this.#queue.close(reason);
    this.#blocks.clear();
    this.#workers.clear();
    this.#rest = undefined;
    this.#outlet.drop();
    this.#waiter?.reject(reason);
    this.#waiter = undefined;
  }
}
