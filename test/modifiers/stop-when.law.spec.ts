import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { TextRewriter } from '../../src/kernel/modifier.ts';
import type { Expressions } from '../../src/kernel/expression.ts';
import { stopWhen } from '../../src/modifiers/stop-when.ts';
import { createInstance } from '../support/component-instance.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { characterStarts, stopSlowly, type SlowRules } from '../support/stop-oracle.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

/* What leaves and why the answer ends depend on the whole text only; the ending is written behind the text here. */

const share = (part: number): number => Math.ceil(lawCases * part);

/** Conditions by their text; the language has its own tests. */
const conditions: Readonly<Record<string, NonNullable<SlowRules['condition']>['isMet']>> = {
  'words >= 3': ({ words }) => words >= 3,
  'sentences == 2': ({ sentences }) => sentences === 2,
  'characters > 4': ({ characters }) => characters > 4,
  'lines > 1': ({ lines }) => lines > 1,
  'words > 1 && characters % 2 == 0': ({ words, characters }) => words > 1 && characters % 2 === 0,
};
const expressions: Expressions = {
  compile: (text) => (values) => conditions[text]?.(values as Parameters<(typeof conditions)[string]>[0]),
};
const { run, capabilities } = testRun();

type Config = Record<string, unknown>;

function open(config: Config): () => TextRewriter {
  const modifier = createInstance(stopWhen, config, { ...capabilities, expressions });
  if (modifier.effect !== 'text') throw new TypeError('stop-when works on text');
  return () => {
    const block = textBlock();
    const rewriter = modifier.open(run, block);
    let isOver = false;
    return {
      text: (chunk) => {
        const left = rewriter.text(chunk);
        const [ending] = block.endings;
        if (ending === undefined || isOver) return left;
        isOver = true;
        return left + JSON.stringify(Object.entries(ending));
      },
      flush: () => rewriter.flush(),
    };
  };
}

function oracle(rules: SlowRules): (text: string) => string {
  return (text) => {
    const { left, ending } = stopSlowly(text, rules);
    return ending === undefined ? left : left + JSON.stringify(Object.entries(ending));
  };
}

const oneOf = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...texts), { maxLength: 9 }).map((parts) => parts.join(''));

const sequenceSets: readonly (readonly string[])[] = [
  ['END'],
  ['abcd', 'bc'],
  ['aab', 'ab', 'b!'],
  ['x'],
  ['\n\nUser:', '\nUser'],
  ['😀😁', '😁'],
  ['aaaa', 'aab'],
];
const sequenceTexts = oneOf(
  'a',
  'b',
  'c',
  'ab',
  'abc',
  'd',
  'aa',
  'E',
  'EN',
  'D',
  '!',
  '\n',
  '\nUs',
  'er',
  ':',
  '😀',
  '😁',
  '\ud83d',
  '\ude00',
  ' ',
);

describe('the law of stop-when: sequences', () => {
  it.each(sequenceSets.map((sequences) => [JSON.stringify(sequences), sequences] as const))(
    '%s',
    (_name, sequences) => {
      const cases = share(0.3 / sequenceSets.length / 3);
      const [first = ''] = sequences;
      const texts = fc.oneof(
        sequenceTexts,
        fc.tuple(sequenceTexts, fc.constant(first)).map((parts) => parts.join('')),
      );
      const law = { open: open({ sequences }), oracle: oracle({ sequences }), texts, cases };
      proveLaw(law);
      proveMinimalHold({ ...law, goesOn: ['', '\u0000', ...sequences.flatMap(tails)] });
      proveLaw({
        ...law,
        open: open({ sequences, includeSequence: true }),
        oracle: oracle({ sequences, include: true }),
      });
    },
  );
});

/** All ends of a sequence. */
function tails(sequence: string): string[] {
  return sequence.split('').map((_unit, index) => sequence.slice(index));
}

const characterTexts = oneOf(
  'a',
  'b',
  ' ',
  '\r',
  '\n',
  '\r\n',
  'é',
  'e\u0301',
  '\u0301',
  '\u200d',
  '👩',
  '👩‍👧',
  '👍🏽',
  '🏽',
  '🇩',
  '🇪',
  '한',
  '\u1112',
  '\u1161',
  '\u11ab',
  'क',
  '्',
  'ष',
  '\u0600',
  '中',
  '。',
  '\ud83d',
  '\udc69',
  '\ude00',
  '\ud83c',
  '\u{101fd}',
  '\u0301'.repeat(20),
);

describe('the law of stop-when: the most characters', () => {
  it.each([1, 2, 3, 6])('%i', (limit) => {
    const law = { open: open({ maxCharacters: limit }), oracle: oracle({ limit }), texts: characterTexts };
    proveLaw({ ...law, cases: share(0.05) });
    // Half of a pair is held where the last character has left: with this half, the pair may be part of it or not.
    const texts = oneOf(
      'a',
      ' ',
      '\r',
      '\n',
      'e\u0301',
      '\u0301',
      '\u200d',
      '👍🏽',
      '🇩',
      '한',
      '\u11ab',
      'क',
      '्',
      '\ud83c',
    );
    const goesOn = ['', 'a', '\u0301', '\udffd', '\udc69'];
    proveMinimalHold({ ...law, texts, goesOn, cases: share(0.0125) });
  });

  it('lets no more out than it says, and cuts between characters', () => {
    fc.assert(
      fc.property(characterTexts, fc.integer({ min: 1, max: 8 }), (text, limit) => {
        const { left, ending } = stopSlowly(text, { limit });
        expect(ending === undefined || characterStarts(left).length === limit).toBe(true);
        expect(ending === undefined || characterStarts(text).includes(left.length)).toBe(true);
      }),
    );
  });
});

const repetitions = [
  { min: 1, max: 4, times: 2 },
  { min: 1, max: 9, times: 3 },
  { min: 2, max: 5, times: 4 },
  { min: 3, max: 40, times: 2 },
  { min: 4, max: 4, times: 3 },
];
/** Units in a row, with something between, before and behind them. */
const repeated = fc
  .array(
    fc.tuple(
      fc.oneof(
        oneOf('a', 'b', 'ab', '😀', '\ud83d\ude01', '\u{1fa00}'),
        fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }),
      ),
      fc.integer({ min: 1, max: 5 }),
      oneOf('a', 'b', 'c', '\ud83d', '\ude00'),
    ),
    { maxLength: 4 },
  )
  .map((parts) => parts.map(([unit, times, between]) => unit.repeat(times) + between).join(''));

describe('the law of stop-when: repetition', () => {
  it.each(repetitions.map((rule) => [JSON.stringify(rule), rule] as const))('%s', (_name, rule) => {
    const { min: minCharacters, max: maxCharacters, times } = rule;
    const law = {
      open: open({ repetition: { minCharacters, maxCharacters, times } }),
      oracle: oracle({ repetition: rule }),
      texts: repeated,
    };
    proveLaw({ ...law, cases: share(0.04) });
    proveMinimalHold({ ...law, goesOn: ['', '\u0000'], cases: share(0.01) });
  });
});

const prose = oneOf(
  'a',
  'bc',
  ' ',
  '  ',
  '. ',
  '.',
  '!',
  '"',
  '\n',
  '。',
  '」',
  'é',
  '3.5',
  ')',
  '\u3000',
  '\ud83d',
  '😀',
  '\u0301',
);

describe('the law of stop-when: conditions', () => {
  const rows = Object.keys(conditions).flatMap((text) =>
    (['word', 'sentence', 'line'] as const).map((at) => [text, at] as const),
  );
  it.each(rows)('%s, at the end of a %s', (condition, at) => {
    const isMet = conditions[condition] ?? (() => false);
    const law = {
      open: open({ condition, conditionAt: at }),
      oracle: oracle({ condition: { at, isMet } }),
      texts: prose,
      cases: share(0.15 / rows.length),
    };
    proveLaw(law);
    proveMinimalHold({ ...law, goesOn: ['', ' ', 'a'], cases: share(0.05 / rows.length) });
  });
});

describe('the law of stop-when: all rules together', () => {
  const every = fc.record({
    sequences: fc.constantFrom<readonly string[]>(['bc'], ['a b', 'b'], ['. ', 'a'], ['😀']),
    include: fc.boolean(),
    limit: fc.integer({ min: 1, max: 9 }),
    repetition: fc.constantFrom(...repetitions),
    condition: fc.constantFrom(...Object.keys(conditions)),
    at: fc.constantFrom('word', 'sentence', 'line'),
  });

  // Each config has tables of its own, so there are but some.
  const opened = fc.sample(every, { numRuns: 40, seed: 4 }).map((rules) => {
    const { sequences, include, limit, repetition, condition, at } = rules;
    const { min: minCharacters, max: maxCharacters, times } = repetition;
    const isMet = conditions[condition] ?? (() => false);
    return {
      oracle: oracle({ sequences, include, limit, repetition, condition: { at, isMet } }),
      open: open({
        sequences,
        includeSequence: include,
        maxCharacters: limit,
        repetition: { minCharacters, maxCharacters, times },
        condition,
        conditionAt: at,
      }),
    };
  });

  it('ends where the first one says', () => {
    const texts = fc.oneof(prose, repeated, characterTexts);
    for (const rules of opened) proveLaw({ ...rules, texts, cases: share(0.2 / opened.length) });
  });
});
