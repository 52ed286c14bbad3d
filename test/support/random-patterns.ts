import fc from 'fast-check';
import type { PatternSource } from '../../src/kernel/pattern-automaton.ts';

/** An expression, the fewest characters that it matches and whether its matches are bounded. */
interface Expression {
  readonly source: string;
  readonly least: number;
  readonly isBounded: boolean;
}

/** Pieces of texts for the random patterns. The last ones are halves of pairs, which may meet. */
export const randomTextPieces = ['a', 'b', 'A', '-', 'ab', 'ba', 'aa', '😀', '😁', '\ud83d', '\ude00'];

const sets = ['a', 'b', '-', '[ab]', '[^a]', '[^b-]', '.', '\\w', '[a-c😀]', '😀', '\\ud83d', '[\\ude00a]', '\\W'];
const plainSets = ['a', 'b', '-', '[ab]', '[^a]', '[^b-]', '\\w'];
const counts = ['?', '*', '+', '{2}', '{0,2}', '{1,3}', '{2,}', '*?', '+?', '??'];

/** Small expressions. `plain` ones know nothing of surrogates. */
export function randomExpression(plain: boolean): fc.Arbitrary<Expression> {
  const leaf = fc.constantFrom(...(plain ? plainSets : sets)).map((source) => ({ source, least: 1, isBounded: true }));
  return fc.letrec<{ expression: Expression }>((tie) => ({
    expression: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(tie('expression'), { minLength: 2, maxLength: 3 }).map(sequence),
      fc.array(tie('expression'), { minLength: 2, maxLength: 3 }).map(choice),
      fc.tuple(tie('expression'), fc.constantFrom(...counts)).map(([part, count]) => repeat(part, count)),
    ),
  })).expression;
}

function sequence(parts: readonly Expression[]): Expression {
  return {
    source: parts.map(({ source }) => `(?:${source})`).join(''),
    least: parts.reduce((sum, { least }) => sum + least, 0),
    isBounded: parts.every(({ isBounded }) => isBounded),
  };
}

function choice(parts: readonly Expression[]): Expression {
  return {
    source: `(${parts.map(({ source }) => source).join('|')})`,
    least: Math.min(...parts.map(({ least }) => least)),
    isBounded: parts.every(({ isBounded }) => isBounded),
  };
}

function repeat(part: Expression, count: string): Expression {
  const least = count.startsWith('+') || count === '{1,3}' ? 1 : count.startsWith('{2') ? 2 : 0;
  return {
    source: `(?:${part.source})${count}`,
    least: part.least * least,
    isBounded: part.isBounded && !/^[*+]|,\}/.test(count),
  };
}

export interface RandomPatternOptions {
  /** No surrogates in expressions. */
  readonly plain: boolean;
  /** Most characters that the shortest match may have. */
  readonly least: number;
  readonly accepts: boolean;
}

/** Lists of one to three patterns with borders, limits and judges. */
export function randomPatterns({ plain, least, accepts }: RandomPatternOptions): fc.Arbitrary<PatternSource[]> {
  const around = fc.constantFrom(...(plain ? ['a', '[ab]', '[^b]', '-'] : ['a', '[ab]', '[^b]', '😀', '[\\ud83d-]']));
  const pattern = fc
    .record(
      {
        expression: randomExpression(plain).filter((expression) => expression.least <= least),
        maxCharacters: fc.integer({ min: 1, max: 5 }),
        notAfter: around,
        notBefore: around,
        ignoreCase: fc.boolean(),
        ...(accepts ? { accept: fc.constantFrom(isEven, hasNoB) } : {}),
      },
      { requiredKeys: ['expression'] },
    )
    .map(({ expression, ...rest }): PatternSource => ({ name: 'random', source: expression.source, ...rest }));
  return fc.array(pattern, { minLength: 1, maxLength: 3 });
}

function isEven(match: string): boolean {
  return match.length % 2 === 0;
}

function hasNoB(match: string): boolean {
  return !match.includes('b');
}
