import { buildPatternAlphabet, noLabel, type PatternAlphabet } from './pattern-alphabet.ts';
import { holdsSurrogates, union, type CharacterSet } from './pattern-characters.ts';
import { PatternError } from './pattern-error.ts';
import { buildPatternNfa } from './pattern-nfa.ts';
import { parseCharacterClass, parseExpression, parsePattern, treeWidth, type PatternTree } from './pattern-parse.ts';
import { PatternStates, type PatternRule, type PatternState } from './pattern-states.ts';
import { PatternWalk } from './pattern-walk.ts';

/*
 * Finds what matches one of several regular expressions in running text: the leftmost match, of those the longest, and of
 * those the one of the first pattern. Text is read as code points: a pair of surrogates is one character, which no match
 * begins or ends within; a surrogate alone is a character of its own.
 *
 * Each character may begin a thread: its start and the state of one deterministic automaton for all patterns. Threads move
 * on side by side, so nothing is read twice. A candidate of a thread ends all threads that began inside of it; a thread
 * that meets an earlier one in the same state is given up, where what comes of the state does not depend on the start.
 * Where there is at most one thread and nothing ends, which is nearly all of ordinary text, rows of numbers lead on.
 */

export interface PatternSource {
  /** Names the pattern in messages. */
  readonly name: string;
  /**
   * Regular expression in the syntax of JavaScript with the flag `u`. Greed makes no difference, groups are only groups.
   * A `\b` may stand at its beginning before a letter and at its end behind one. Not supported: other `\b`, ^ $ \B,
   * look-around, references to groups, flags inside.
   */
  readonly source: string;
  /** As the flag `i` beside `u`. */
  readonly ignoreCase?: boolean;
  /** Most UTF-16 code units of one match. Where the expression matches more, that is no match. */
  readonly maxCharacters?: number;
  /** A class such as `[\p{L}\p{N}_]`: a match is never behind a character of it. */
  readonly notAfter?: string;
  /** A match is never before a character of it. */
  readonly notBefore?: string;
  /** Judges what the expression matched. Pure; may be asked more than once. */
  readonly accept?: (match: string) => boolean;
}

/** Immutable as seen from outside, shared by all streams; states are made when they are first met. */
export interface PatternAutomaton {
  readonly patterns: readonly PatternSource[];
  /** The most UTF-16 code units that a stream holds back; Infinity where a pattern has no bound. */
  readonly maxHeldCharacters: number;
  readonly alphabet: PatternAlphabet;
  readonly rules: readonly PatternRule[];
  readonly states: PatternStates;
  /** By label: the context behind a character of it. The context of the beginning of a text is 0. */
  readonly contexts: Uint16Array;
  /** By context: what may begin there. */
  readonly starts: readonly PatternState[];
  /** The present rows for ordinary text. */
  walk: PatternWalk;
}

const maxPatterns = 1000;
/** Most that `maxCharacters` may be. */
const maxMatchCharacters = 65_536;

interface ParsedPattern {
  readonly name: string;
  readonly tree: PatternTree;
  readonly width: number;
  readonly notAfter: CharacterSet | undefined;
  readonly notBefore: CharacterSet | undefined;
}

/** Compiles patterns. Throws a PatternError that names the pattern, what is wrong with it and where. */
export function buildPatternAutomaton(patterns: readonly PatternSource[]): PatternAutomaton {
  if (patterns.length > maxPatterns)
    throw new PatternError(patterns[maxPatterns]?.name ?? '', `there are more than ${maxPatterns} patterns`);
  const parsed = patterns.map(readPattern);
  const around = parsed.flatMap(({ notAfter, notBefore }) => [notAfter ?? [], notBefore ?? []]);
  const { moreSetNumbers, ...nfa } = buildPatternNfa(parsed, around);
  const alphabet = buildPatternAlphabet(nfa.characterSets);
  const membersOf = (number: number) => alphabet.members[moreSetNumbers[number] ?? 0];
  const rules = patterns.map(({ accept, maxCharacters = Infinity }, index) => ({
    limit: maxCharacters < (parsed[index]?.width ?? 0) ? maxCharacters : Infinity,
    accept,
    notBefore: parsed[index]?.notBefore === undefined ? undefined : membersOf(2 * index + 1),
  }));
  const states = new PatternStates(nfa, alphabet, rules);
  const { contexts, allowed } = distinguishContexts(alphabet.width, patterns.length, (pattern, label) => {
    return parsed[pattern]?.notAfter !== undefined && membersOf(2 * pattern)?.[label] === 1;
  });
  const starts = allowed.map((those) => states.start(those));
  const walk = new PatternWalk(states, alphabet.width, contexts, starts);
  const held = parsed.map((pattern, index) => longestHold(pattern, patterns[index]?.maxCharacters));
  return { patterns, maxHeldCharacters: Math.max(0, ...held), alphabet, rules, states, contexts, starts, walk };
}

/** Most UTF-16 code units that an expression can match; Infinity where it has no bound. Throws a PatternError. */
export function patternWidth(source: string): number {
  return Math.max(0, treeWidth(parsePattern('pattern', source)));
}

function readPattern(pattern: PatternSource): ParsedPattern {
  const { name, source, ignoreCase, maxCharacters, notAfter, notBefore } = pattern;
  const expression = parseExpression(name, source, ignoreCase);
  const { tree } = expression;
  const width = treeWidth(tree);
  if (width <= 0) throw new PatternError(name, 'the expression matches no text');
  if (maxCharacters !== undefined && !(Number.isInteger(maxCharacters) && maxCharacters >= 1))
    throw new PatternError(name, 'maxCharacters is not a whole number above 0');
  if (maxCharacters !== undefined && maxCharacters > maxMatchCharacters)
    throw new PatternError(name, `maxCharacters is more than ${maxMatchCharacters}`);
  const around = (border: CharacterSet | undefined, text: string | undefined) => {
    const given = text === undefined ? [] : [parseCharacterClass(name, text, ignoreCase)];
    const sets = border === undefined ? given : [border, ...given];
    return sets.length === 0 ? undefined : union(sets);
  };
  return {
    name,
    tree,
    width,
    notAfter: around(expression.notAfter, notAfter),
    notBefore: around(expression.notBefore, notBefore),
  };
}

/** Labels behind which the same patterns may begin are one context. */
function distinguishContexts(
  width: number,
  patternCount: number,
  forbids: (pattern: number, label: number) => boolean,
): { readonly contexts: Uint16Array; readonly allowed: readonly (readonly number[])[] } {
  const all = Array.from({ length: patternCount }, (_nothing, index) => index);
  const numbers = new Map<string, number>();
  const allowed: (readonly number[])[] = [];
  const contexts = new Uint16Array(width);
  for (let label = noLabel; label < width; label += 1) {
    const those = all.filter((pattern) => label === noLabel || !forbids(pattern, label));
    const key = those.join();
    const number = numbers.get(key) ?? allowed.push(those) - 1;
    numbers.set(key, number);
    contexts[label] = number;
  }
  return { contexts, allowed };
}

/** What a match is waited for: the rest of it, the character behind it, the other half of a pair. */
function longestHold({ width, tree, notBefore }: ParsedPattern, maxCharacters = Infinity): number {
  const longest = Math.min(width, maxCharacters);
  if (notBefore !== undefined) return longest + 1;
  return readsSurrogates(tree) ? longest : longest - 1;
}

function readsSurrogates(tree: PatternTree): boolean {
  switch (tree.kind) {
    case 'set':
      return holdsSurrogates(tree.set);
    case 'repeat':
      return readsSurrogates(tree.part);
    default:
      return tree.parts.some(readsSurrogates);
  }
}
