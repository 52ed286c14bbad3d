/*
 * Modifiers that find nothing to change in any recording, though they hold text back all the time: what they look for begins
 * as every other word does, and goes on with `nowhere`. All that are live or have a window are here.
 */

const nowhere = 'qzxj';
const never = 1_000_000;

/** They work on text, so an answer can stay in the fast lane. */
const ofText = [
  { type: 'restore-placeholders' },
  { type: 'mask-words', config: { words: ['the', 'a', 'e', 's', ',', '.', '"'].map((word) => `${word} ${nowhere}`) } },
  { name: 'stop-at-words', type: 'mask-words', config: { words: [`n ${nowhere}`], action: 'stop' } },
  {
    type: 'mask-patterns',
    config: {
      patterns: [
        'credit-card',
        'iban',
        'jwt',
        'api-key',
        'private-key',
        { name: 'own', regex: `[A-Za-z]{1,40} ${nowhere}[0-9]{1,10}` },
      ],
    },
  },
  {
    type: 'replace',
    config: {
      rules: [
        { find: `on ${nowhere}`, with: 'changed' },
        { pattern: `([a-z]{1,20})[ ,.]${nowhere}`, with: '$1' },
      ],
    },
  },
  insertion('before', { marker: `in ${nowhere}` }),
  insertion('after', { marker: `to ${nowhere}` }),
  insertion('characters', { every: never }),
  insertion('sentences', { every: never }),
  insertion('paragraphs', { every: never }),
  {
    type: 'stop-when',
    config: {
      sequences: [`t ${nowhere}`],
      maxCharacters: never,
      repetition: { minCharacters: 1_000, maxCharacters: 1_000, times: 1_000 },
      condition: `characters > ${never}`,
    },
  },
  { type: 'json-guard', config: { onInvalid: 'pass' } },
  { type: 'format-stream', config: { pace: 'word' } },
];

/** With one that works on events no answer is in the fast lane. */
const withEvents = [...ofText, { type: 'tool-guard', config: { deny: [`*${nowhere}`] } }];

/** Chains by the name that the pipelines carry. */
export const idleChains = { text: ofText, events: withEvents };

function insertion(at, places) {
  return { name: `insert-${at}`, type: 'insert', config: { at, text: 'inserted', ...places } };
}
