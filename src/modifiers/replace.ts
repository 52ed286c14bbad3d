import Type from 'typebox';
import { channelOption } from '../kernel/channel-option.ts';
import { defineModifier } from '../kernel/component.ts';
import { channels, type Channel } from '../kernel/modifier.ts';
import { compileReplacements } from '../kernel/patterns/replacement-rules.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';

const Rule = strictObject({
  find: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'The text that is replaced.' })),
  pattern: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1_000,
      description:
        'In place of `find`: a regular expression in the syntax of JavaScript, without look-around, anchors and ' +
        'back-references. Matches are as long as possible.',
    }),
  ),
  with: Type.String({
    maxLength: 4096,
    description:
      'Stands in place of a match. Beside `pattern`: $1 or $<name> for a group, $& for the match, $$ for a dollar ' +
      'sign. Beside `find` it is just text.',
  }),
  ignoreCase: Type.Optional(Type.Boolean({ description: 'True: upper and lower case are the same.' })),
  wholeWords: Type.Optional(Type.Boolean({ description: 'True: no letter, digit or "_" may touch a match.' })),
  maxCharacters: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 65_536,
      description: 'Longest match of `pattern`; needed where it has no bound of its own, such as in "a+".',
    }),
  ),
});

const config = strictObject({
  rules: Type.Array(Rule, {
    minItems: 1,
    maxItems: 10_000,
    description:
      'What is replaced by what. Of all matches the leftmost one is replaced, of those the longest, of those the one ' +
      'of the first rule. More than 1,000 rules must all have `find` and the same ignoreCase and wholeWords.',
  }),
  unbounded: defaulted(
    Type.Enum(['refuse', 'buffer'], {
      description:
        'What becomes of a pattern whose matches have no bound. refuse: an error when the definition is loaded. ' +
        'buffer: it is taken, and text waits until no match can go on, for the whole answer if need be.',
    }),
    'refuse',
  ),
  channels: channelOption(channels, 'Kinds of text in which is replaced.'),
});

/**
 * Replaces texts and patterns in the answer while it streams, all rules in one pass: what was put in is not searched
 * again. Held back is only what can still become a match. Groups of a match are read as by Perl, on the match alone: of
 * several ways to match it, an earlier alternative goes before a later one. It is no guard: the answer may go on without
 * it where it fails. What must never leave is for mask-words and mask-patterns.
 */
export const replace = defineModifier({
  type: 'replace',
  summary: 'Replaces texts and patterns in the answer.',
  config,
  needs: [],
  guard: false,
  examples: [
    {
      title: 'A text that is cut',
      config: { rules: [{ find: 'utilize', with: 'use', ignoreCase: true }] },
      given: ['We Util', 'ize it, and utilize it.'],
      expect: 'We use it, and use it.',
    },
    {
      title: 'Groups of a pattern',
      config: { rules: [{ pattern: '(\\d{1,2})/(\\d{1,2})/(?<year>\\d{4})', with: '$<year>-$1-$2' }] },
      given: ['Due 12/2', '4/2026.'],
      expect: 'Due 2026-12-24.',
    },
    {
      title: 'One pass over all rules',
      config: {
        rules: [
          { find: 'cat', with: 'dog' },
          { find: 'dog', with: 'cat' },
        ],
      },
      given: ['A ca', 't, a d', 'og.'],
      expect: 'A dog, a cat.',
    },
    {
      title: 'Internal links made public',
      config: {
        rules: [
          { pattern: 'https?://wiki\\.corp\\.example/([\\w/-]{1,80})', with: 'https://help.example.com/$1' },
          { find: 'wiki', with: 'help centre', wholeWords: true },
        ],
      },
      given: ['See the wiki: http://wiki.corp.', 'example/reset-password.'],
      expect: 'See the help centre: https://help.example.com/reset-password.',
    },
    {
      title: 'A pattern with a bound of its own choice',
      config: { rules: [{ pattern: '<think>[^<]*</think>', maxCharacters: 200, with: '' }] },
      given: ['<thi', 'nk>hm</think>Yes.'],
      expect: 'Yes.',
    },
  ],
  create(options) {
    const replacements = compileReplacements(options.rules, options.unbounded === 'buffer');
    return {
      effect: 'text' as const,
      channels: options.channels satisfies readonly Channel[],
      policy: heldAtMost(replacements.maxHeldCharacters),
      rewrites: { samples: replacements.samples },
      open: () => replacements.open(),
    };
  },
});
