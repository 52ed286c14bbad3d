import { describe, expect, it } from '@jest/globals';
import { cutByLength, tailOf, type SegmentCutter } from '../../../src/kernel/segments/segment-cutter.ts';
import { cutBySentence } from '../../../src/kernel/segments/segment-sentences.ts';

function segmentsOf(cutter: SegmentCutter, pieces: readonly string[]): string[] {
  return [...pieces.flatMap((piece) => cutter.push(piece)), ...cutter.flush()].map(({ text, kind }) =>
    kind === 'code' ? `code: ${text}` : text,
  );
}
const sentencesOf = (text: string, fences = false, maxCharacters = 200): string[] =>
  segmentsOf(cutBySentence({ maxCharacters, fences }), [text]);

describe('a cutter by sentence', () => {
  it.each<[string, string, string[]]>([
    ['ends before white space', 'One. Two! Three?', ['One.', ' Two!', ' Three?']],
    [
      'lets quotes and brackets close',
      'He said "No." (Twice!) Then he left.',
      ['He said "No."', ' (Twice!)', ' Then he left.'],
    ],
    ['does not end inside a number', 'Pi is 3.14 or so. Yes', ['Pi is 3.14 or so.', ' Yes']],
    [
      'knows abbreviations',
      'Dr. No, e.g. in the U.S. of J. Doe, etc. and so on. End',
      ['Dr. No, e.g. in the U.S. of J. Doe, etc. and so on.', ' End'],
    ],
    ['knows the numbers of a list', '1. First\n2. Second. Third', ['1. First', '\n2. Second.', ' Third']],
    ['ends at a line break', 'A title\n\nA text', ['A title', '\n\nA text']],
    ['needs no white space in Chinese', '你好。「好！」再见', ['你好。', '「好！」', '再见']],
    ['takes several ends for one', 'What?! Wait... No', ['What?!', ' Wait...', ' No']],
    ['has white space alone only at the end', ' \n Yes.  ', [' \n Yes.', '  ']],
    ['has nothing of an empty text', '', []],
  ])('%s', (_name, text, expected) => {
    expect(sentencesOf(text)).toEqual(expected);
  });

  it('cuts a long sentence at a space in its second half, or anywhere, but never through a pair', () => {
    expect(sentencesOf('one two three four five six', false, 16)).toEqual(['one two three', ' four five six']);
    expect(sentencesOf('x'.repeat(20), false, 16)).toEqual(['x'.repeat(16), 'xxxx']);
    expect(sentencesOf(`${'x'.repeat(15)}😀.`, false, 16)).toEqual(['x'.repeat(15), '😀.']);
  });

  it('sets fenced code aside', () => {
    expect(sentencesOf('Run. This:\n```sh\nls. -l\n```\nDone. Yes', true)).toEqual([
      'Run.',
      ' This:',
      'code: \n```sh\nls. -l\n```',
      '\nDone.',
      ' Yes',
    ]);
    expect(sentencesOf('~~~\n```\n~~~~\nText', true)).toEqual(['code: ~~~\n```\n~~~~', '\nText']);
    expect(sentencesOf('```js inline``` here\nText. More', true)).toEqual([
      'code: ```js inline``` here',
      '\nText.',
      ' More',
    ]);
    expect(sentencesOf('A ``` in. A line', true)).toEqual(['A ``` in.', ' A line']);
  });

  it('gives a sentence as soon as it is certain, and code at once', () => {
    const cutter = cutBySentence({ maxCharacters: 100, fences: true });
    const given = ['Yes', '.', '"', ' No', '\n``', '`', 'let', '\n', '```\n'].map((piece) =>
      cutter.push(piece).map(({ text }) => text),
    );
    expect(given).toEqual([[], [], [], ['Yes."'], [' No'], ['\n```'], ['let'], ['\n'], ['```']]);
    expect(cutter.held).toBe(1);
  });

  it('is linear on hostile text', () => {
    const text = `${'a.'.repeat(200_000)}${' '.repeat(200_000)}${'"'.repeat(200_000)}${'`'.repeat(200_000)}`;
    for (const fences of [true, false])
      expect(
        sentencesOf(text, fences, 8_000)
          .map((part) => part.replace(/^code: /, ''))
          .join(''),
      ).toBe(text);
    const cutter = cutBySentence({ maxCharacters: 64, fences: false });
    for (let at = 0; at < 100_000; at += 1) {
      cutter.push(text.charAt(at));
      expect(cutter.held < 64).toBe(true);
    }
  });
});

describe('a cutter by length', () => {
  it.each<[number, string[], string[]]>([
    [4, ['abcdefghij'], ['abcd', 'efgh', 'ij']],
    [4, ['ab', 'cd', '', 'e'], ['abcd', 'e']],
    [4, ['abc😀d'], ['abc', '😀d']],
    [2, ['\ud83d\ud83d\ude00'], ['\ud83d', '😀']],
    [3, [], []],
  ])('of %i cuts %j', (length, pieces, expected) => {
    expect(segmentsOf(cutByLength(length), pieces)).toEqual(expected);
  });
});

it('the tail of a text has no half of a pair in front', () => {
  expect([tailOf('abc', 2), tailOf('a😀', 1), tailOf('a😀b', 3), tailOf('abc', 0), tailOf('a', 9)]).toEqual([
    'bc',
    '',
    '😀b',
    '',
    'a',
  ]);
});
