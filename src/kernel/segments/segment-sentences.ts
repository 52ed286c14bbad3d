import { beforePair, type Segment, type SegmentCutter } from './segment-cutter.ts';
import { FenceTracker } from './segment-fences.ts';
import { SentenceEnds } from '../sentence-ends.ts';
import { isSpace } from '../unit-classes.ts';

export interface SentenceOptions {
  /** A sentence of so many UTF-16 units is cut all the same, behind its first half at a space where it has one. At least 16. */
  readonly maxCharacters: number;
  /** Fenced code of Markdown is no prose: it is given at once, as `code`. */
  readonly fences: boolean;
}

/**
 * Cuts a text into sentences: where `sentence-ends.ts` finds an end, and before a line break. White space between two
 * sentences belongs to the second, and is never a sentence of its own but at the end of the text.
 */
export function cutBySentence(options: SentenceOptions): SegmentCutter {
  return new SentenceCutter(options);
}

class SentenceCutter implements SegmentCutter {
  readonly #max: number;
  readonly #fences: boolean;
  #tracker: FenceTracker | undefined;
  /** Text of the sentence that is not finished. */
  #held = '';
  readonly #ends = new SentenceEnds();
  #hasContent = false;
  /** Place of the last white space in the sentence. */
  #space = -1;

  constructor({ maxCharacters, fences }: SentenceOptions) {
    this.#max = maxCharacters;
    this.#fences = fences;
    this.#tracker = fences ? new FenceTracker() : undefined;
  }

  get held(): number {
    return this.#held.length;
  }

  push(piece: string): readonly Segment[] {
    const text = this.#held + piece;
    const segments: Segment[] = [];
    const tracker = this.#tracker;
    let start = 0;
    const cut = (end: number, kind: Segment['kind']): void => {
      if (end > start) segments.push({ text: text.slice(start, end), kind });
      start = end;
      this.#restart();
    };
    for (let place = this.#held.length; place < text.length; place += 1) {
      const code = text.charCodeAt(place);
      const wasCode = tracker?.inside === true;
      const step = tracker?.next(code);
      if (wasCode && step === 'closed') cut(place, 'code');
      if (tracker?.inside === true) continue;
      const isEnd = this.#ends.read(text, place) || isLineBreak(code);
      if (isEnd && this.#hasContent) cut(place, 'prose');
      const isWhite = isSpace(code);
      if (isWhite) this.#space = place - start;
      else this.#hasContent = true;
      if (place + 1 - start < this.#max) continue;
      const end = this.#forcedEnd(text, start, place + 1);
      cut(end, 'prose');
      this.#hasContent = end <= place && !isWhite;
    }
    if (tracker?.inside === true) cut(text.length, 'code');
    this.#ends.leave(text, start);
    this.#held = text.slice(start);
    return segments;
  }

  flush(): readonly Segment[] {
    const text = this.#held;
    this.#held = '';
    this.#ends.end();
    this.#restart();
    this.#tracker = this.#fences ? new FenceTracker() : undefined;
    return text === '' ? [] : [{ text, kind: 'prose' }];
  }

  /** What has been read of a sentence end stays: its brackets may close behind a forced cut. */
  #restart(): void {
    this.#hasContent = false;
    this.#space = -1;
  }

  #forcedEnd(text: string, start: number, end: number): number {
    if (this.#space > this.#max / 2) return start + this.#space;
    return beforePair(text, end);
  }
}

/** Also those that only Unicode has. */
function isLineBreak(unit: number): boolean {
  return unit === 0x0a || unit === 0x0d || unit === 0x2028 || unit === 0x2029;
}
