import { RegExpParser, visitRegExpAST, type AST } from '@eslint-community/regexpp';
import { RE2JS } from 're2js';
import type { CharacterSet } from './pattern-characters.ts';
import { PatternError } from './pattern-error.ts';
import { parseCharacterClass } from './pattern-parse.ts';

/** The capturing groups of an expression. */
export interface CaptureGroups {
  readonly count: number;
  /** Numbers of the named groups. */
  readonly numbers: ReadonlyMap<string, number>;
}

/** What each group took of a whole match, by its number; '' for a group that took no part. The match itself is 0. */
export type CaptureReader = (match: string) => readonly string[];

/** Repetitions that the engine takes, also where they are nested. */
const maxRepetitions = 1000;

/** The groups of an expression that has been checked by `buildPatternAutomaton`. */
export function listCaptureGroups(source: string): CaptureGroups {
  const names: (string | null)[] = [];
  visitRegExpAST(parse(source), { onCapturingGroupEnter: ({ name }) => void names.push(name) });
  const numbers = new Map(names.flatMap((name, index) => (name === null ? [] : [[name, index + 1] as const])));
  return { count: names.length, numbers };
}

/**
 * Compiles what reads the groups of an expression, which has been checked by `buildPatternAutomaton`. What a group takes is
 * decided as by Perl, on the match alone: of several ways to match it, an earlier alternative goes before a later one, and
 * more goes before less where the quantifier is greedy. Done in time linear in the match. Throws a PatternError for
 * counted repetitions that are too large for this.
 */
export function compileCaptureGroups(name: string, source: string, ignoreCase = false): CaptureReader {
  const sets = new Map<string, string>();
  const writeSet = (raw: string): string => {
    const known = sets.get(raw) ?? classOf(parseCharacterClass(name, raw, ignoreCase));
    sets.set(raw, known);
    return known;
  };
  const expression = compile(name, writeChoice(parse(source).alternatives, { name, writeSet }));
  return (match) => readGroups(expression, match);
}

function parse(source: string): AST.Pattern {
  return new RegExpParser({ ecmaVersion: 2025 }).parsePattern(source, 0, source.length, { unicode: true });
}

interface Context {
  readonly name: string;
  /** A class for what matches one character, by its own spelling. */
  readonly writeSet: (raw: string) => string;
}

function compile(name: string, expression: string): RE2JS {
  try {
    return RE2JS.compile(expression);
  } catch {
    throw new PatternError(name, `the groups can't be read: the expression is too large, repeat less`);
  }
}

function readGroups(expression: RE2JS, match: string): readonly string[] {
  const matcher = expression.matcher(match);
  const isMatch = matcher.matches();
  return Array.from({ length: expression.groupCount() + 1 }, (_nothing, index) =>
    index === 0 ? match : isMatch ? (matcher.group(index) ?? '') : '',
  );
}

function writeChoice(alternatives: readonly AST.Alternative[], context: Context): string {
  return alternatives.map(({ elements }) => elements.map((one) => writeElement(one, context)).join('')).join('|');
}

function writeElement(element: AST.Element, context: Context): string {
  switch (element.type) {
    case 'CapturingGroup':
      return `(${writeChoice(element.alternatives, context)})`;
    case 'Group':
      return `(?:${writeChoice(element.alternatives, context)})`;
    case 'Quantifier':
      return `(?:${writeElement(element.element, context)})${writeCount(element, context)}`;
    default:
      return context.writeSet(element.raw);
  }
}

function writeCount({ min, max, greedy, start }: AST.Quantifier, { name }: Context): string {
  if (min > maxRepetitions || (max > maxRepetitions && max !== Number.POSITIVE_INFINITY)) {
    throw new PatternError(
      name,
      `groups can't be read where something is repeated more than ${maxRepetitions} times`,
      start,
    );
  }
  return `{${min},${max === Number.POSITIVE_INFINITY ? '' : max}}${greedy ? '' : '?'}`;
}

function classOf(set: CharacterSet): string {
  let ranges = '';
  for (let at = 0; at + 1 < set.length; at += 2) {
    ranges += `\\x{${(set[at] ?? 0).toString(16)}}-\\x{${((set[at + 1] ?? 0) - 1).toString(16)}}`;
  }
  return `[${ranges}]`;
}
