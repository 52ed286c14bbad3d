import fc from 'fast-check';
import type { TextRewriter } from '../../src/kernel/modifier.ts';
import type { SegmentCutter } from '../../src/kernel/segments/segment-cutter.ts';

/** A segment with its length in front, so that another cut of the same text is another text; code stays as it is. */
export function marked(text: string, isCode: boolean): string {
  return isCode || text.trim() === '' ? text : String.fromCharCode(0xe000 + text.length) + text;
}

/** A cutter as a rewriter, for the law: what leaves is each finished segment, marked. */
export function segmentRewriter(cutter: SegmentCutter): TextRewriter {
  const join = (segments: ReturnType<SegmentCutter['push']>): string =>
    segments.map(({ text, kind }) => marked(text, kind === 'code')).join('');
  return { text: (chunk) => join(cutter.push(chunk)), flush: () => join(cutter.flush()) };
}

const words = [
  'a',
  'Go',
  'on',
  'e.g',
  'Dr',
  'etc',
  'ph.d',
  '3.14',
  '1',
  '12',
  'U.S',
  'averylongwordindeed',
  '你好',
  '😀',
];
const ends = ['.', '. ', '.', '!', '?', '...', '…', '。', '！', '。 ', '."', '?)', '.” ', '。」', '.. '];
const spaces = [' ', ' ', '  ', '\n', '\r\n', '\n\n', '\t', '\u3000', ' (', ' "', '> ', '\n> '];
const rest = [
  '`',
  '``',
  '```',
  '````',
  '~~~',
  '\n```',
  '\n```sh\n',
  '\n  ~~~\n',
  '\n```\n',
  '*',
  '"',
  ')',
  '\ud83d',
  '\ude00',
  '',
];

/** Texts full of what ends a sentence, nearly ends one, and opens and closes code. */
export const sentenceTexts: fc.Arbitrary<string> = fc
  .array(fc.constantFrom(...words, ...ends, ...spaces, ...rest), { maxLength: 16 })
  .map((pieces) => pieces.join(''));
