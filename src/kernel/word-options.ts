import Type, { type TObject } from 'typebox';
import { defaulted, reference, type Configured } from './schema.ts';
import type { WordMask } from './word-mask.ts';
import type { WordAutomaton } from './word-automaton.ts';
import { sharedWordAutomaton } from './shared-word-automaton.ts';

/** Fields of every component that looks for words. Spread into its config. */
export const wordOptions = {
  words: reference(
    'word-list',
    Type.Array(Type.String({ minLength: 1, maxLength: 256 }), { minItems: 1, maxItems: 200_000 }),
    { description: 'The words: a list, or the name of a word list.' },
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

/** Fields of a component that masks the words. */
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
};

export type WordOptions = Configured<TObject<typeof wordOptions>>;
export type MaskOptions = Configured<TObject<typeof maskOptions>>;

/** The automaton of a config, shared with every other config of the same words. Throws as `buildWordAutomaton` does. */
export function automatonOf({ words, match, caseSensitive }: WordOptions): WordAutomaton {
  return sharedWordAutomaton(words, { match, caseSensitive });
}

/** The mask of a config. Throws a TypeError when it names two. */
export function maskOf(options: MaskOptions): WordMask {
  const { perCharacter } = options;
  if (perCharacter === undefined) return { with: options.with ?? '***' };
  if (options.with !== undefined) throw new TypeError('"with" and "perCharacter" exclude each other; leave one out');
  return { perCharacter };
}
