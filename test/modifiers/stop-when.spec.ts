import { describe, expect, it } from '@jest/globals';
import type { AnswerEnding, TextModifier } from '../../src/kernel/modifier.ts';
import { stopWhen } from '../../src/modifiers/stop-when.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock, type HandMadeBlock } from '../support/text-block.ts';

type Config = Record<string, unknown>;
const { capabilities } = testRun();

function create(config: Config): TextModifier {
  const modifier = createInstance(stopWhen, config, capabilities);
  if (modifier.effect !== 'text') throw new TypeError('stop-when works on text');
  return modifier;
}

/** What leaves for each piece and at the end, and how the answer ended. */
function read(
  config: Config,
  pieces: readonly string[],
): { left: readonly string[]; endings: readonly AnswerEnding[] } {
  const block = textBlock();
  const rewriter = create(config).open(testRun().run, block);
  const left = pieces.map((piece) => rewriter.text(piece));
  return { left: [...left, rewriter.flush()], endings: block.endings };
}

const stop: AnswerEnding = { reason: 'stop' };
const length: AnswerEnding = { reason: 'length' };

describe('stop-when', () => {
  it.each<[string, Config, readonly string[], readonly string[], readonly AnswerEnding[]]>([
    [
      'a sequence at once',
      { sequences: ['END'] },
      ['a END b', 'c'],
      ['a ', '', ''],
      [{ ...stop, stopSequence: 'END' }],
    ],
    [
      'a sequence in pieces',
      { sequences: ['END'] },
      ['a E', 'N', 'D'],
      ['a ', '', '', ''],
      [{ ...stop, stopSequence: 'END' }],
    ],
    ['what only looked like one', { sequences: ['END'] }, ['a E', 'N', 'd'], ['a ', '', 'ENd', ''], []],
    ['half of one at the end', { sequences: ['END'] }, ['a EN'], ['a ', 'EN'], []],
    [
      'the first that is complete',
      { sequences: ['abcd', 'bc'] },
      ['xabcd'],
      ['xa', ''],
      [{ ...stop, stopSequence: 'bc' }],
    ],
    [
      'the longest that ends there',
      { sequences: ['ab', 'xab'] },
      ['xab'],
      ['', ''],
      [{ ...stop, stopSequence: 'xab' }],
    ],
    [
      'the sequence too',
      { sequences: ['END'], includeSequence: true },
      ['a E', 'NDb'],
      ['a E', 'ND', ''],
      [{ ...stop, stopSequence: 'END' }],
    ],
    [
      'in any case and width',
      { sequences: ['End'], caseSensitive: false },
      ['a ｅN', 'd'],
      ['a ', '', ''],
      [{ ...stop, stopSequence: 'End' }],
    ],
    ['no more characters', { maxCharacters: 3 }, ['ab', 'cd', 'e'], ['ab', 'c', '', ''], [length]],
    ['just as many characters', { maxCharacters: 3 }, ['ab', 'c'], ['ab', 'c', ''], []],
    ['an accent that comes late', { maxCharacters: 1 }, ['e', '\u0301', 'e'], ['e', '\u0301', '', ''], [length]],
    [
      'a family that comes in pieces',
      { maxCharacters: 1 },
      ['👩', '\u200d', '\ud83d', '\udc67', '!'],
      ['👩', '\u200d', '', '👧', '', ''],
      [length],
    ],
    ['half of a pair behind the last', { maxCharacters: 1 }, ['a', '\ud83d', '\ude00'], ['a', '', '', ''], [length]],
    ['half of a pair at the very end', { maxCharacters: 1 }, ['a', '\ud83d'], ['a', '', '\ud83d'], []],
    [
      'a unit in a row',
      { repetition: { minCharacters: 2, times: 3 } },
      ['xab', 'aba', 'bab'],
      ['xab', 'aba', 'b', ''],
      [length],
    ],
    [
      'a unit that is too short',
      { repetition: { minCharacters: 5, maxCharacters: 5, times: 3 } },
      ['ab'.repeat(20)],
      ['ab'.repeat(20), ''],
      [],
    ],
    ['one character without end', { repetition: {} }, ['n'.repeat(500)], ['n'.repeat(128), ''], [length]],
    ['a number of words', { condition: 'words == 2' }, ['a b', ' c'], ['a b', '', ''], [stop]],
    [
      'a number of sentences',
      { condition: 'sentences == 2', conditionAt: 'sentence' },
      ['A 3.5. B?" C.'],
      ['A 3.5. B?"', ''],
      [stop],
    ],
    [
      'sentences without spaces',
      { condition: 'sentences == 2', conditionAt: 'sentence' },
      ['你好。再', '见！」再'],
      ['你好。再', '见！」', ''],
      [stop],
    ],
    ['a number of lines', { condition: 'lines == 2', conditionAt: 'line' }, ['a\nb', '\nc'], ['a\nb', '', ''], [stop]],
    ['characters in a condition', { condition: 'characters > 3' }, ['ab cde f'], ['ab cde', ''], [stop]],
    ['a condition that fails', { condition: 'words / 0 == 1' }, ['a b c'], ['a b c', ''], []],
    ['a condition that is no boolean', { condition: 'words' }, ['a b c'], ['a b c', ''], []],
  ])('%s', (_name, config, pieces, left, endings) => {
    expect(read(config, pieces)).toEqual({ left, endings });
  });

  it.each<[string, Config, string, string, AnswerEnding]>([
    ['the limit before the sequence', { maxCharacters: 2, sequences: ['cd'] }, 'abcd', 'ab', length],
    [
      'the sequence before the limit',
      { maxCharacters: 2, sequences: ['b'] },
      'abcd',
      'a',
      { ...stop, stopSequence: 'b' },
    ],
    ['a sequence that would go over the limit', { maxCharacters: 2, sequences: ['bc'] }, 'abcd', 'ab', length],
    ['the condition before the limit', { maxCharacters: 2, condition: 'words == 1' }, 'ab cd', 'ab', stop],
    [
      'the repetition before the sequence',
      { repetition: { minCharacters: 1, times: 2 }, sequences: ['b!'] },
      'abb!',
      'abb',
      length,
    ],
  ])('of several rules %s', (_name, config, text, left, ending) => {
    expect(read(config, [text])).toEqual({ left: [left, ''], endings: [ending] });
    expect(read(config, text.split('')).left.join('')).toBe(left);
  });

  it('says what the author wants to be said', () => {
    const endings = { sequences: { reason: 'content_filter', message: ' [cut]' }, maxCharacters: { message: '…' } };
    expect(read({ sequences: ['x'], endings }, ['abx']).endings).toEqual([
      { reason: 'content_filter', message: ' [cut]' },
    ]);
    expect(read({ maxCharacters: 1, endings }, ['ab']).endings).toEqual([{ reason: 'length', message: '…' }]);
  });

  it('counts over all blocks of a channel and a choice, and each of them by itself', () => {
    const modifier = create({ maxCharacters: 3, channels: ['text', 'reasoning'] });
    const { run } = testRun();
    const play = (block: HandMadeBlock, text: string): string => {
      const rewriter = modifier.open(run, block);
      return rewriter.text(text) + rewriter.flush() + block.endings.map(({ reason }) => ` [${reason}]`).join('');
    };
    expect(play(textBlock(), 'ab')).toBe('ab');
    expect(play(textBlock({ channel: 'reasoning' }), 'abc')).toBe('abc');
    expect(play(textBlock({ choice: 1 }), 'ab')).toBe('ab');
    expect(play(textBlock({ first: false }), 'cd')).toBe('c [length]');
    expect(play(textBlock({ choice: 1, first: false }), 'c')).toBe('c');
    // A new answer of the same run.
    expect(play(textBlock(), 'abc')).toBe('abc');
  });

  it('gives back the very string that it was given', () => {
    const rewriter = create({ sequences: ['END'], maxCharacters: 99, repetition: {}, condition: 'false' }).open(
      testRun().run,
      textBlock(),
    );
    const text = 'nothing of it here';
    expect(Object.is(rewriter.text(text), text)).toBe(true);
    expect(rewriter.matches).toBe(0);
  });

  it.each<[Config, unknown]>([
    [{ sequences: ['END', 'a'] }, { mode: 'window', maxHeldCharacters: 2 }],
    [{ sequences: ['a'] }, { mode: 'live' }],
    [{ sequences: ['END'], includeSequence: true }, { mode: 'live' }],
    [
      { sequences: ['a'], maxCharacters: 1 },
      { mode: 'window', maxHeldCharacters: 1 },
    ],
    [{ repetition: {}, condition: 'true' }, { mode: 'live' }],
  ])('%j holds %j', (config, policy) => {
    expect(create(config).policy).toEqual(policy);
  });

  it.each<[Config, string]>([
    [{}, 'give at least one of sequences, maxCharacters, repetition and condition'],
    [{ sequences: ['a', '\ud83d'] }, 'sequence 2 is empty or holds half of a surrogate pair'],
    [{ repetition: { minCharacters: 9, maxCharacters: 8 } }, 'repetition: minCharacters is more than maxCharacters'],
    [{ condition: 'pages > 1' }, 'pages'],
  ])('refuses %j', (config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it.each<[Config, boolean]>([
    [{ sequences: ['a'] }, true],
    [{ sequences: [] }, false],
    [{ sequences: ['a', 'a'] }, false],
    [{ sequences: ['a'.repeat(129)] }, false],
    [{ maxCharacters: 0 }, false],
    [{ repetition: { times: 1 } }, false],
    [{ maxCharacters: 1, channels: ['toolArguments'] }, false],
    [{ maxCharacters: 1, endings: { condition: { reason: 'error' } } }, false],
  ])('the schema: %j is %s', (config, expected) => {
    expect(buildConfig(stopWhen, config).mistakes.length === 0).toBe(expected);
  });

  it('keeps up with hostile text, and holds no more of it than it says', () => {
    const nearly = `${'a'.repeat(60)}b`.repeat(2);
    const config = {
      sequences: [`${'a'.repeat(100)}!`],
      maxCharacters: 10_000_000,
      repetition: { maxCharacters: 50, times: 900 },
      condition: 'false',
    };
    const pieces = [
      nearly.repeat(2000),
      ...'a\u0301'.repeat(2000).split(''),
      '\ud83d'.repeat(5000),
      'a'.repeat(10_000),
    ];
    const rewriter = create(config).open(testRun().run, textBlock());
    let given = 0;
    let left = 0;
    for (const piece of pieces) {
      given += piece.length;
      left += rewriter.text(piece).length;
      expect(given - left).toBeLessThanOrEqual(100);
    }
    expect(left + rewriter.flush().length).toBe(given);
  });

  it('tells the plan which texts it ends at', () => {
    expect(create({ sequences: ['END'] }).rewrites).toEqual({ samples: ['END'] });
    expect(create({ maxCharacters: 1 }).rewrites).toBeUndefined();
  });
});
