import Type, { type TObject } from 'typebox';
import { defaulted, reference, type Configured } from '../schema.ts';
import { sharedWordAutomaton } from './shared-word-automaton.ts';
import { foldText } from './text-folding.ts';
import type { WordAutomaton } from './word-automaton.ts';
import type { WordMask } from './word-mask.ts';

const maxReplacements = 10_000;
const maxReplacementLength = 4096;
const maxSamples = 20;

/** Fields of every component that looks for words. Spread into its config. */
export const wordOptions = {
  words: Type.Optional(
    reference(
      'word-list',
      Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 200_000 }),
      { description: 'The words: a list, or the name of a word list. Words of `replacements` join it.' },
    ),
  ),
  match: defaulted(
    Type.Enum(['substring', 'word'], {
      description:
        'substring: wherever the characters stand. word: only where no letter, digit or "_" touches them; ' +
        'not for scripts without spaces, such as Chinese, where every neighbour is a letter.',
    }),
    'substring',
  ),
  caseSensitive: defaulted(
    Type.Boolean({
      description: 'False: upper and lower case, full and half width are the same. True: compared exactly.',
    }),
    false,
  ),
};

/** Fields of a component that puts something in place of the words. */
export const maskOptions = {
  with: Type.Optional(
    Type.String({ maxLength: 256, description: 'Stands in place of each match; "***" when left out.' }),
  ),
  perCharacter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1,
      description: 'In place of `with`: stands for each character of a match, which keeps its length.',
    }),
  ),
  replacements: Type.Optional(
    Type.Unsafe<Readonly<Record<string, string>>>({
      type: 'object',
      minProperties: 1,
      maxProperties: maxReplacements,
      propertyNames: { minLength: 1, maxLength: 256, 'x-hint': 'a word has 1 to 256 characters' },
      additionalProperties: { type: 'string', maxLength: maxReplacementLength },
      description: 'For the action `replace`: the text for each word, put in as it is written here.',
    }),
  ),
};

/** A config names words by a list, or by the keys of its replacements. Spread into the options of `strictObject`. */
export const wordsAreNamed = {
  if: { type: 'object', properties: { action: { const: 'replace' } }, required: ['action'] },
  then: { type: 'object', properties: { replacements: {} }, required: ['replacements'] },
  else: { type: 'object', properties: { words: {} }, required: ['words'] },
};

export type WordOptions = Configured<TObject<typeof wordOptions>>;
export type MaskOptions = Configured<TObject<typeof maskOptions>>;
type Replacements = Pick<MaskOptions, 'replacements'>;

/**
 * The automaton of a config, shared with every other config of the same words. `startsOnly` as in
 * `WordAutomatonOptions`. Throws as `buildWordAutomaton` does.
 */
export function automatonOf(options: WordOptions & Replacements, startsOnly = false): WordAutomaton {
  const { match, caseSensitive } = options;
  return sharedWordAutomaton(wordsOf(options), { match, caseSensitive, startsOnly });
}

/** What a config does with its words. Throws a TypeError for fields that exclude each other or have no use. */
export function maskOf(options: WordOptions & MaskOptions & { readonly action: string }): WordMask {
  const { action, replacements, perCharacter } = options;
  if (perCharacter !== undefined && options.with !== undefined)
    throw new TypeError('"with" and "perCharacter" exclude each other; leave one out');
  if (action === 'replace') return replaceByMap(options);
  if (replacements !== undefined) throw new TypeError('"replacements" needs "action": "replace" beside it');
  if (action === 'remove') {
    refuseMasks(options);
    return { with: '' };
  }
  return plainMask(options);
}

/** Throws a TypeError where a config says what stands in place of a match though nothing does. */
export function refuseMasks({ action, ...options }: MaskOptions & { readonly action: string }): void {
  const useless = (['with', 'perCharacter', 'replacements'] as const).find((key) => options[key] !== undefined);
  if (useless !== undefined) throw new TypeError(`"${useless}" has no use beside "action": "${action}"; leave it out`);
}

/** A few of the words, for the plan of a pipeline. */
export function sampleWords(options: WordOptions & Replacements): readonly string[] {
  return wordsOf(options).slice(0, maxSamples);
}

function wordsOf({ words = [], replacements }: WordOptions & Replacements): readonly string[] {
  return replacements === undefined ? words : [...words, ...Object.keys(replacements)];
}

function plainMask({ perCharacter, with: text = '***' }: MaskOptions): WordMask {
  return perCharacter === undefined ? { with: text } : { perCharacter };
}

/** Words of the list that have no text of their own are masked. */
function replaceByMap(options: WordOptions & MaskOptions): WordMask {
  const texts = foldedReplacements(options);
  const fold = options.caseSensitive ? (match: string): string => match : foldText;
  const { perCharacter, with: text = '***' } = options;
  const mask = (match: string): string => (perCharacter === undefined ? text : perCharacter.repeat([...match].length));
  return { replace: (match) => texts.get(fold(match)) ?? mask(match) };
}

/** Messages give the place and not the word, which may be a secret. */
function foldedReplacements({ replacements, caseSensitive }: WordOptions & Replacements): Map<string, string> {
  const texts = new Map<string, string>();
  for (const [index, [word, text]] of Object.entries(replacements ?? {}).entries()) {
    const folded = caseSensitive ? word : foldText(word);
    if ((texts.get(folded) ?? text) !== text)
      throw new TypeError(
        `word ${index + 1} of "replacements" is another spelling of one before it, with another text`,
      );
    if (!text.isWellFormed()) throw new TypeError(`text ${index + 1} of "replacements" holds half of a surrogate pair`);
    texts.set(folded, text);
  }
  return texts;
}
