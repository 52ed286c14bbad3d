import Type, { type TObject } from 'typebox';
import { buildPatternAutomaton, patternWidth, type PatternAutomaton, type PatternSource } from './pattern-automaton.ts';
import { patternKind, patternKinds } from './pattern-set.ts';
import { defaulted, Name, strictObject, type Configured } from '../schema.ts';

/** Longest match of a pattern of the author's own that can be asked for. */
const maxOwnMatch = 65_536;
const word = '[\\p{L}\\p{N}_]';

const characterClass = (description: string) =>
  Type.Optional(Type.String({ minLength: 1, maxLength: 200, description }));

const OwnPattern = strictObject({
  name: { ...Name, description: 'What stands in place of a match is made of it: "order-number" gives ORDER_NUMBER.' },
  regex: Type.String({
    minLength: 1,
    maxLength: 1_000,
    description: 'A regular expression in the syntax of JavaScript, without look-around, anchors and back-references.',
  }),
  ignoreCase: Type.Optional(Type.Boolean({ description: 'True: upper and lower case are the same.' })),
  wholeWords: Type.Optional(Type.Boolean({ description: 'True: no letter, digit or "_" may touch a match.' })),
  notAfter: characterClass('A match is never behind one of these characters, such as "[0-9.]".'),
  notBefore: characterClass('A match is never before one of these characters, such as "[0-9]".'),
  maxCharacters: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxOwnMatch,
      description: 'Longest match; needed where the expression has no bound of its own, such as in "a+".',
    }),
  ),
});

/** A pattern of the author's own. */
interface OwnPattern {
  readonly name: string;
  readonly regex: string;
  readonly ignoreCase?: boolean;
  readonly wholeWords?: boolean;
  readonly notAfter?: string;
  readonly notBefore?: string;
  readonly maxCharacters?: number;
}

const kindNames = patternKinds.map(({ name }) => name);

/** Fields of every component that looks for patterns. Spread into its config. */
export const patternOptions = {
  patterns: Type.Array(
    Type.Unsafe<string | OwnPattern>({
      if: { type: 'string' },
      then: { enum: kindNames, 'x-hint': `one of ${kindNames.join(', ')}` },
      else: OwnPattern,
    }),
    {
      minItems: 1,
      maxItems: 64,
      uniqueItems: true,
      description: `What is looked for: ${kindNames.join(', ')}, or patterns of your own with a name and a regex.`,
    },
  ),
  unbounded: defaulted(
    Type.Enum(['refuse', 'buffer'], {
      description:
        'What becomes of a regex whose matches have no bound. refuse: an error when the definition is loaded. ' +
        'buffer: it is taken, and text waits until no match can go on, for the whole answer if need be.',
    }),
    'refuse',
  ),
};

type PatternOptions = Configured<TObject<typeof patternOptions>>;

/** The patterns of a config, ready to be looked for. */
export interface ChosenPatterns {
  readonly automaton: PatternAutomaton;
  /** By the number of a pattern in the automaton: the name that the config has for it. */
  readonly names: readonly string[];
  /** By the same number: the spelling that all ways to write one thing share. */
  readonly canonical: readonly ((match: string) => string)[];
  /** A text of each built-in kind. */
  readonly samples: readonly string[];
}

interface NumberedPattern {
  readonly source: PatternSource;
  readonly canonical: (match: string) => string;
}

const asItIs = (match: string): string => match;

/**
 * Builds the automaton of a config. Throws a TypeError for a regex without a bound that the config does not take, and as
 * `buildPatternAutomaton` does.
 */
export function choosePatterns({ patterns, unbounded }: PatternOptions): ChosenPatterns {
  const numbered = patterns.flatMap((pattern) => (typeof pattern === 'string' ? builtIn(pattern) : [own(pattern)]));
  const automaton = buildPatternAutomaton(numbered.map(({ source }) => source));
  if (unbounded === 'refuse') refuseUnbounded(numbered.map(({ source }) => source));
  return {
    automaton,
    names: numbered.map(({ source }) => source.name),
    canonical: numbered.map(({ canonical }) => canonical),
    samples: patterns.flatMap((pattern) => (typeof pattern === 'string' ? sampleOf(pattern) : [])),
  };
}

function refuseUnbounded(sources: readonly PatternSource[]): void {
  for (const { name, source, maxCharacters } of sources) {
    if (maxCharacters !== undefined || Number.isFinite(patternWidth(source))) continue;
    throw new TypeError(
      `the pattern "${name}" has no longest match: bound its repetitions, such as {1,40} for +, give maxCharacters, ` +
        'or say unbounded: "buffer"',
    );
  }
}

function builtIn(name: string): NumberedPattern[] {
  const kind = patternKind(name);
  if (kind === undefined) throw new TypeError(`there is no pattern "${name}"; known: ${kindNames.join(', ')}`);
  return kind.sources.map((source) => ({ source: { name, ...source }, canonical: kind.canonical ?? asItIs }));
}

function sampleOf(name: string): readonly string[] {
  return patternKind(name)?.samples.slice(0, 1) ?? [];
}

function own(pattern: OwnPattern): NumberedPattern {
  const { name, regex, ignoreCase, wholeWords, maxCharacters } = pattern;
  const touching = wholeWords === true ? word : undefined;
  const { notAfter = touching, notBefore = touching } = pattern;
  const source = {
    name,
    source: regex,
    ...(ignoreCase !== undefined && { ignoreCase }),
    ...(maxCharacters !== undefined && { maxCharacters }),
    ...(notAfter !== undefined && { notAfter }),
    ...(notBefore !== undefined && { notBefore }),
  };
  return { source, canonical: asItIs };
}
