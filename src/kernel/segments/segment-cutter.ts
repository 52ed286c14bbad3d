import { detach } from '../detach.ts';
import { isHighSurrogate, isLowSurrogate } from '../words/text-folding.ts';

/** A piece of a text that is looked at by itself. Joined in order, the segments of a text are the text. */
export interface Segment {
  readonly text: string;
  /** `code` is for nobody to look at; it may be cut anywhere. */
  readonly kind: 'prose' | 'code';
}

/**
 * Cuts one text into segments while it comes. Where prose is cut depends on the text alone, never on the pieces in which
 * it came; a segment is given as soon as it is certain that it ends.
 */
export interface SegmentCutter {
  /** Characters that belong to no finished segment yet; always fewer than the longest segment. */
  readonly held: number;
  push(piece: string): readonly Segment[];
  /** The text ends here: the rest, at most one segment. The cutter is as new afterwards. */
  flush(): readonly Segment[];
}

/** Segments of `length` UTF-16 units, at least 2; one less where a pair would be torn. */
export function cutByLength(length: number): SegmentCutter {
  return new LengthCutter(length);
}

class LengthCutter implements SegmentCutter {
  readonly #length: number;
  #text = '';

  constructor(length: number) {
    this.#length = length;
  }

  get held(): number {
    return this.#text.length;
  }

  push(piece: string): readonly Segment[] {
    const text = this.#text + piece;
    const segments: Segment[] = [];
    let start = 0;
    while (text.length - start >= this.#length) {
      const end = beforePair(text, start + this.#length);
      segments.push({ text: text.slice(start, end), kind: 'prose' });
      start = end;
    }
    this.#text = text.slice(start);
    return segments;
  }

  flush(): readonly Segment[] {
    const text = this.#text;
    this.#text = '';
    return text === '' ? [] : [{ text, kind: 'prose' }];
  }
}

/** The place of a cut, one earlier where the unit before it may be the first half of a pair. */
export function beforePair(text: string, end: number): number {
  return isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end;
}

/** The last `length` units of a text, without half a pair in front. */
export function tailOf(text: string, length: number): string {
  if (length === 0) return '';
  const tail = text.slice(-length);
  return isLowSurrogate(tail.charCodeAt(0)) ? tail.slice(1) : tail;
}

/** A piece of a longer text than this is copied, so that it doesn't keep the text alive. */
const detachAbove = 1024;

/** A part of a text, for longer than the text is needed. */
export function pieceOf(text: string, start: number, end: number): string {
  const piece = text.slice(start, end);
  return piece.length < text.length && text.length > detachAbove ? detach(piece) : piece;
}
