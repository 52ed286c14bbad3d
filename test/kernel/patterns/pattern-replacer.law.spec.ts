import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import { buildPatternAutomaton, type PatternSource } from '../../../src/kernel/patterns/pattern-automaton.ts';
import { createPatternReplacer, findPatterns } from '../../../src/kernel/patterns/pattern-replacer.ts';
import { cut, lawCases, proveLaw, proveMinimalHold } from '../../support/law.ts';
import { slowFinder, slowReplacer } from '../../support/native-patterns.ts';
import { randomPatterns, randomTextPieces } from '../../support/random-patterns.ts';

/** Texts that are tried with each list of patterns. */
const textsPerList = 100;
const lists = Math.max(1, Math.ceil(lawCases / textsPerList / 2));

/** Tells matches of different lengths or patterns from each other, and from text, by the first character. */
function mark(match: string, pattern: number): string {
  return String.fromCharCode(0xe000 + pattern * 256 + match.length);
}

const texts = fc.array(fc.constantFrom(...randomTextPieces), { maxLength: 9 }).map((pieces) => pieces.join(''));
const plainTexts = fc.array(fc.constantFrom('a', 'b', 'A', '-', 'ab'), { maxLength: 7 }).map((all) => all.join(''));
const sample = (options: Parameters<typeof randomPatterns>[0], count: number) =>
  fc.sample(randomPatterns(options), { numRuns: count });

function describeList(patterns: readonly PatternSource[]): string {
  return JSON.stringify(patterns.map(({ accept, ...rest }) => ({ ...rest, accept: accept?.name })));
}

/** Names the patterns with which a law was broken. */
function withEach(all: readonly PatternSource[][], prove: (patterns: PatternSource[]) => void): void {
  for (const patterns of all) {
    try {
      prove(patterns);
    } catch (error) {
      throw new Error(`with ${describeList(patterns)}`, { cause: error });
    }
  }
}

/** Expressions of which many beginnings are alive at a time, in equal states and in different ones. */
const crowded: readonly PatternSource[] = [
  { source: '[ab]{1,12}-' },
  { source: '(?:aa)+b', maxCharacters: 9 },
  { source: 'a+b', maxCharacters: 6 },
  { source: '[ab]+-', maxCharacters: 11 },
  { source: '(?:a|b)*a(?:a|b){8}-' },
  { source: 'a[^-]*-' },
  { source: '(?:ab|ba|aa){3,6}b', notAfter: '-' },
  { source: '[ab]{9,20}', notBefore: 'b', accept: (match: string) => match.length % 3 === 0 },
  { source: '(?:aab|ab?){4,}-', notBefore: '-' },
].map((pattern, index) => ({ name: `crowded ${index}`, ...pattern }));

describe('the law of patterns', () => {
  it('holds for random patterns, with judges and halves of pairs', () => {
    withEach(sample({ plain: false, span: 12, accepts: true }, lists), (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      const open = () => createPatternReplacer(automaton, mark);
      proveLaw({ open, oracle: slowReplacer(patterns, mark), texts, cases: textsPerList });
    });
  });

  it('holds where many beginnings are read side by side', () => {
    const long = fc.array(fc.constantFrom('a', 'b', 'aab', 'aaaa', 'abab', '-'), { maxLength: 24 });
    const given = crowded.flatMap((pattern, index) => [[pattern], [pattern, ...crowded.slice(index + 1, index + 3)]]);
    withEach(given, (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      proveLaw({
        open: () => createPatternReplacer(automaton, mark),
        oracle: slowReplacer(patterns, mark),
        texts: long.map((pieces) => pieces.join('')),
        cases: Math.ceil(lawCases / 1000),
      });
    });
  });

  it('holds back no more than maxHeldCharacters', () => {
    withEach(sample({ plain: false, span: 12, accepts: false }, lists), (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      const hold = (text: string, lengths: number[]) => {
        const replacer = createPatternReplacer(automaton, (match) => match);
        let held = 0;
        for (const piece of cut(text, lengths)) {
          held += piece.length - replacer.text(piece).length;
          if (held > automaton.maxHeldCharacters) throw new Error(`held ${held} of ${JSON.stringify(text)}`);
        }
      };
      fc.assert(fc.property(texts, fc.array(fc.nat({ max: 4 })), hold), { numRuns: textsPerList / 4 });
    });
  });

  it('finds the same places as it replaces', () => {
    withEach(sample({ plain: false, span: 12, accepts: true }, Math.ceil(lists / 4)), (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      const slow = slowFinder(patterns);
      const compare = (text: string) => {
        const [found, expected] = [[...findPatterns(automaton, text)], slow(text)].map((places) =>
          JSON.stringify(places.map(({ pattern, start, end }) => [pattern, start, end])),
        );
        if (found !== expected) throw new Error(`${JSON.stringify(text)}: found ${found}, expected ${expected}`);
      };
      fc.assert(fc.property(texts, compare), { numRuns: textsPerList / 4 });
    });
  });
});

/** All texts of up to so many pieces. */
function allTexts(pieces: readonly string[], length: number): string[] {
  if (length === 0) return [''];
  const shorter = allTexts(pieces, length - 1);
  return [...new Set([...shorter, ...shorter.flatMap((text) => pieces.map((piece) => text + piece))])];
}

describe('what is held back', () => {
  const remember = (oracle: (text: string) => string) => {
    const known = new Map<string, string>();
    return (text: string) => {
      const answer = known.get(text) ?? oracle(text);
      known.set(text, answer);
      return answer;
    };
  };

  it('is what can still become a match, and nothing else', () => {
    withEach(sample({ plain: true, span: 3, accepts: false }, Math.ceil(lists / 5)), (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      const open = () => createPatternReplacer(automaton, mark);
      const oracle = remember(slowReplacer(patterns, mark));
      proveMinimalHold({ open, oracle, texts: plainTexts, goesOn: allTexts(['a', 'b', '-'], 3), cases: 6 });
    });
  });

  it('is decided as far as may be between the halves of a pair', () => {
    const pieces = ['a', 'b', '-', '😀', '\ud83d', '\ude00', '\ude01'];
    const goesOn = allTexts(pieces, 2).flatMap((text) => [text, `\ude00${text}`, `\ude01${text}`]);
    withEach(sample({ plain: false, span: 2, accepts: false }, Math.ceil(lists / 10)), (patterns) => {
      const automaton = buildPatternAutomaton(patterns);
      const open = () => createPatternReplacer(automaton, mark);
      const oracle = remember(slowReplacer(patterns, mark));
      proveMinimalHold({ open, oracle, texts, goesOn, cases: 6 });
    });
  });
});
