import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonLeaves, type LeafRewriter } from '../../../src/kernel/json/json-leaves.ts';
import { buildWordAutomaton } from '../../../src/kernel/words/word-automaton.ts';
import { createWordMasker } from '../../../src/kernel/words/word-mask.ts';
import { jsonSpellings, mapLeaves, spellings } from '../../support/json-spellings.ts';
import { cut, lawCases } from '../../support/law.ts';

const automaton = buildWordAutomaton(['secret', '😀', '密码']);
const mask = (): LeafRewriter => createWordMasker(automaton, { with: '***' });
const plain = (): LeafRewriter => ({ text: (chunk) => chunk, flush: () => '' });
const doubled = (): LeafRewriter => ({
  text: (chunk) =>
    chunk
      .split('')
      .map((unit) => unit + unit)
      .join(''),
  flush: () => '',
});

/** What leaves of the fragments, joined. */
function run(fragments: readonly string[], open: () => LeafRewriter): string {
  const leaves = new JsonLeaves(open);
  return fragments.map((fragment) => leaves.push(fragment)).join('') + leaves.flush();
}

describe('the law of strings in JSON', () => {
  const word = fc.constantFrom(
    'secret',
    'sec',
    'ret',
    'Secret',
    '😀',
    '\ud83d',
    '\ude00',
    '密',
    '码',
    '"',
    '\\',
    '/',
    '\n',
    'u0073',
    'x',
    '',
  );
  const text = fc.array(word, { maxLength: 5 }).map((parts) => parts.join(''));
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      text,
      fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.boolean(), fc.constant(null)),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(text, tie('value'), { maxKeys: 4 }),
    ),
  }));
  const lengths = fc.oneof(
    fc.constant([1]),
    fc.constant([Number.MAX_SAFE_INTEGER]),
    fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }),
  );

  it.each<[string, () => LeafRewriter, (leaf: string) => string]>([
    ['nothing', plain, (leaf) => leaf],
    [
      'a longer text',
      doubled,
      (leaf) =>
        leaf
          .split('')
          .map((unit) => unit + unit)
          .join(''),
    ],
    ['a text that is dropped', () => ({ text: () => '', flush: () => '' }), () => ''],
    ['a text that is held to the end', buffered, (leaf) => `<${leaf}>`],
    ['a masked word', mask, (leaf) => leaf.replaceAll(/secret|😀|密码/giu, '***')],
  ])('holds for %s', (title, open, oracle) => {
    fc.assert(
      fc.property(value, spellings, lengths, (document, choices, sizes) => {
        const json = jsonSpellings(document, choices);
        const left = run(cut(json, sizes), open);
        const wanted = JSON.stringify(mapLeaves(JSON.parse(json), oracle));
        const isRight = JSON.stringify(JSON.parse(left)) === wanted && withoutLeaves(left) === withoutLeaves(json);
        if (!isRight || (title === 'nothing' && left !== json)) throw new Error(`${json}\nbecame ${left}`);
      }),
      { numRuns: Math.ceil(lawCases / 6) },
    );
  });

  it('holds no more than the rewriter, a cut escape or a scalar', () => {
    fc.assert(
      fc.property(value, spellings, lengths, (document, choices, sizes) => {
        const json = jsonSpellings(document, choices);
        const leaves = new JsonLeaves(plain);
        let read = '';
        let left = '';
        for (const piece of cut(json, sizes)) {
          read += piece;
          left += leaves.push(piece);
          if (!read.startsWith(left) || !mayBeHeld.test(read.slice(left.length)))
            throw new Error(`${JSON.stringify(left)} left of ${JSON.stringify(read)}`);
        }
      }),
      { numRuns: Math.ceil(lawCases / 6) },
    );
  });
});

function buffered(): LeafRewriter {
  let held = '';
  return {
    text: (chunk) => {
      held += chunk;
      return '';
    },
    flush: () => `<${held}>`,
  };
}

/** A cut escape, or a value that is no text. */
const mayBeHeld = /^(?:\\(?:u[\da-fA-F]{0,3})?|[-\d.eE+]+\s*|[a-z]{1,5}\s*)?$/;

/** The text with every string value taken out; keys stay. */
function withoutLeaves(json: string): string {
  return json.replaceAll(/"(?:[^"\\]|\\.)*"(\s*:)?/gs, (all, colon?: string) => (colon === undefined ? '""' : all));
}
