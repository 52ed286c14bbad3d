import type { SluiceError } from '../errors.ts';
import type { AnswerEvent } from '../event.ts';
import type { Run } from '../run.ts';
import type { SegmentBlock } from './segment-block.ts';
import { SegmentLane, type EventItem, type SegmentOutcome, type TextItem } from './segment-lane.ts';

export interface QueueOwner {
  /** An event of a choice has its turn. */
  leave(event: AnswerEvent): void;
  /** A segment has its turn. May stop its lane or close the queue. */
  leaveText(item: TextItem, outcome: SegmentOutcome): void;
  /** An event of no choice has its turn. */
  leaveCommon(event: AnswerEvent): void;
}

/**
 * What waits of one stream: a lane for each choice, and the events of no choice, each of which waits for all that came
 * before it. A choice waits neither for another one nor for them; where nothing else waits, the order is that of arrival.
 */
export class SegmentQueue {
  /** Of all events that wait: one each, and their data. */
  weight = 0;
  readonly #run: Run;
  readonly #owner: QueueOwner;
  readonly #lanes = new Map<number, SegmentLane>();
  readonly #common: EventItem[] = [];
  #order = 0;
  #closed = false;

  constructor(run: Run, owner: QueueOwner) {
    this.#run = run;
    this.#owner = owner;
  }

  get isEmpty(): boolean {
    return this.#common.length === 0 && this.lanes().every(({ items }) => items.length === 0);
  }

  lanes(): readonly SegmentLane[] {
    return [...this.#lanes.values()];
  }

  lane(choice: number): SegmentLane {
    let lane = this.#lanes.get(choice);
    if (lane === undefined) {
      lane = new SegmentLane(choice, this.#run);
      this.#lanes.set(choice, lane);
    }
    return lane;
  }

  pushEvent(lane: SegmentLane, event: AnswerEvent): void {
    if (lane.stopped || this.#closed) return;
    if (lane.items.length === 0 && this.#common.length === 0) {
      this.#owner.leave(event);
      return;
    }
    lane.items.push(this.#weigh(event));
    this.drain(lane);
  }

  pushCommon(event: AnswerEvent): void {
    if (this.#closed) return;
    if (this.isEmpty) {
      this.#owner.leaveCommon(event);
      return;
    }
    this.#common.push(this.#weigh(event));
    this.#drainCommon();
  }

  /** A place for text that is being read. */
  openText(lane: SegmentLane, block: SegmentBlock): TextItem {
    const order = this.#order++;
    const item: TextItem = {
      sort: 'text',
      order,
      block,
      lane,
      segment: undefined,
      before: '',
      parts: [],
      outcome: undefined,
    };
    lane.items.push(item);
    lane.open = item;
    return item;
  }

  /** Lets leave what is decided, in order; events of no choice in between as soon as all before them have left. */
  drain(lane: SegmentLane): void {
    for (let [item] = lane.items; item !== undefined && !this.#closed; [item] = lane.items) {
      if (this.#common.length > 0) this.#drainCommon(item.order);
      if (item.sort === 'event') {
        lane.items.shift();
        this.weight -= item.weight;
        this.#owner.leave(item.event);
      } else {
        if (item.outcome === undefined || item.segment === undefined) break;
        lane.items.shift();
        lane.held -= item.segment.text.length;
        this.#owner.leaveText(item, item.outcome);
      }
    }
    this.#drainCommon();
  }

  stop(lane: SegmentLane, reason: SluiceError): void {
    for (const item of lane.items) if (item.sort === 'event') this.weight -= item.weight;
    lane.stop(reason);
  }

  close(reason: SluiceError): void {
    this.#closed = true;
    for (const lane of this.#lanes.values()) lane.stop(reason);
    this.#lanes.clear();
    this.#common.length = 0;
    this.weight = 0;
  }

  #drainCommon(before = Number.POSITIVE_INFINITY): void {
    for (let [item] = this.#common; item !== undefined && item.order < before; [item] = this.#common) {
      const { order, event, weight } = item;
      const waits = this.lanes().some(({ items: [first] }) => first !== undefined && first.order < order);
      if (waits || this.#closed) return;
      this.#common.shift();
      this.weight -= weight;
      this.#owner.leaveCommon(event);
    }
  }

  #weigh(event: AnswerEvent): EventItem {
    const weight = 1 + dataLength(event);
    this.weight += weight;
    return { sort: 'event', order: this.#order++, event, weight };
  }
}

function dataLength(event: AnswerEvent): number {
  switch (event.type) {
    case 'toolArgs.delta':
      return event.json?.length ?? 0;
    case 'media.delta':
      return event.base64?.length ?? 0;
    case 'text.delta':
      return event.text.length;
    case 'raw':
      return event.data.length;
    default:
      return 0;
  }
}
