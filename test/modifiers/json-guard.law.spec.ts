import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { TextRewriter } from '../../src/kernel/modifier.ts';
import { openJsonGuard, type JsonGuard } from '../../src/kernel/json/json-guard-rewriter.ts';
import { compileJsonSchema } from '../../src/kernel/json/json-prefix-schema.ts';
import { extracted, isJsonPrefix, prefixLength, repaired } from '../support/json-oracle.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

const { run } = testRun();
const base: JsonGuard = { schema: undefined, extract: false, repair: 'none', onInvalid: 'stop', allowNone: false };
const opener =
  (guard: Partial<JsonGuard>): (() => TextRewriter) =>
  () =>
    openJsonGuard({ ...base, ...guard }, run, textBlock());
const share = (part: number): number => Math.ceil((lawCases * part) / 100);

const tokens = fc.constantFrom(
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"',
    '"a"',
    '"k":',
    '\\',
    '\\u00',
    '\\u0061',
    '\\n',
    'é',
    '😀',
    '\ud83d',
    '\n',
    ' ',
  ],
  ...['1', '0', '-', '.', 'e', '+', '2.5', '-0', '1e3', 'true', 'tr', 'false', 'null', 'nul', 'x', '{"a":', '[1,'],
);
/** Documents, written narrow and wide, cut short, and with something wrong put in. */
const documents = fc
  .tuple(
    fc.json({ maxDepth: 3, stringUnit: 'binary' }),
    fc.boolean(),
    fc.nat({ max: 80 }),
    fc.nat({ max: 60 }),
    fc.oneof(fc.constant(''), fc.constant(''), tokens),
  )
  .map(([json, isWide, length, place, extra]) => {
    const text = (isWide ? JSON.stringify(JSON.parse(json), null, 1) : json).slice(0, length);
    return text.slice(0, place) + extra + text.slice(place);
  });
const texts = fc.oneof(
  documents,
  fc.array(tokens, { maxLength: 9 }).map((parts) => parts.join('')),
);
const chatter = fc.constantFrom(
  ...[
    '',
    '',
    'Sure: ',
    '\n```json\n',
    '```\n',
    '`',
    ' ``` \n\n',
    'a [link] ',
    '{ ',
    '[ tr',
    '[',
    '{x} ',
    '\n',
    ' ',
    '"',
  ],
);
const talk = fc.tuple(chatter, chatter, texts, chatter).map((parts) => parts.join(''));

const cutAtMistake = (text: string): string => text.slice(0, prefixLength(text, isJsonPrefix));
const goesOn = ['', '1', '"', '":1}', '}', ']', ' ', 'x', 'rue', '\\', 'u0061', '0061', ',', '"a":1}', '\n'];

describe('the law of json-guard', () => {
  it('ends a text before the first character with which it is no JSON', () => {
    proveLaw({ open: opener({}), oracle: cutAtMistake, texts, cases: share(25) });
  });

  it('lets a text pass that is only looked at', () => {
    proveLaw({ open: opener({ onInvalid: 'pass' }), oracle: (text) => text, texts, cases: share(10) });
  });

  it('completes what breaks off', () => {
    proveLaw({
      open: opener({ repair: 'tail', onInvalid: 'pass' }),
      oracle: repaired,
      texts,
      cases: share(15),
    });
  });

  it('finds the document among words', () => {
    const open = opener({ extract: true, onInvalid: 'pass' });
    proveLaw({ open, oracle: (text) => extracted(text, false), texts: talk, cases: share(10) });
  });

  it('finds a string and a word at a place of its own', () => {
    const schema = compileJsonSchema({ type: ['object', 'array', 'string', 'boolean', 'null'] });
    const open = opener({ schema, extract: true, onInvalid: 'pass' });
    proveLaw({ open, oracle: (text) => extracted(text, true), texts: talk, cases: share(10) });
  });

  it('does both', () => {
    const open = opener({ extract: true, repair: 'tail', onInvalid: 'pass' });
    proveLaw({ open, oracle: (text) => repaired(extracted(text, false)), texts: talk, cases: share(10) });
  });

  it('holds no more than it must', () => {
    proveMinimalHold({
      goesOn,
      open: opener({ repair: 'tail', onInvalid: 'pass' }),
      oracle: repaired,
      texts: texts.map((text) => text.slice(-20)),
      cases: share(0.5),
    });
    proveMinimalHold({
      goesOn,
      open: opener({ extract: true, onInvalid: 'pass' }),
      oracle: (text) => extracted(text, false),
      texts: talk.map((text) => text.slice(-20)),
      cases: share(0.5),
    });
  });
});
