import { channelOption } from '../kernel/channel-option.ts';
import { defineModifier } from '../kernel/component.ts';
import { channels, type TextModifier } from '../kernel/modifier.ts';
import { createRestorer, maxPlaceholderLength } from '../kernel/patterns/placeholders.ts';
import { strictObject } from '../kernel/schema.ts';

const config = strictObject({
  channels: channelOption(channels, 'Kinds of text in which the originals are put back.'),
});

/**
 * The other half of the processor `patterns` with the action `placeholder`: puts back into the answer what this request hid
 * from the model, in the arguments of tool calls too. Held back is only what can still become a placeholder of this run; in a
 * run that hid nothing every text passes as it is. A placeholder that the run does not know stays. A mask behind it sees the
 * originals and masks those that it looks for; one in front of it does not see them, which the plan warns about.
 */
export const restorePlaceholders = defineModifier({
  type: 'restore-placeholders',
  summary: 'Puts back into the answer what the processor "patterns" hid from the model behind placeholders.',
  config,
  needs: [],
  guard: false,
  examples: [
    {
      title: 'Nothing was hidden',
      config: {},
      given: ['a < b, <b>bold</b>', ' and x <', '= y'],
      expect: 'a < b, <b>bold</b> and x <= y',
    },
    {
      title: 'A placeholder that nobody knows stays',
      config: { channels: ['text'] },
      given: ['Write to <EMA', 'IL_7>.'],
      expect: 'Write to <EMAIL_7>.',
    },
  ],
  create(options): TextModifier {
    return {
      effect: 'text',
      channels: options.channels,
      policy: { mode: 'window', maxHeldCharacters: maxPlaceholderLength - 1 },
      rewrites: { samples: ['<EMAIL_1>', '<PHONE_1>', '<CREDIT_CARD_1>', '<IBAN_1>', '<IP_1>'], restores: true },
      open: createRestorer,
    };
  },
});
