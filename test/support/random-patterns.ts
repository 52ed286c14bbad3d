import fc from 'fast-check';
import type { PatternSource } from '../../src/kernel/patterns/pattern-automaton.ts';

/** An expression, and a number of characters by which each beginning of a match can be made a whole one. */
interface Expression {
  readonly source: string;
  readonly span: number;
}

/** Pieces of texts for the random patterns. The last ones are halves of pairs, which may meet. */
export const randomTextPieces = ['a', 'b', 'A', '-', 'ab', 'ba', 'aa', '😀', '😁', '\ud83d', '\ude00'];

const sets = ['a', 'b', '-', '[ab]', '[^a]', '[^b-]', '.', '\\w', '[a-c😀]', '😀', '\\ud83d', '[\\ude00a]', '\\W'];
const plainSets = ['a', 'b', '-', '[ab]', '[^a]', '[^b-]', '\\w'];
const counts = ['?', '*', '+', '{2}', '{0,2}', '{1,3}', '{2,}', '*?', '+?', '??'];

/** Small expressions. `plain` ones know nothing of surrogates. */
function randomExpression(plain: boolean): fc.Arbitrary<Expression> {
  const leaf = fc.constantFrom(...(plain ? plainSets : sets)).map((source) => ({ source, span: 1 }));
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
    span: parts.reduce((sum, { span }) => sum + span, 0),
  };
}

function choice(parts: readonly Expression[]): Expression {
  return {
    source: `(${parts.map(({ source }) => source).join('|')})`,
    span: Math.max(...parts.map(({ span }) => span)),
  };
}

function repeat(part: Expression, count: string): Expression {
  return { source: `(?:${part.source})${count}`, span: part.span * (count.startsWith('{2') ? 2 : 1) };
}

interface RandomPatternOptions {
  /** No surrogates in expressions. */
  readonly plain: boolean;
  /** The most characters that a beginning of a match may be away from a whole one. */
  readonly span: number;
  readonly accepts: boolean;
}

/** Lists of one to three patterns with borders, limits and judges. */
export function randomPatterns({ plain, span, accepts }: RandomPatternOptions): fc.Arbitrary<PatternSource[]> {
  const around = fc.constantFrom(...(plain ? ['a', '[ab]', '[^b]', '-'] : ['a', '[ab]', '[^b]', '😀', '[\\ud83d-]']));
  const pattern = fc
    .record(
      {
        expression: randomExpression(plain).filter((one) => one.span <= span),
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
