import Type from 'typebox';
import { channels, defineModifier, type Channel } from '../kernel/component.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { createWordMasker } from '../kernel/word-mask.ts';
import { automatonOf, maskOf, maskOptions, wordOptions } from '../kernel/word-options.ts';

const config = strictObject({
  ...wordOptions,
  ...maskOptions,
  channels: defaulted(
    Type.Array(Type.Enum([...channels]), {
      minItems: 1,
      uniqueItems: true,
      description: 'Kinds of text that are masked.',
    }),
    [...channels],
  ),
});

/**
 * Masks the words of a list in the answer while it streams. A word that is cut by the pieces of the stream is found all
 * the same; held back is only what can still become one, so text without the beginning of a word passes at once. Each
 * block of the answer is a text of its own.
 */
export const maskWords = defineModifier({
  type: 'mask-words',
  summary: 'Masks the words of a list in the answer.',
  config,
  needs: [],
  guard: true,
  examples: [
    {
      title: 'A word in two pieces',
      config: { words: ['secret'] },
      given: ['the sec', 'ret is 42'],
      expect: 'the *** is 42',
    },
    {
      title: 'Case and width make no difference',
      config: { words: ['secret', '秘密'] },
      given: ['Ｓｅｃ', 'RET 秘', '密!'],
      expect: '*** ***!',
    },
    {
      title: 'The longest word wins',
      config: { words: ['pass', 'password'], with: '[hidden]' },
      given: ['pass', 'word, pass', 'port'],
      expect: '[hidden], [hidden]port',
    },
    {
      title: 'Whole words only',
      config: { words: ['art'], match: 'word' },
      given: ['art, par', 'ty, art', 'ist, art'],
      expect: '***, party, artist, ***',
    },
    {
      title: 'One mark for each character',
      config: { words: ['敏感词'], perCharacter: '*' },
      given: ['这是敏', '感词。'],
      expect: '这是***。',
    },
    {
      title: 'Exact case',
      config: { words: ['Apple'], caseSensitive: true },
      given: ['Apple and apple'],
      expect: '*** and apple',
    },
  ],
  create(options) {
    const automaton = automatonOf(options);
    const mask = maskOf(options);
    const { maxHeldCharacters } = automaton;
    return {
      effect: 'text' as const,
      channels: options.channels satisfies readonly Channel[],
      policy: maxHeldCharacters === 0 ? ({ mode: 'live' } as const) : ({ mode: 'window', maxHeldCharacters } as const),
      open: () => createWordMasker(automaton, mask),
    };
  },
});
