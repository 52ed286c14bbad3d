import Type from 'typebox';
import { blockedEnding, endingMessage } from '../kernel/blocked-ending.ts';
import { channelOption } from '../kernel/channel-option.ts';
import { defineModifier } from '../kernel/component.ts';
import { channels, type AnswerEnding, type TextModifier } from '../kernel/modifier.ts';
import { defaulted, strictObject, type Configured } from '../kernel/schema.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';
import type { WordAutomaton } from '../kernel/words/word-automaton.ts';
import { createWordMasker, type WordMask } from '../kernel/words/word-mask.ts';
import {
  automatonOf,
  maskOf,
  maskOptions,
  refuseMasks,
  sampleWords,
  wordOptions,
  wordsAreNamed,
} from '../kernel/words/word-options.ts';

const config = strictObject(
  {
    ...wordOptions,
    action: defaulted(
      Type.Enum(['mask', 'remove', 'replace', 'stop'], {
        description:
          'mask: something stands in place of each match. remove: nothing does. replace: the text that `replacements` ' +
          'has for the word. stop: the answer ends before the first match, as blocked by a content filter.',
      }),
      'mask',
    ),
    ...maskOptions,
    message: endingMessage('For the action `stop`: what the client is told behind the text that has left.'),
    channels: channelOption(
      channels,
      'Kinds of text that are looked at. Of tool arguments it is each string, and no key.',
    ),
  },
  wordsAreNamed,
);

/**
 * Masks, removes or replaces the words of a list in the answer while it streams, or ends the answer where one begins. A
 * word that is cut by the pieces of the stream is found all the same; held back is only what can still become one, so
 * text without the beginning of a word passes at once. Each block of the answer, and each string in the arguments of a
 * tool call, is a text of its own. Of words that begin at the same place the longest counts, and what was put in is not
 * searched again.
 */
export const maskWords = defineModifier({
  type: 'mask-words',
  summary: 'Masks, removes or replaces the words of a list in the answer, or ends the answer before one.',
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
    {
      title: 'Remove a word',
      config: { words: [' (internal)'], action: 'remove' },
      given: ['Plan A (inter', 'nal) is best'],
      expect: 'Plan A is best',
    },
    {
      title: 'A text for each word, and a mask for the rest',
      config: { action: 'replace', replacements: { 'Acme 2': 'our product', acme: 'us' }, words: ['rival'] },
      given: ['ACME', ' 2 by acme, not by Riv', 'al'],
      expect: 'our product by us, not by ***',
    },
    {
      title: 'End the answer before a word',
      config: { words: ['codeword'], action: 'stop' },
      given: ['A coded text: the code', 'word is 42'],
      expect: 'A coded text: the ',
    },
  ],
  create(options): TextModifier {
    const isStop = options.action === 'stop';
    const automaton = automatonOf(options, isStop);
    return {
      effect: 'text',
      channels: options.channels,
      policy: heldAtMost(automaton.maxHeldCharacters),
      rewrites: { samples: sampleWords(options) },
      open: isStop ? openStopper(automaton, endingOf(options)) : openMasker(automaton, maskOf(withoutMessage(options))),
    };
  },
});

type Open = TextModifier['open'];

function openMasker(automaton: WordAutomaton, mask: WordMask): Open {
  return () => createWordMasker(automaton, mask);
}

function openStopper(automaton: WordAutomaton, ending: AnswerEnding): Open {
  return (_run, block) => createWordMasker(automaton, { end: () => block.stop(ending) });
}

function endingOf(options: Configured<typeof config>): AnswerEnding {
  refuseMasks(options);
  return blockedEnding(options.message);
}

function withoutMessage(options: Configured<typeof config>): Configured<typeof config> {
  if (options.message !== undefined) throw new TypeError('"message" needs "action": "stop" beside it');
  return options;
}
