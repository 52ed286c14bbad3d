import type { Channel } from '../modifier.ts';
import type { EventOfType, Role } from '../event.ts';
import { ArgumentStrings } from './segment-arguments.ts';
import { tailOf, type SegmentCutter } from './segment-cutter.ts';

/** How much of the text in front of a segment is told with it. */
export interface SegmentContext {
  readonly unit: 'characters' | 'segments';
  readonly count: number;
}

type TextDelta = EventOfType<'text.delta'>;
type BlockStart = EventOfType<'block.start'>;

/** A block of which the text is looked at. */
export class SegmentBlock {
  readonly id: string;
  readonly channel: Channel;
  readonly role: Role;
  readonly choice: number | undefined;
  readonly cutter: SegmentCutter;
  /** Its text is looked at, but what leaves are its events as they came. */
  readonly shadow: boolean;
  /** They prove the text as it came, so they wait until it is known whether it stays. */
  readonly signatures: EventOfType<'reasoning.signature'>[] = [];
  /** True once other text left than came. */
  changed = false;
  readonly #strings: ArgumentStrings | undefined;
  #parts: TextDelta[] = [];
  /** Units of the first part that belong to segments already taken. */
  #taken = 0;
  #before: string[] = [];

  constructor(
    start: BlockStart,
    channel: Channel,
    cutter: SegmentCutter,
    shadow: boolean = channel === 'toolArguments',
  ) {
    this.id = start.blockId;
    this.channel = channel;
    this.role = start.role;
    this.choice = start.choice;
    this.cutter = cutter;
    this.shadow = shadow;
    this.#strings =
      channel === 'toolArguments' && start.kind !== 'custom_tool_call' ? new ArgumentStrings() : undefined;
  }

  /** A new event with text of this block. */
  delta(text: string): TextDelta {
    const { id: blockId, role, choice } = this;
    return { type: 'text.delta', blockId, role, text, ...(choice !== undefined && { choice }) };
  }

  /** The text in a piece of arguments: its strings, or all of it where the arguments are no JSON. */
  argumentText({ json, patch }: EventOfType<'toolArgs.delta'>): string {
    const value = typeof patch?.value === 'string' ? patch.value : '';
    if (json === undefined) return value;
    return (this.#strings === undefined ? json : this.#strings.push(json)) + value;
  }

  /** Notes what brought the text: events that tell more than text are kept, of others the text is joined. */
  note(event: TextDelta): void {
    const last = this.#parts.at(-1);
    const isPlain = tellsTextOnly(event);
    if (last !== undefined && isPlain && tellsTextOnly(last)) {
      // What was taken of it goes, or it would become the whole text.
      const taken = this.#parts.length === 1 ? this.#taken : 0;
      this.#parts[this.#parts.length - 1] = this.delta(last.text.slice(taken) + event.text);
      this.#taken -= taken;
    } else {
      this.#parts.push(event);
    }
  }

  /** The events that make the next `length` units of the text; one that is cut loses what else it told. */
  take(length: number): readonly TextDelta[] {
    const taken: TextDelta[] = [];
    let left = length;
    while (left > 0) {
      const [part] = this.#parts;
      if (part === undefined) break;
      const end = Math.min(part.text.length, this.#taken + left);
      left -= end - this.#taken;
      const isWhole = this.#taken === 0 && end === part.text.length;
      taken.push(isWhole ? part : this.delta(part.text.slice(this.#taken, end)));
      if (end === part.text.length) this.#parts.shift();
      this.#taken = end === part.text.length ? 0 : end;
    }
    return taken;
  }

  /** What is told with the next segment of the text in front of it. */
  before(context: SegmentContext): string {
    const text = this.#before.join('');
    return context.unit === 'characters' ? tailOf(text, context.count) : text;
  }

  remember(text: string, { unit, count }: SegmentContext): void {
    if (count === 0) return;
    this.#before.push(text);
    let excess = unit === 'segments' ? this.#before.length - count : lengthOf(this.#before) - count;
    for (let first = this.#before[0]; first !== undefined; first = this.#before[0]) {
      const size = unit === 'segments' ? 1 : first.length;
      if (excess < size) return;
      this.#before.shift();
      excess -= size;
    }
  }
}

function lengthOf(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + text.length, 0);
}

function tellsTextOnly({ logprobs, ext, source, synthetic }: TextDelta): boolean {
  return logprobs === undefined && ext === undefined && source === undefined && synthetic === undefined;
}
