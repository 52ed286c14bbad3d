import { describe, expect, it } from '@jest/globals';
import type { Modifier, TextModifier } from '../../src/kernel/modifier.ts';
import { formatStream } from '../../src/modifiers/format-stream.ts';
import { createInstance } from '../support/component-instance.ts';
import { textBlock } from '../support/text-block.ts';
import { testRun } from '../support/test-run.ts';

function create(config: Record<string, unknown>): TextModifier {
  const modifier: Modifier = createInstance(formatStream, config, testRun().capabilities);
  if (modifier.effect !== 'text') throw new TypeError('without a delay it rewrites text');
  return modifier;
}

/** What leaves for each piece, and at the end. */
function format(config: Record<string, unknown>, ...given: string[]): string[] {
  const rewriter = create(config).open(testRun().run, textBlock());
  return [...given.map((piece) => rewriter.text(piece)), rewriter.flush()];
}

describe('format-stream', () => {
  it.each([
    ['headings', '# A\n### B c\n#no', 'A\nB c\n#no'],
    ['emphasis', '*a* **b** ***c*** _d_ __e__ ~~f~~', 'a b c d e f'],
    ['emphasis in emphasis', '**bold *and italic***', 'bold and italic'],
    ['emphasis beside Chinese', '这是**「重要」**的', '这是「重要」的'],
    ['marks that mean nothing', '2 * 3 * 4, snake_case_name, ** a, ~5', '2 * 3 * 4, snake_case_name, ** a, ~5'],
    ['an open mark', '**never closed\nnext', '**never closed\nnext'],
    ['code in a line', 'run `a *b*` or ``x ` y``', 'run a *b* or x ` y'],
    ['code in a fence', 'a\n```js\n*b* # c\n```\nd', 'a\n*b* # c\nd'],
    ['a fence in a fence', '````\n```\na\n```\n````\nb', '```\na\n```\nb'],
    ['a fence in a quote', '> ```\n> a\n> ```\nb', 'a\nb'],
    ['links', '[a *b*](https://x.y "t") <https://z.w>', 'a b (https://x.y) https://z.w'],
    ['a link that shows its address', '[https://x.y](https://x.y)', 'https://x.y'],
    ['brackets that are no link', '[x] done, a[1](, [^1]', '[x] done, a[1](, [^1]'],
    ['images', '![a chart](c.png) and [![logo](l.png)](https://x.y)', 'a chart and logo (https://x.y)'],
    ['lists', '- a\n* **b**\n  1. c\n- [ ] d', '- a\n* b\n  1. c\n- [ ] d'],
    ['quotes', '> a\n> > b', 'a\nb'],
    ['rules', 'a\n\n---\n* * *\nb\n===', 'a\n\nb\n'],
    ['tables', '| a | **b** |\n|---|:-:|\n| c \\| d | |', 'a\tb\nc | d\t'],
    ['escapes', '\\*a\\* \\\\ \\q', '*a* \\ \\q'],
    ['entities', '&amp; &#39;', '&amp; &#39;'],
  ])('Markdown to plain text: %s', (_what, given, expected) => {
    const config = { markdown: 'plain' };
    expect(format(config, given).join('')).toBe(expected);
    expect(format(config, ...given.split('')).join('')).toBe(expected);
  });

  it('holds only from the mark on that may still be closed', () => {
    expect(format({ markdown: 'plain' }, 'so **bo', 'ld** and', ' on')).toEqual(['so ', 'bold and', ' on', '']);
    const far = 'a '.repeat(256);
    expect(format({ markdown: 'plain' }, `x *b ${far}`, 'c*')).toEqual([`x *b ${far}`, 'c', '*']);
  });

  it('gives back the very text that needs no change', () => {
    const given = ['Hello', ' world', '\n\nAll', ' well'];
    for (const config of [{}, { markdown: 'html' }, { closeFences: true }, { markdown: 'plain', links: 'text' }])
      expect(format(config, ...given)).toEqual([...given, '']);
  });

  it.each([
    ['```js\nlet a', '```js\nlet a\n```'],
    ['~~~~\na\n', '~~~~\na\n~~~~'],
    ['```\na\n```', '```\na\n```'],
    ['```\na\n``', '```\na\n``\n```'],
    ['```', '```\n```'],
    ['> - ```\n>   a', '> - ```\n>   a\n>   ```'],
    ['no `fence', 'no `fence'],
  ])('closes what is open: %j', (given, expected) => {
    expect(format({ closeFences: true }, ...given.split('')).join('')).toBe(expected);
  });

  it('keeps pairs and clusters of characters together', () => {
    const family = '👩‍👧';
    expect(format({ pace: 'word' }, '中', '国👩', '‍👧 a')).toEqual(['', '中国', family, ' a']);
    const long = format({ pace: 'line', maxHeldCharacters: 16 }, family.repeat(5));
    expect(long).toEqual([family.repeat(3), family.repeat(2)]);
    expect(family).toHaveLength(5);
  });

  it.each([
    ['word', ['He', 'llo, wor', 'ld\n', 'x'], ['', 'Hello,', ' world\n', '', 'x']],
    ['sentence', ['Pi is 3.1', '4. So', ' "it is."\n1. On', 'e'], ['', 'Pi is 3.14.', ' So "it is."\n', '', '1. One']],
    ['sentence', ['好！', '」他说。', '走'], ['', '好！」', '他说。', '走']],
    ['line', ['one\ntw', 'o\r', '\nthree'], ['one\n', '', 'two\r\n', 'three']],
  ])('paces by %s', (pace, given, expected) => {
    expect(format({ pace }, ...given)).toEqual(expected);
  });

  it('says what it holds at most', () => {
    expect(create({ markdown: 'html', closeFences: true }).policy).toEqual({ mode: 'live' });
    expect(create({ pace: 'word', maxHeldCharacters: 64 }).policy).toEqual({ mode: 'window', maxHeldCharacters: 64 });
    expect(create({ markdown: 'plain' }).policy).toEqual({ mode: 'window', maxHeldCharacters: 1552 });
  });

  it.each([
    ['*a'],
    ['['],
    ['[a](x'],
    ['`a``b```c'],
    ['<a'],
    ['| '],
    ['>'],
    ['\ud83d'],
    ['\u0301'],
    ['```\n'],
    [' '],
    ['\r'],
  ])('takes a hundred thousand characters of %j, whole and one by one, to the same text', (part) => {
    const text = part.repeat(100_000 / part.length);
    const config = { markdown: 'plain', whitespace: 'collapse', pace: 'sentence' };
    expect(format(config, ...text.split('')).join('') === format(config, text).join('')).toBe(true);
  });
});
