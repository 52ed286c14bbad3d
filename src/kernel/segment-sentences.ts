import { beforePair, type Segment, type SegmentCutter } from './segment-cutter.ts';
import { FenceTracker } from './segment-fences.ts';

export interface SentenceOptions {
  /** A sentence of so many UTF-16 units is cut all the same, behind its first half at a space where it has one. At least 16. */
  readonly maxCharacters: number;
  /** Fenced code of Markdown is no prose: it is given at once, as `code`. */
  readonly fences: boolean;
}

/**
 * Cuts a text into sentences. A sentence ends
 * - before white space, behind `. ! ? …` and their like, where quotes and brackets may close; a single full stop behind an
 *   abbreviation, a single letter or the number of a list does not count;
 * - behind `。！？`, where no white space is needed;
 * - before a line break.
 * White space between two sentences belongs to the second, and is never a sentence of its own but at the end of the text.
 */
export function cutBySentence(options: SentenceOptions): SegmentCutter {
  return new SentenceCutter(options);
}

const other = 0;
const space = 1;
const lineBreak = 2;
const softEnd = 3;
const hardEnd = 4;
const closer = 5;
const classes = classTable();
const fullStop = 0x2e;
/** Units in front of a full stop that may tell that it is none. */
const lookBack = 12;
const noSentenceEnd = new RegExp(
  '(?:[\\s("\'\\[{*_«„“‘](?:(?:\\p{L}\\.)*\\p{L}|mrs?|ms|dr|prof|sr|jr|st|vs|etc|nr|fig|eq|ca|approx|inc|ltd|co|bzw|usw|ph\\.d|al)' +
    '|[\\n\\r][ \\t>]*\\d{1,3})\\.$',
  'iu',
);

class SentenceCutter implements SegmentCutter {
  readonly #max: number;
  readonly #fences: boolean;
  #tracker: FenceTracker | undefined;
  /** Text of the sentence that is not finished. */
  #held = '';
  #isFirst = true;
  #hasContent = false;
  /** Place of the last white space in the sentence. */
  #space = -1;
  /** What the sentence would end with: nothing, an end that needs white space, or one that needs none. */
  #end = other;

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
      const kind = classes[code] ?? other;
      if (this.#endsBefore(kind)) cut(place, 'prose');
      this.#read(kind, code, text, start, place);
      if (place + 1 - start < this.#max) continue;
      const end = this.#forcedEnd(text, start, place + 1);
      cut(end, 'prose');
      this.#hasContent = end <= place && kind !== space && kind !== lineBreak;
    }
    if (tracker?.inside === true) cut(text.length, 'code');
    this.#held = text.slice(start);
    return segments;
  }

  flush(): readonly Segment[] {
    const text = this.#held;
    this.#held = '';
    this.#isFirst = true;
    this.#hasContent = false;
    this.#space = -1;
    this.#end = other;
    this.#tracker = this.#fences ? new FenceTracker() : undefined;
    return text === '' ? [] : [{ text, kind: 'prose' }];
  }

  /** What has been read of a sentence end stays: its brackets may close behind a forced cut. */
  #restart(): void {
    this.#isFirst = false;
    this.#hasContent = false;
    this.#space = -1;
  }

  #endsBefore(kind: number): boolean {
    if (!this.#hasContent) return false;
    if (kind === lineBreak) return true;
    if (this.#end === softEnd) return kind === space;
    return this.#end === hardEnd && (kind === space || kind === other);
  }

  #read(kind: number, code: number, text: string, start: number, place: number): void {
    switch (kind) {
      case space:
      case lineBreak:
        this.#space = place - start;
        this.#end = other;
        return;
      case softEnd:
        if (this.#end === other && !(code === fullStop && this.#isNoEnd(text, start, place))) this.#end = softEnd;
        break;
      case hardEnd:
        this.#end = hardEnd;
        break;
      case closer:
        break;
      default:
        this.#end = other;
    }
    this.#hasContent = true;
  }

  /** Looks at the sentence only; what stands in front of it counts as white space, at the start of the text as a line break. */
  #isNoEnd(text: string, start: number, place: number): boolean {
    const from = Math.max(start, place - lookBack);
    const before = from > start ? '' : this.#isFirst ? '\n' : ' ';
    return noSentenceEnd.test(before + text.slice(from, place + 1));
  }

  #forcedEnd(text: string, start: number, end: number): number {
    if (this.#space > this.#max / 2) return start + this.#space;
    return beforePair(text, end);
  }
}

function classTable(): Uint8Array {
  const table = new Uint8Array(0x10000);
  const fill = (characters: string, kind: number): void => {
    for (const character of characters) table[character.charCodeAt(0)] = kind;
  };
  fill('\t\u000b\f \u00a0\u1680\u202f\u205f\u3000\ufeff', space);
  for (let code = 0x2000; code <= 0x200a; code += 1) table[code] = space;
  fill('\n\r\u2028\u2029', lineBreak);
  fill('.!?…．؟۔।॥።။', softEnd);
  fill('。！？｡', hardEnd);
  fill('"\'”’»)]}」』）】》〉｣*_~`', closer);
  return table;
}
