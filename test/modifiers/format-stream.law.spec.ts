import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { formatPolicy, formatText, type TextFormatOptions } from '../../src/kernel/format/text-format.ts';
import { cut, lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { keptSlowly, plainSlowly, type PlainOracle } from '../support/markdown-oracle.ts';
import { paceSlowly, tidySlowly } from '../support/text-format-oracle.ts';

const defaults: TextFormatOptions = {
  markdown: 'keep',
  links: 'address',
  closeFences: false,
  whitespace: 'keep',
  pace: 'none',
  maxHeldCharacters: 400,
};
const some = (share: number): number => Math.max(1, Math.floor(lawCases * share));
const joined = (pieces: readonly PlainOracle[]): string => pieces.map(({ text }) => text).join('');
const repeated = (...parts: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...parts), fc.constantFrom(30, 31, 32, 33, 63, 64, 65, 255, 256, 257, 511, 512, 513, 1023))
    .map(([part, count]) => part.repeat(count));
const textOf = (parts: readonly string[], maxLength: number, rare: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .array(fc.oneof({ weight: 60, arbitrary: fc.constantFrom(...parts) }, { weight: 1, arbitrary: rare }), {
      maxLength,
    })
    .map((all) => all.join(''));

const inlineParts = [
  ...[
    '*',
    '**',
    '***',
    '_',
    '__',
    '~~',
    '~',
    '****',
    '`',
    '``',
    '`````````',
    '\\',
    '[',
    '![',
    ']',
    '](',
    '](u)',
    '](<a b>)',
  ],
  ...[
    '](u "t")',
    "](u\t't')",
    '](a(b)c)',
    '](((((',
    '(',
    ')',
    '"',
    '<',
    '>',
    '<https://a.b>',
    '<x@y>',
    '<b>',
    '!',
    '|',
    ' | ',
  ],
  ...[
    ' ',
    '  ',
    '\t',
    '\n',
    '\r\n',
    'a',
    'bc',
    '1',
    '中',
    '「',
    '😀',
    '\ud83d',
    '\ude00',
    '\u0301',
    '\u00a0',
    '&amp;',
    ':',
    '@',
    '-',
    '.',
  ],
];
const lineParts = [
  ...[
    '\n',
    '\n',
    '\n',
    '\r\n',
    ' ',
    '   ',
    '\t',
    '> ',
    '>',
    '- ',
    '* ',
    '+ ',
    '1. ',
    '23) ',
    '# ',
    '###',
    '#######',
    '---',
    '***',
  ],
  ...[
    '- - -',
    '===',
    '```',
    '```js',
    '````',
    '~~~',
    '~~~~',
    '`',
    '|',
    '| a | b |',
    '|---|:-:|',
    '|-',
    ':',
    'a',
    'b c',
    '*a*',
    '\\',
    '-',
  ],
];
const markdown = fc.oneof(
  textOf(inlineParts, 14, repeated('a', ' ', '*', '`', 'a ')),
  textOf(lineParts, 14, repeated(' ', '-', '`', '>', '| ', '#', 'a')),
  textOf([...inlineParts, ...lineParts], 24, repeated('a')),
);
const spaces = textOf(
  [
    '\n',
    '\n\n',
    '\r\n',
    '\r',
    ' ',
    '  ',
    '\t',
    '\u00a0',
    '\u3000',
    '\ufeff',
    'a',
    'b',
    '😀',
    '```',
    '\n```\n',
    '~~~\n',
    '> ',
  ],
  14,
  repeated(' ', '\n', '\r\n', '\r', ' \n'),
);
const paced = textOf(
  [
    ...[
      ' ',
      '  ',
      '\n',
      '\r',
      '\r\n',
      'a',
      'word',
      '3',
      '1.',
      '.',
      '. ',
      '?',
      '!"',
      '…',
      ')',
      '。',
      '！？',
      '」',
      '中',
      '文字',
      'ไทย',
    ],
    ...[
      'กำ',
      '한국',
      '\u1100',
      '\u1161',
      'e\u0301',
      '\u0301',
      '\u200d',
      '👩',
      '🏽',
      '👩‍👧',
      '🇩',
      '🇪',
      '\ufe0f',
      '\ud83d',
      '\ude00',
      '\u0600',
      'क्',
      'षि',
      '\u3000',
    ],
  ],
  24,
  repeated('a', '\u0301', '中', '👩‍', '🇩', ' '),
);

describe('the law of format-stream', () => {
  it.each([['address'], ['text']] as const)('Markdown to plain text, links as %s', (links) => {
    proveLaw({
      open: () => formatText({ ...defaults, markdown: 'plain', links }),
      oracle: (text) => joined(plainSlowly(text, links === 'address')),
      texts: markdown,
      cases: some(0.2),
    });
  });

  it('holds of Markdown no more than its rule needs', () => {
    // A line whose beginning is undecided is held as a whole, and so is what an undecided mark begins.
    const ends = ['*', '**', '`', '``', '~~', '](u)'];
    const goesOn = [
      'x\nx',
      ' x',
      '(u)x',
      'u)x',
      ')x',
      '~y~~y',
      ...ends.flatMap((one) => ends.map((two) => `y${one}y${two}y${one}y`)),
    ];
    goesOn.push(
      ...ends.map((end) => `${end}y`),
      ...ends.map((end) => `y${end}${end}${end}${end}y`),
      'y](u)](u)](u)](u)](u)y',
    );
    proveMinimalHold({
      open: () => formatText({ ...defaults, markdown: 'plain' }),
      oracle: (text) => joined(plainSlowly(text, true)),
      // No mark twice: one that stays because of another would look like the first.
      texts: fc.shuffledSubarray(['a ', 'b', '*', '`', '[', '](u)', '~~', ' c']).map((parts) => `x${parts.join('')}`),
      goesOn,
      cases: some(0.01),
    });
  });

  it.each([['trim'], ['collapse']] as const)('white space: %s', (whitespace) => {
    proveLaw({
      open: () => formatText({ ...defaults, whitespace }),
      oracle: (text) => tidySlowly(keptSlowly(text).pieces, whitespace),
      texts: spaces,
      cases: some(0.1),
    });
  });

  it('white space is held only while it may go', () => {
    proveMinimalHold({
      open: () => formatText({ ...defaults, whitespace: 'trim' }),
      oracle: (text) => tidySlowly(keptSlowly(text).pieces, 'trim'),
      texts: textOf(['a', ' ', '\n', '\r\n', '\t', 'b '], 10, repeated(' ')),
      goesOn: ['', 'x', '\nx'],
      cases: some(0.05),
    });
  });

  it('code fences are closed, and nothing is held', () => {
    proveLaw({
      open: () => formatText({ ...defaults, closeFences: true }),
      oracle: (text) => text + keptSlowly(text).closing,
      texts: markdown,
      cases: some(0.1),
    });
    proveMinimalHold({
      open: () => formatText({ ...defaults, closeFences: true, markdown: 'html' }),
      oracle: htmlSlowly,
      texts: markdown,
      goesOn: [''],
      cases: some(0.05),
    });
  });

  it.each([['word'], ['sentence'], ['line']] as const)('the same pieces for every cut, and no later: %s', (pace) => {
    const maxHeldCharacters = 40;
    fc.assert(
      fc.property(paced, fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 6 }), (text, lengths) => {
        const format = formatText({ ...defaults, pace, maxHeldCharacters });
        const pieces: string[] = [];
        let read = '';
        for (const chunk of cut(text, lengths)) {
          read += chunk;
          pieces.push(...format.pieces(chunk));
          if (text.length < 40) expectSame(pieces, readySlowly(read, pace, maxHeldCharacters), text);
          const held = read.length - pieces.join('').length;
          if (held > maxHeldCharacters) throw new Error(`holds ${held} of ${JSON.stringify(read)}`);
        }
        expectSame([...pieces, ...format.lastPieces()], wholeSlowly(text, pace, maxHeldCharacters), text);
      }),
      { numRuns: some(0.05) },
    );
  });

  it('all together, and never more is held than the policy says', () => {
    const options: TextFormatOptions = { ...defaults, markdown: 'plain', whitespace: 'collapse', pace: 'word' };
    proveLaw({
      open: () => formatText(options),
      oracle: (text) => tidySlowly(plainSlowly(text, true), 'collapse'),
      texts: markdown,
      cases: some(0.04),
    });
    const most = formatPolicy({ ...defaults, markdown: 'plain' });
    const bound = most.mode === 'window' ? most.maxHeldCharacters : 0;
    const marks = fc.constantFrom(
      '*a',
      '[a',
      '`a',
      '](',
      '](<',
      '](u "',
      '<a',
      '| ',
      '```',
      '> ',
      '- ',
      '-',
      ' ',
      '`',
      '![',
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(marks, fc.nat(700)), { maxLength: 6 }), (parts) => {
        const format = formatText({ ...defaults, markdown: 'plain' });
        // What is held can't be seen from outside, but a text that is all held leaves nothing.
        const text = parts.map(([part, count]) => part.repeat(count)).join('');
        const left = format.text(text);
        const rest = format.flush();
        expect(rest.length).toBeLessThanOrEqual(bound);
        expect(left + rest).toBe(joined(plainSlowly(text, true)));
      }),
      { numRuns: 200 },
    );
  });
});

function htmlSlowly(text: string): string {
  return [...text.split('')]
    .map((unit) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' })[unit] ?? unit)
    .join('');
}

/** All pieces; half of a pair at the end goes with what is before it. */
function wholeSlowly(text: string, pace: 'word' | 'sentence' | 'line', maxHeld: number): string[] {
  const whole = text.replace(/[\ud800-\udbff]$/, '');
  const pieces = paceSlowly(whole, pace, maxHeld);
  const ready = readySlowly(text, pace, maxHeld);
  const last = pieces.slice(ready.length).join('') + text.slice(whole.length);
  return last === '' ? ready : [...ready, last];
}

/** The pieces that can leave when so much was read. */
function readySlowly(read: string, pace: 'word' | 'sentence' | 'line', maxHeld: number): string[] {
  const pieces = paceSlowly(read.replace(/[\ud800-\udbff]$/, ''), pace, maxHeld);
  return pieces.at(-1)?.endsWith('\n') === true ? pieces : pieces.slice(0, -1);
}

function expectSame(left: readonly string[], expected: readonly string[], text: string): void {
  if (JSON.stringify(left) === JSON.stringify(expected)) return;
  throw new Error(
    `given ${JSON.stringify(text)}\nexpected ${JSON.stringify(expected)}\nreceived ${JSON.stringify(left)}`,
  );
}
