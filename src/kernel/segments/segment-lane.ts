import type { Timer } from '../clock.ts';
import type { AnswerEnding } from '../modifier.ts';
import type { SluiceError } from '../errors.ts';
import type { AnswerEvent, EventOfType } from '../event.ts';
import type { Run } from '../run.ts';
import type { SegmentBlock } from './segment-block.ts';
import type { Segment } from './segment-cutter.ts';
import { StepRun } from '../step-run.ts';

/** What is to happen with a segment. */
export type SegmentOutcome =
  | { readonly action: 'pass' }
  | { readonly action: 'replace'; readonly text: string }
  /** Ends the answer of its choice in place of the segment. */
  | { readonly action: 'stop'; readonly ending: AnswerEnding }
  /** Fails the run; where content has left and there is an `ending`, the choice ends with that. */
  | { readonly action: 'fail'; readonly error: SluiceError; readonly ending?: AnswerEnding };

/** Text that waits for its outcome; without `segment` it is still being read. */
export interface TextItem {
  readonly sort: 'text';
  readonly order: number;
  readonly block: SegmentBlock;
  readonly lane: SegmentLane;
  segment: Segment | undefined;
  /** Text in front of the segment that is told with it. */
  before: string;
  /** What leaves where the segment passes. */
  parts: readonly EventOfType<'text.delta'>[];
  outcome: SegmentOutcome | undefined;
}

/** An event that waits behind text. */
export interface EventItem {
  readonly sort: 'event';
  readonly order: number;
  readonly event: AnswerEvent;
  readonly weight: number;
}

export type LaneItem = TextItem | EventItem;

/** What waits of one choice, in order. Choices do not wait for each other. */
export class SegmentLane {
  readonly choice: number;
  readonly items: LaneItem[] = [];
  /** The text that is being read; always one of `items`. */
  open: TextItem | undefined;
  /** Characters that came and have not left. */
  held = 0;
  /** The answer of this choice was ended: what still comes of it is dropped. */
  stopped = false;
  timer: Timer | undefined;
  readonly #run: Run;
  #controller: AbortController | undefined;
  #laneRun: Run | undefined;

  constructor(choice: number, run: Run) {
    this.choice = choice;
    this.#run = run;
  }

  /** The run as work for this choice sees it: its signal ends with the choice, too. */
  get run(): Run {
    if (this.#laneRun === undefined) {
      this.#controller = new AbortController();
      const signal = AbortSignal.any([this.#run.signal, this.#controller.signal]);
      this.#laneRun = new StepRun(this.#run, () => signal);
    }
    return this.#laneRun;
  }

  /** The text that was being read is complete. */
  close(): void {
    this.open = undefined;
    this.timer?.cancel();
    this.timer = undefined;
  }

  /** Forgets all that waits, and ends the work for it. */
  stop(reason: SluiceError): void {
    this.stopped = true;
    this.items.length = 0;
    this.held = 0;
    this.close();
    this.#controller?.abort(reason);
  }
}
