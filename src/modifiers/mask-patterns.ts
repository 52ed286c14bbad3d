import Type from 'typebox';
import { blockedEnding, endingMessage } from '../kernel/blocked-ending.ts';
import { channelOption } from '../kernel/channel-option.ts';
import { defineModifier } from '../kernel/component.ts';
import { channels, type TextModifier } from '../kernel/modifier.ts';
import { markOf, markOptions } from '../kernel/patterns/pattern-marks.ts';
import { choosePatterns, patternOptions } from '../kernel/patterns/pattern-options.ts';
import { createPatternReplacer } from '../kernel/patterns/pattern-replacer.ts';
import { PatternStop } from '../kernel/patterns/pattern-stop.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';

const config = strictObject({
  ...patternOptions,
  action: defaulted(
    Type.Enum(['mask', 'hash', 'remove', 'stop'], {
      description:
        'mask: replace each match. hash: replace it by a keyed hash (HMAC-SHA-256, the first 12 hexadecimal digits), the ' +
        'same for the same value. remove: leave it out. stop: end the answer before the first match, as blocked.',
    }),
    'mask',
  ),
  ...markOptions,
  message: endingMessage('For stop: what the client reads in place of the rest.'),
  channels: channelOption(channels, 'Kinds of text that are looked at.'),
});

/**
 * Finds personal data and keys in the answer while it streams. Held back is only what can still become a match, so a text
 * waits for the end of the word or the number that it has come to. Where two patterns match, the longer match wins.
 */
export const maskPatterns = defineModifier({
  type: 'mask-patterns',
  summary:
    'Masks e-mail addresses, phone, card and account numbers, IP addresses, keys and own patterns in the answer.',
  config,
  needs: [],
  guard: true,
  examples: [
    {
      title: 'An address in three pieces',
      config: { patterns: ['email'] },
      given: ['Write to ann', '.lee@exam', 'ple.com, please.'],
      expect: 'Write to [EMAIL], please.',
    },
    {
      title: 'Only numbers with the right check digit',
      config: { patterns: ['credit-card'] },
      given: ['4111 1111 ', '1111 1111, not 4111 1111 1111 1112'],
      expect: '[CREDIT_CARD], not 4111 1111 1111 1112',
    },
    {
      title: 'A pattern of your own',
      config: { patterns: [{ name: 'order', regex: 'ORD-[0-9]{6}', wholeWords: true }], with: '[order]' },
      given: ['ORD-1234', '56 and ORD-1234567'],
      expect: '[order] and ORD-1234567',
    },
    {
      title: 'One mark for each character',
      config: { patterns: ['ip'], perCharacter: '#' },
      given: ['from 10.0.', '0.1:8080'],
      expect: 'from ########:8080',
    },
    {
      title: 'The same value has the same hash',
      config: { patterns: ['email'], action: 'hash', key: { $env: 'HASH_SECRET' } },
      given: ['ann@example.com = ANN@example.com'],
      expect: '[EMAIL:9adb4cb71c6a] = [EMAIL:9adb4cb71c6a]',
    },
    {
      title: 'Leave out what is found',
      config: { patterns: ['iban', 'phone'], action: 'remove' },
      given: ['Pay to DE89 3704 0044 0532 ', '0130 00.'],
      expect: 'Pay to .',
    },
    {
      title: 'End the answer before a key',
      config: { patterns: ['api-key', 'private-key'], action: 'stop', message: 'This answer was withheld.' },
      given: ['Keys begin with AK', 'IA, which is none'],
      expect: 'Keys begin with AKIA, which is none',
    },
  ],
  create(options): TextModifier {
    const chosen = choosePatterns(options);
    const { automaton, samples } = chosen;
    const mark = markOf(options, chosen);
    const { action, message } = options;
    if (action !== 'stop' && message !== undefined)
      throw new TypeError(`"message" belongs to the action "stop", not to "${action}"`);
    const ending = blockedEnding(message);
    return {
      effect: 'text',
      channels: options.channels,
      policy: heldAtMost(automaton.maxHeldCharacters),
      rewrites: { samples },
      open: (_run, block) =>
        mark === undefined ? new PatternStop(automaton, block, ending) : createPatternReplacer(automaton, mark),
    };
  },
});
