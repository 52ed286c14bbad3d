import type { StreamPolicy, TextRewriter } from '../modifier.ts';
import { escapeHtml } from './html-text.ts';
import {
  keepMarkdown,
  markdownToPlain,
  maxHeldMarkdown,
  type MarkdownStream,
  type TextSink,
} from './markdown-stream.ts';
import { heldAtMost } from '../stream-policy.ts';
import type { Pace } from './text-borders.ts';
import { TextPacing } from './text-pacing.ts';
import { maxHeldWhiteSpace, WhiteSpace, type WhiteSpaceMode } from './white-space.ts';

export interface TextFormatOptions {
  readonly markdown: 'keep' | 'plain' | 'html';
  /** What plain text shows of a link. */
  readonly links: 'address' | 'text';
  readonly closeFences: boolean;
  readonly whitespace: 'keep' | WhiteSpaceMode;
  readonly pace: 'none' | Pace;
  /** Most UTF-16 units that wait for the end of their word, sentence or line. */
  readonly maxHeldCharacters: number;
}

/**
 * Formats one text in a fixed order: its Markdown is read (and taken away by `plain`), an open fence closed, white space
 * put right, what is left cut into paced pieces, and each piece escaped (by `html`).
 */
export interface TextFormat extends TextRewriter {
  /** As `text`, in the pieces in which it is to be seen; none of them is empty. */
  pieces(chunk: string): string[];
  /** As `flush`, in pieces. */
  lastPieces(): string[];
}

export function formatText(options: TextFormatOptions): TextFormat {
  return new StreamFormat(options);
}

/** What a format may hold: the sum of what its parts may. */
export function formatPolicy(options: TextFormatOptions): StreamPolicy {
  const maxHeldCharacters =
    (options.markdown === 'plain' ? maxHeldMarkdown : 0) +
    (options.whitespace === 'keep' ? 0 : maxHeldWhiteSpace) +
    (options.pace === 'none' ? 0 : options.maxHeldCharacters);
  return heldAtMost(maxHeldCharacters);
}

/** Whether the joined text may differ from what came. */
export function changesText({ markdown, closeFences, whitespace }: TextFormatOptions): boolean {
  return markdown !== 'keep' || closeFences || whitespace !== 'keep';
}

class StreamFormat implements TextFormat {
  readonly #markdown: MarkdownStream | undefined;
  readonly #pacing: TextPacing | undefined;
  readonly #escapes: boolean;
  readonly #sink: TextSink;

  constructor(options: TextFormatOptions) {
    const { markdown, links, closeFences, whitespace, pace, maxHeldCharacters } = options;
    if (markdown === 'plain') this.#markdown = markdownToPlain({ showsAddresses: links === 'address' });
    else if (closeFences || whitespace !== 'keep') this.#markdown = keepMarkdown(closeFences);
    const whiteSpace = whitespace === 'keep' ? undefined : new WhiteSpace(whitespace);
    this.#pacing = pace === 'none' ? undefined : new TextPacing(pace, maxHeldCharacters);
    this.#escapes = markdown === 'html';
    this.#sink = whiteSpace === undefined ? (text) => text : (text, isCode) => whiteSpace.text(text, isCode);
  }

  text(chunk: string): string {
    const text = this.#rewrite(chunk);
    return this.#escape(this.#pacing === undefined ? text : this.#pacing.text(text));
  }

  flush(): string {
    const text = this.#rest();
    return this.#escape(this.#pacing === undefined ? text : this.#pacing.text(text) + this.#pacing.flush());
  }

  pieces(chunk: string): string[] {
    return this.#cut(this.#rewrite(chunk));
  }

  lastPieces(): string[] {
    const pieces = this.#cut(this.#rest());
    const rest = this.#pacing?.flush() ?? '';
    return rest === '' ? pieces : [...pieces, this.#escape(rest)];
  }

  #rewrite(chunk: string): string {
    return this.#markdown === undefined ? chunk : this.#markdown.text(chunk, this.#sink);
  }

  /** White space at the end of the text is dropped with the state of it. */
  #rest(): string {
    return this.#markdown?.flush(this.#sink) ?? '';
  }

  #cut(text: string): string[] {
    if (this.#pacing === undefined) return text === '' ? [] : [this.#escape(text)];
    const ends: number[] = [];
    const released = this.#pacing.text(text, ends);
    return ends.map((end, index) => this.#escape(released.slice(ends[index - 1] ?? 0, end)));
  }

  #escape(text: string): string {
    return this.#escapes ? escapeHtml(text) : text;
  }
}
