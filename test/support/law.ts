import fc from 'fast-check';
import type { TextRewriter } from '../../src/kernel/modifier.ts';

/*
 * The law of modifiers: whatever the cuts of the stream, what leaves is the rule applied to the whole text; what has
 * left is never changed; and no more is held than the rule needs. The rule is given as an oracle, a function of the
 * whole text that shares no code with the modifier.
 */

/** Cases of one component: 100,000 in every run of the tests, 1,000,000 in `npm run test:deep`. */
export const lawCases = Number(process.env['LAW_CASES'] ?? 100_000);

export interface Law {
  /** Opens a rewriter for one text. */
  open(): TextRewriter;
  /** The new text of a whole text. */
  oracle(text: string): string;
  /** Texts in which the rule often matches, nearly matches, and is cut short. */
  readonly texts: fc.Arbitrary<string>;
  /** Default `lawCases`. Components with several rules share the cases among them. */
  readonly cases?: number;
}

/** Throws with the smallest text and cuts that break the law. */
export function proveLaw(law: Law): void {
  const { texts, cases = lawCases } = law;
  fc.assert(
    fc.property(texts, cuts, (text, lengths) => {
      const pieces = cut(text, lengths);
      const left = runPieces(law.open(), pieces);
      expectSame(left.join(''), law.oracle(text), pieces);
    }),
    { numRuns: cases },
  );
}

export interface Minimal extends Law {
  /**
   * What a text may go on with: the ends of everything that may match, and something that ends every match. The better
   * these are, the stricter the test.
   */
  readonly goesOn: readonly string[];
}

/** Throws where a rewriter holds text that is the same however the text goes on. `cases` counts prefixes. */
export function proveMinimalHold(law: Minimal): void {
  const { texts, goesOn, cases = lawCases } = law;
  fc.assert(
    fc.property(texts, cuts, (text, lengths) => {
      const rewriter = law.open();
      let read = '';
      let left = '';
      for (const piece of cut(text, lengths)) {
        read += piece;
        left += rewriter.text(piece);
        const certain = goesOn.map((rest) => law.oracle(read + rest)).reduce(commonStart);
        expectSame(left, certain, [read]);
      }
    }),
    { numRuns: cases },
  );
}

/** Lengths of the pieces, used in turn; 0 is an empty piece. */
const cuts = fc.oneof(
  fc.constant([1]),
  fc.constant([Number.MAX_SAFE_INTEGER]),
  fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 6 }),
);

/** Cuts between any two UTF-16 code units, so through pairs and graphemes too. */
export function cut(text: string, lengths: readonly number[]): string[] {
  const pieces: string[] = [];
  const usable = lengths.some((length) => length > 0) ? lengths : [1];
  for (let start = 0, turn = 0; start < text.length; turn += 1) {
    const length = usable[turn % usable.length] ?? 1;
    pieces.push(text.slice(start, start + length));
    start += length;
  }
  return pieces;
}

/** What leaves for each piece, and at the end. */
export function runPieces(rewriter: TextRewriter, pieces: readonly string[]): string[] {
  const left = pieces.map((piece) => rewriter.text(piece));
  left.push(rewriter.flush());
  return left;
}

function expectSame(left: string, expected: string, pieces: readonly string[]): void {
  if (left === expected) return;
  throw new Error(
    `given ${JSON.stringify(pieces)}\nexpected ${JSON.stringify(expected)}\nreceived ${JSON.stringify(left)}`,
  );
}

function commonStart(one: string, other: string): string {
  let length = 0;
  while (length < one.length && length < other.length && one[length] === other[length]) length += 1;
  return one.slice(0, length);
}
