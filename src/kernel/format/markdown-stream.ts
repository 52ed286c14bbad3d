import { detach } from '../detach.ts';
import { InlineReader, maxInline, type InlineOptions } from './markdown-inline.ts';
import { maxLineStart, readLineStart, type CodeFence } from './markdown-line-start.ts';

/** Takes a piece of text, which is code or not, and returns what leaves of it. */
export type TextSink = (text: string, isCode: boolean) => string;

/** Reads the Markdown of one text and gives it on to a sink. Returns what the sink returns, joined. */
export interface MarkdownStream {
  text(chunk: string, sink: TextSink): string;
  /** The text is over. */
  flush(sink: TextSink): string;
}

/** The most that `markdownToPlain` holds. */
export const maxHeldMarkdown = Math.max(maxLineStart, maxInline);
const detachAbove = 256;

/**
 * Takes the syntax away. A text is read line by line (`\n`): `readLineStart` says what each begins with, and what is text
 * in it goes through `readInline`. Dropped lines take their line feed with them; code is what it was.
 */
export function markdownToPlain(options: InlineOptions): MarkdownStream {
  return new PlainMarkdown(options);
}

/**
 * Leaves the text as it is, and knows what in it is code: the lines inside of a fence, and the one that closes it but for
 * its line feed. `closesFences` closes a fence that is open at the end, on a line of its own.
 */
export function keepMarkdown(closesFences: boolean): MarkdownStream {
  return new KeptMarkdown(closesFences);
}

class PlainMarkdown implements MarkdownStream {
  readonly #options: InlineOptions;
  /** Text that came and is not decided. */
  #held = '';
  #fence: CodeFence | undefined;
  #inside: 'start' | 'code' | 'text' = 'start';
  #inline: InlineReader;

  constructor(options: InlineOptions) {
    this.#options = options;
    this.#inline = new InlineReader(false, options);
  }

  text(chunk: string, sink: TextSink): string {
    if (chunk === '') return '';
    const isWithinLine = this.#held === '' && this.#inside === 'text' && !chunk.includes('\n');
    if (isWithinLine && this.#inline.pass(chunk)) return sink(chunk, false);
    const gathered = new Gathered(sink);
    this.#readLines(this.#held + chunk, false, gathered);
    return gathered.take();
  }

  flush(sink: TextSink): string {
    const gathered = new Gathered(sink);
    this.#readLines(this.#held, true, gathered);
    if (this.#inside === 'text') gathered.put(this.#inline.read('', 0, 0, true).text, false);
    return gathered.take();
  }

  #readLines(text: string, isEnd: boolean, gathered: Gathered): void {
    let at = 0;
    while (at < text.length) {
      const feed = text.indexOf('\n', at);
      const end = feed === -1 ? text.length : feed;
      const isWhole = feed !== -1 || isEnd;
      const next = feed === -1 ? end : feed + 1;
      if (this.#inside === 'start') {
        const from = this.#start(text, at, end, isWhole, gathered);
        if (from === undefined) break;
        at = from === -1 ? next : from;
        if (from === -1) continue;
      }
      if (this.#inside === 'code') {
        gathered.put(text.slice(at, next), true);
      } else {
        const inline = this.#inline.read(text, at, end, isWhole);
        gathered.put(inline.text, false);
        if (!isWhole) {
          at = inline.next;
          break;
        }
        gathered.put(text.slice(end, next), false);
      }
      at = next;
      if (feed !== -1) this.#inside = 'start';
    }
    const held = text.slice(at);
    this.#held = text.length > detachAbove ? detach(held) : held;
  }

  /** Returns where the text of the line begins, -1 for a line without text, undefined where it is not known yet. */
  #start(text: string, at: number, end: number, isWhole: boolean, gathered: Gathered): number | undefined {
    const line = text.slice(at, Math.min(end, at + maxLineStart));
    const start = readLineStart(line, isWhole && end - at <= maxLineStart, this.#fence);
    switch (start.kind) {
      case 'unknown':
        return undefined;
      case 'dropped':
        return -1;
      case 'opens':
        this.#fence = start.fence;
        return -1;
      case 'closes':
        this.#fence = undefined;
        return -1;
      case 'code':
        this.#inside = 'code';
        return at + start.from;
      case 'text':
        gathered.put(start.prefix, false);
        this.#inside = 'text';
        this.#inline = new InlineReader(start.isRow, this.#options);
        return at + start.from;
    }
  }
}

class KeptMarkdown implements MarkdownStream {
  readonly #closesFences: boolean;
  #fence: CodeFence | undefined;
  /** The beginning of the line, as long as it does not tell what the line is; undefined from then on. */
  #line: string | undefined = '';

  constructor(closesFences: boolean) {
    this.#closesFences = closesFences;
  }

  text(chunk: string, sink: TextSink): string {
    const gathered = new Gathered(sink);
    for (let at = 0; at < chunk.length;) {
      const feed = chunk.indexOf('\n', at);
      const end = feed === -1 ? chunk.length : feed;
      const wasCode = this.#fence !== undefined;
      if (this.#line !== undefined) this.#readStart(this.#line, chunk, at, end, feed !== -1);
      if (feed === -1) {
        gathered.put(at === 0 ? chunk : chunk.slice(at), wasCode);
        break;
      }
      this.#line = '';
      const isCode = wasCode && this.#fence !== undefined;
      gathered.put(chunk.slice(at, end), wasCode);
      gathered.put('\n', isCode);
      at = feed + 1;
    }
    return gathered.take();
  }

  flush(sink: TextSink): string {
    const isLineOver = this.#line === '';
    if (this.#line !== undefined) this.#readStart(this.#line, '', 0, 0, true);
    const fence = this.#fence;
    this.#fence = undefined;
    this.#line = '';
    if (fence === undefined || !this.#closesFences) return '';
    return sink(`${isLineOver ? '' : '\n'}${fence.prefix}${fence.mark.repeat(fence.length)}`, true);
  }

  #readStart(begun: string, chunk: string, at: number, end: number, isWhole: boolean): void {
    const room = maxLineStart - begun.length;
    const line = begun + chunk.slice(at, Math.min(end, at + room));
    const start = readLineStart(line, isWhole && end - at <= room, this.#fence);
    this.#line = start.kind === 'unknown' ? detach(line) : undefined;
    if (start.kind === 'opens') this.#fence = start.fence;
    if (start.kind === 'closes') this.#fence = undefined;
  }
}

/** Joins pieces of the same kind before they go on. */
class Gathered {
  readonly #sink: TextSink;
  #pending = '';
  #isCode = false;
  #output = '';

  constructor(sink: TextSink) {
    this.#sink = sink;
  }

  put(text: string, isCode: boolean): void {
    if (text === '') return;
    if (isCode !== this.#isCode && this.#pending !== '') this.#send();
    this.#isCode = isCode;
    this.#pending += text;
  }

  take(): string {
    if (this.#pending !== '') this.#send();
    return this.#output;
  }

  #send(): void {
    this.#output += this.#sink(this.#pending, this.#isCode);
    this.#pending = '';
  }
}
