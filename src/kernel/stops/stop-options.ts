import Type from 'typebox';
import { endingMessage } from '../blocked-ending.ts';
import { channelOption, proseChannels } from '../channel-option.ts';
import type { AnswerEnding } from '../modifier.ts';
import type { Expressions } from '../expression.ts';
import { defaulted, strictObject, type Configured } from '../schema.ts';
import { buildStopSequences } from './stop-sequences.ts';
import type { StopRules } from './stop-watch.ts';
import { lineEnd, sentenceEnd, wordEnd } from './text-measure.ts';

const places = { word: wordEnd, sentence: sentenceEnd, line: lineEnd };
const reasons = { sequences: 'stop', maxCharacters: 'length', repetition: 'length', condition: 'stop' } as const;
const names = ['characters', 'words', 'sentences', 'lines'];

const ending = (what: string, reason: AnswerEnding['reason']) =>
  Type.Optional(
    strictObject(
      {
        reason: Type.Optional(
          Type.Enum(['stop', 'length', 'content_filter'], {
            description: `The finish reason that the client gets; ${reason} when left out.`,
          }),
        ),
        message: endingMessage('Said behind the text that has left.'),
      },
      { description: `How the answer ends ${what}.` },
    ),
  );

/** The config of stop-when. */
export const stopOptions = strictObject({
  sequences: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
      minItems: 1,
      maxItems: 64,
      uniqueItems: true,
      description: 'Stop sequences. The first one that is complete ends the answer; the text before it leaves.',
    }),
  ),
  includeSequence: defaulted(Type.Boolean({ description: 'The sequence that was met leaves too.' }), false),
  caseSensitive: defaulted(
    Type.Boolean({ description: 'False: sequences match in upper and lower case, full and half width.' }),
    true,
  ),
  maxCharacters: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 100_000_000,
      description:
        'The most characters of the answer, as readers count them: an emoji of several code points is one. The answer ' +
        'ends where one more would begin.',
    }),
  ),
  repetition: Type.Optional(
    strictObject(
      {
        minCharacters: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 1000,
            description: 'The shortest unit that counts, in UTF-16 code units; 16 when left out.',
          }),
        ),
        maxCharacters: Type.Optional(
          Type.Integer({
            minimum: 1,
            maximum: 1000,
            description: 'The longest unit that is noticed, in UTF-16 code units; 512 when left out.',
          }),
        ),
        times: Type.Optional(
          Type.Integer({
            minimum: 2,
            maximum: 1000,
            description: 'How often the unit stands in a row; 8 when left out.',
          }),
        ),
      },
      {
        description: 'Runaway repetition: the text ends with the same unit so many times in a row. {} is a good start.',
      },
    ),
  ),
  condition: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 4096,
      description:
        'A CEL condition over the text so far: characters, words, sentences, lines. It is asked at each place that ' +
        '`conditionAt` names; where it is true the answer ends. A condition that fails is false.',
    }),
  ),
  conditionAt: defaulted(
    Type.Enum(['word', 'sentence', 'line'], {
      description: 'Where the condition is asked: at the end of each word, of each sentence, or of each line.',
    }),
    'word',
  ),
  endings: Type.Optional(
    strictObject(
      {
        sequences: ending('at a sequence', reasons.sequences),
        maxCharacters: ending('at the most characters', reasons.maxCharacters),
        repetition: ending('in a repetition', reasons.repetition),
        condition: ending('at the condition', reasons.condition),
      },
      { description: 'What the client is told where the answer ends, by rule.' },
    ),
  ),
  channels: channelOption(
    proseChannels,
    'Kinds of text that are watched. Each is counted by itself, over all blocks of a choice.',
    ['text'],
  ),
});
export type StopOptions = Configured<typeof stopOptions>;

/** The rules of a config. Throws a TypeError where no rule is given, or one can never apply. */
export function stopRulesOf(options: StopOptions, expressions: Expressions): StopRules {
  const { sequences, maxCharacters, repetition, condition } = options;
  const rules: StopRules = {
    ...(sequences === undefined ? {} : { sequences: sequenceRule(options, sequences) }),
    ...(maxCharacters === undefined
      ? {}
      : { maxCharacters: { limit: maxCharacters, ending: endingFor(options, 'maxCharacters') } }),
    ...(repetition === undefined ? {} : { repetition: repetitionRule(options, repetition) }),
    ...(condition === undefined ? {} : { condition: conditionRule(options, condition, expressions) }),
  };
  if (Object.keys(rules).length > 0) return rules;
  throw new TypeError('give at least one of sequences, maxCharacters, repetition and condition');
}

function sequenceRule(options: StopOptions, sequences: readonly string[]): NonNullable<StopRules['sequences']> {
  const find = buildStopSequences(sequences, options.caseSensitive);
  return { find, include: options.includeSequence, ending: endingFor(options, 'sequences') };
}

function repetitionRule(
  options: StopOptions,
  {
    minCharacters = 16,
    maxCharacters = Math.max(512, minCharacters),
    times = 8,
  }: NonNullable<StopOptions['repetition']>,
): NonNullable<StopRules['repetition']> {
  if (minCharacters > maxCharacters) throw new TypeError('repetition: minCharacters is more than maxCharacters');
  return { minUnit: minCharacters, maxUnit: maxCharacters, times, ending: endingFor(options, 'repetition') };
}

function conditionRule(
  options: StopOptions,
  condition: string,
  expressions: Expressions,
): NonNullable<StopRules['condition']> {
  const compiled = expressions.compile(condition, names);
  return {
    isMet: (counts) => compiled({ ...counts }) === true,
    at: places[options.conditionAt],
    ending: endingFor(options, 'condition'),
  };
}

function endingFor({ endings }: StopOptions, rule: keyof typeof reasons): AnswerEnding {
  return { reason: reasons[rule], ...endings?.[rule] };
}
