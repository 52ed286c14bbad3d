import { chainList, chainListSeed, chainListWords, chainStepsInPlace, type StepDefinition } from './modifier-chains.ts';
import { wordList } from './word-lists.ts';

const words = wordList(chainListWords, chainListSeed);
const kinds = ['email', 'credit-card', 'iban', 'phone', 'ip', 'jwt', 'api-key', 'private-key'];
const step = (name: string, type: string, config: StepDefinition['config']): StepDefinition => ({ name, type, config });

/** Modifiers that are `live` or hold a window, none of which ends the answer. */
export const proseSteps: readonly StepDefinition[] = [
  step(`mask-words, ${chainList.split('-')[1] ?? ''}`, 'mask-words', { words }),
  step('mask-patterns, all kinds', 'mask-patterns', { patterns: kinds }),
  step('restore-placeholders', 'restore-placeholders', {}),
  step('replace, texts', 'replace', { rules: words.slice(0, 100).map((find) => ({ find, with: '-' })) }),
  step('replace, pattern', 'replace', { rules: [{ pattern: '(\\d{1,2})/(\\d{1,2})/(\\d{4})', with: '$3-$1-$2' }] }),
  step('insert, start', 'insert', { at: 'start', text: 'AI: ' }),
  step('insert, end', 'insert', { text: '\n\nAnswers may be wrong.' }),
  step('insert, marker', 'insert', { at: 'after', marker: 'the house', text: ' [1]' }),
  step('insert, characters', 'insert', { at: 'characters', every: 500, text: '-' }),
  step('insert, sentences', 'insert', { at: 'sentences', every: 10, text: ' [1]' }),
  step('insert, paragraphs', 'insert', { at: 'paragraphs', every: 3, text: ' [1]' }),
  step('stop-when, sequences', 'stop-when', { sequences: ['\nUser:', '\nAssistant:'] }),
  step('stop-when, length', 'stop-when', { maxCharacters: 1_000_000 }),
  step('stop-when, repetition', 'stop-when', { repetition: { minCharacters: 40, times: 4 } }),
  step('stop-when, condition', 'stop-when', { condition: 'words > 1000000', conditionAt: 'sentence' }),
  step('format-stream, plain', 'format-stream', { markdown: 'plain' }),
  step('format-stream, html', 'format-stream', { markdown: 'html' }),
  step('format-stream, tidy', 'format-stream', { whitespace: 'collapse', closeFences: true }),
  step('format-stream, words', 'format-stream', { pace: 'word' }),
];

/** The same for an answer that is one JSON document: an array of strings. */
export const jsonSteps: readonly StepDefinition[] = [
  step('json-guard', 'json-guard', { schema: { type: 'array', items: { type: 'string', maxLength: 200 } } }),
  step('json-guard, any JSON', 'json-guard', { extract: true, repair: 'tail' }),
];

/** All that a stream may have to keep: the chain, and beside it one modifier of each type that works on prose. */
export const everyTypeSteps: readonly StepDefinition[] = [
  ...proseSteps.filter(({ name }) =>
    [
      'restore-placeholders',
      'replace, pattern',
      'insert, sentences',
      'stop-when, repetition',
      'stop-when, sequences',
      'format-stream, plain',
    ].includes(name),
  ),
  ...chainStepsInPlace('chain-email'),
  ...proseSteps.filter(({ name }) => name === 'mask-patterns, all kinds'),
];
