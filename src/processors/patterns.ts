import Type from 'typebox';
import { defineProcessor, type Processor } from '../kernel/component.ts';
import { SluiceError } from '../kernel/errors.ts';
import { roles, type Role } from '../kernel/event.ts';
import { markOf, markOptions, type PatternMark } from '../kernel/patterns/pattern-marks.ts';
import { choosePatterns, patternOptions } from '../kernel/patterns/pattern-options.ts';
import { createPatternReplacer } from '../kernel/patterns/pattern-replacer.ts';
import { patternLabel } from '../kernel/patterns/pattern-set.ts';
import { vaultOf, type PlaceholderVault } from '../kernel/patterns/placeholders.ts';
import { rewriteTexts, textsOf } from '../kernel/patterns/request-texts.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, Name, strictObject } from '../kernel/schema.ts';

const config = strictObject({
  ...patternOptions,
  action: defaulted(
    Type.Enum(['placeholder', 'mask', 'hash', 'remove', 'block'], {
      description:
        'placeholder: replace each value by a name such as <EMAIL_1>, which the modifier restore-placeholders turns back in ' +
        'the answer. mask: replace each match for good. hash: replace it by a keyed hash (HMAC-SHA-256, the first 12 ' +
        'hexadecimal digits). remove: leave it out. block: refuse the request, with the error REQUEST_BLOCKED.',
    }),
    'mask',
  ),
  ...markOptions,
  roles: Type.Optional(
    Type.Array(Type.Enum([...roles]), {
      minItems: 1,
      uniqueItems: true,
      description:
        'Whose text is looked at; results of tools have the role "tool". Default: all, since a client sends earlier ' +
        'answers back too; for block: user and tool.',
    }),
  ),
  rule: defaulted({ ...Name, description: 'Name of the rule that a refused caller is told.' }, 'patterns'),
});

/**
 * Keeps personal data and keys in a request from the model. It looks at the text of the messages and at the strings in
 * arguments of tool calls, each by itself; images, files, keys and numbers of arguments pass as they are. The same value has
 * the same placeholder everywhere in a request; numbers go up in the order of appearance, so a longer conversation keeps the
 * beginning it had.
 */
export const patterns = defineProcessor({
  type: 'patterns',
  summary:
    'Hides, masks or blocks e-mail addresses, phone, card and account numbers, keys and own patterns in the request.',
  config,
  needs: [],
  guard: true,
  examples: [
    {
      title: 'Hide values from the model',
      config: { patterns: ['email', 'phone'], action: 'placeholder' },
      given: 'Mail ann@example.com or bob@example.com, not ann@example.com; call +49 30 1234567.',
      expect: 'Mail <EMAIL_1> or <EMAIL_2>, not <EMAIL_1>; call <PHONE_1>.',
    },
    {
      title: 'A name that the request has already',
      config: { patterns: ['email'], action: 'placeholder' },
      given: 'Is <EMAIL_1> ann@example.com?',
      expect: 'Is <EMAIL_1> <EMAIL_2>?',
    },
    {
      title: 'Mask for good',
      config: { patterns: ['credit-card', 'iban'] },
      given: 'Card 4111-1111-1111-1111, account GB29 NWBK 6016 1331 9268 19.',
      expect: 'Card [CREDIT_CARD], account [IBAN].',
    },
    {
      title: 'Refuse a request with a key in it',
      config: { patterns: ['api-key', 'jwt', 'private-key'], action: 'block', rule: 'no-secrets' },
      given: 'Why does AKIAIOSFODNN7EXAMPLE not work?',
      expect: { error: 'REQUEST_BLOCKED' },
    },
    {
      title: 'A pattern of your own',
      config: { patterns: [{ name: 'case', regex: 'case no\\. ?[0-9]{1,8}', ignoreCase: true }], with: '(a case)' },
      given: 'See Case No. 4711.',
      expect: 'See (a case).',
    },
  ],
  create(options): Processor {
    const chosen = choosePatterns(options);
    const mark = markOf(options, chosen);
    const labels = chosen.names.map(patternLabel);
    const watched: ReadonlySet<Role> = new Set(
      options.roles ?? (options.action === 'block' ? ['user', 'tool'] : roles),
    );
    const markFor = (request: ChatRequest, run: Run): PatternMark =>
      mark ?? (options.action === 'block' ? blockingMark(options.rule) : hidingMark(request, run, labels));
    return {
      processRequest(request, _output, run) {
        const replace = markFor(request, run);
        return rewriteTexts(request, watched, () => createPatternReplacer(chosen.automaton, replace));
      },
    };
  },
});

function blockingMark(rule: string): PatternMark {
  return () => {
    throw new SluiceError('REQUEST_BLOCKED', { details: { rule } });
  };
}

/** The request is searched for placeholders of others only when there is something to hide. */
function hidingMark(request: ChatRequest, run: Run, labels: readonly string[]): PatternMark {
  let vault: PlaceholderVault | undefined;
  return (match, pattern) => {
    if (vault === undefined) {
      vault = vaultOf(run);
      for (const text of textsOf(request)) vault.reserve(text);
    }
    return vault.hide(labels[pattern] ?? 'VALUE', match);
  };
}
