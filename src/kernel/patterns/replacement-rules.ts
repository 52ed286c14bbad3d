import { compileCaptureGroups, listCaptureGroups } from './capture-groups.ts';
import type { TextRewriter } from '../modifier.ts';
import { literalExpression } from './literal-expression.ts';
import { buildPatternAutomaton, patternWidth, type PatternSource } from './pattern-automaton.ts';
import { createPatternReplacer, findPatterns } from './pattern-replacer.ts';
import { patternSample } from './pattern-sample.ts';
import { fillReplacement, parseReplacement, readsGroups, type ReplacementTemplate } from './replacement-template.ts';
import { sharedWordAutomaton } from '../words/shared-word-automaton.ts';
import { foldText } from '../words/text-folding.ts';
import { createWordMasker } from '../words/word-mask.ts';

/** One rule: `find` is a text, `pattern` an expression as in `PatternSource`; exactly one of them is given. */
export interface ReplacementRule {
  readonly find?: string;
  readonly pattern?: string;
  /** Stands in place of a match; beside `pattern` a template, beside `find` just text. */
  readonly with: string;
  readonly ignoreCase?: boolean;
  /** No letter, digit or "_" touches a match. */
  readonly wholeWords?: boolean;
  /** Most UTF-16 code units of a match of `pattern`. */
  readonly maxCharacters?: number;
}

/** Rules that are ready for text, shared by all streams. */
export interface Replacements {
  readonly maxHeldCharacters: number;
  /** Texts that are replaced, a few of all. */
  readonly samples: readonly string[];
  open(): TextRewriter;
}

interface TextRule extends ReplacementRule {
  readonly find: string;
}
interface PatternRule extends ReplacementRule {
  readonly pattern: string;
}

/** Rules of which at least one is a pattern, or which differ in how they compare. */
const maxMixedRules = 1000;
const maxSamples = 20;
const maxSampleLength = 64;
const letter = '[\\p{L}\\p{N}_]';

/**
 * Compiles rules that work together in one pass: of all matches of all rules the leftmost one is replaced, of those the
 * longest, of those the one of the first rule; then the search goes on behind it. What was put in is not searched.
 *
 * Texts alone, compared in one way, may be very many: they are found by a word automaton. All else is one automaton of
 * patterns. Throws a TypeError, a RangeError or a PatternError that names the rule and what is wrong with it.
 */
export function compileReplacements(rules: readonly ReplacementRule[], takesUnbounded: boolean): Replacements {
  for (const [index, rule] of rules.entries()) checkRule(rule, index, takesUnbounded);
  const [first] = rules;
  if (first !== undefined && rules.every((rule): rule is TextRule => isTextRule(rule) && comparesAs(rule, first))) {
    return replaceTexts(rules, first);
  }
  return replacePatterns(rules);
}

function isTextRule(rule: ReplacementRule): rule is TextRule {
  return rule.find !== undefined;
}

function isPatternRule(rule: ReplacementRule): rule is PatternRule {
  return rule.pattern !== undefined;
}

function comparesAs(rule: ReplacementRule, other: ReplacementRule): boolean {
  const { ignoreCase = false, wholeWords = false } = other;
  return (rule.ignoreCase ?? false) === ignoreCase && (rule.wholeWords ?? false) === wholeWords;
}

const nameOf = (index: number): string => `rule ${index + 1}`;

function checkRule(rule: ReplacementRule, index: number, takesUnbounded: boolean): void {
  const name = nameOf(index);
  const { find, pattern, maxCharacters } = rule;
  if ((find === undefined) === (pattern === undefined))
    throw new TypeError(`${name}: give "find" for a text or "pattern" for an expression, one of them`);
  if (find !== undefined) {
    if (!find.isWellFormed()) throw new TypeError(`${name}: the text holds half of a surrogate pair`);
    if (maxCharacters !== undefined) throw new TypeError(`${name}: "maxCharacters" has a meaning for a pattern only`);
  }
  if (pattern === undefined || maxCharacters !== undefined || takesUnbounded) return;
  // A broken expression is named by the automaton, together with its rule.
  if (widthOf(pattern) !== Number.POSITIVE_INFINITY) return;
  throw new TypeError(
    `${name}: the expression has no longest match: bound its repetitions, such as {1,40} for +, give maxCharacters, ` +
      'or say unbounded: "buffer"',
  );
}

function widthOf(pattern: string): number {
  try {
    return patternWidth(pattern);
  } catch {
    return 0;
  }
}

function replaceTexts(
  rules: readonly TextRule[],
  { ignoreCase = false, wholeWords = false }: ReplacementRule,
): Replacements {
  const texts = rules.map(({ find }) => find);
  const options = { caseSensitive: !ignoreCase, match: wholeWords ? 'word' : 'substring' } as const;
  const automaton = sharedWordAutomaton(texts, options);
  const keyOf = (text: string): string => (ignoreCase ? foldText(text) : text);
  // The last entry of a key stays, and of equal texts the first rule counts.
  const newTexts = new Map(rules.toReversed().map((rule) => [keyOf(rule.find), rule.with]));
  const mask = { replace: (match: string) => newTexts.get(keyOf(match)) ?? match };
  const { maxHeldCharacters } = automaton;
  return { maxHeldCharacters, samples: texts.slice(0, maxSamples), open: () => createWordMasker(automaton, mask) };
}

function replacePatterns(rules: readonly ReplacementRule[]): Replacements {
  if (rules.length > maxMixedRules) {
    throw new RangeError(
      `more than ${maxMixedRules} rules must all be texts, with the same ignoreCase and wholeWords; split them`,
    );
  }
  const sources = rules.map(sourceOf);
  const automaton = buildPatternAutomaton(sources);
  const newTexts = rules.map((rule, index) => (isPatternRule(rule) ? fillerOf(rule, index) : () => rule.with));
  const replace = (match: string, pattern: number): string => newTexts[pattern]?.(match) ?? match;
  const samples = rules
    .slice(0, maxSamples)
    .map(({ find, pattern = '', ignoreCase }) => find ?? patternSample(pattern, ignoreCase))
    .filter((text) => text.length <= maxSampleLength && [...findPatterns(automaton, text)].length > 0);
  return {
    maxHeldCharacters: automaton.maxHeldCharacters,
    samples,
    open: () => createPatternReplacer(automaton, replace),
  };
}

function sourceOf(rule: ReplacementRule, index: number): PatternSource {
  const { find, pattern = '', ignoreCase = false, wholeWords = false, maxCharacters } = rule;
  return {
    name: nameOf(index),
    source: find === undefined ? pattern : literalExpression(find, ignoreCase),
    // The expression of a text has both cases in it already.
    ignoreCase: ignoreCase && find === undefined,
    ...(maxCharacters === undefined ? {} : { maxCharacters }),
    ...(wholeWords ? { notAfter: letter, notBefore: letter } : {}),
  };
}

/** What stands in place of a match of a pattern; groups are only read where the template needs them. */
function fillerOf({ pattern, ignoreCase, with: template }: PatternRule, index: number): (match: string) => string {
  const name = nameOf(index);
  const parts = templateOf(name, template, pattern);
  if (!readsGroups(parts)) return (match) => fillReplacement(parts, [match]);
  const read = compileCaptureGroups(name, pattern, ignoreCase);
  return (match) => fillReplacement(parts, read(match));
}

function templateOf(name: string, template: string, pattern: string): ReplacementTemplate {
  try {
    return parseReplacement(template, listCaptureGroups(pattern));
  } catch (error) {
    const problem = error instanceof TypeError ? error.message : 'the template is not valid';
    throw new TypeError(`${name}: ${problem}`, { cause: error });
  }
}
