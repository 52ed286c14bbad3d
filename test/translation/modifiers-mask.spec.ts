import { describe, expect, it } from '@jest/globals';
import { modifierStep } from '../support/modifier-step.ts';
import { bytesOfFrames, clientNames, playAnswer } from '../support/play-answer.ts';
import { providerNames, richAnswers, type ProviderFrame } from '../support/rich-answers.ts';
import {
  bytesOf,
  clients,
  complaintsOf,
  differs,
  forms,
  hear,
  hearForm,
  streamed,
  unescaped,
  type Heard,
  type Pieces,
} from './modifiers/plays.ts';
import type { NeutralAnswer } from './neutral.ts';

/* A word of letters that stand nowhere else: not one of them may reach the client, in whatever place or spelling. */

const word = 'ЖЦЩЮЯ';
const letters = /[ЖЦЩЮЯжцщюя]/;
const mask = modifierStep('mask-words', { words: [word] });

/** A JSON string in this very spelling. */
const spelled = (text: string): unknown => (JSON as unknown as { rawJSON(json: string): unknown }).rawJSON(`"${text}"`);

const usage = { input: 12, output: 8 };
const prose: NeutralAnswer = {
  reasoning: ['Think ЖЦ', 'Щ', 'ЮЯ', ' and ЖЦЩ', ' on'],
  text: ['Say ', 'Ж', 'ЦЩЮ', 'Я', ', жцщ', 'юя; ', 'ЖЦЩЮ'],
  finish: 'stop',
  usage,
};
const readProse = { reasoning: 'Think *** and ЖЦЩ on', text: 'Say ***, ***; ЖЦЩЮ' };
/** Without the beginnings that become nothing. */
const clean: NeutralAnswer = {
  ...prose,
  reasoning: ['Think ЖЦ', 'ЩЮЯ', '.'],
  text: ['Say ', 'Ж', 'ЦЩЮ', 'Я', '; жцщ', 'юя'],
};

const call = (padding: string, note: unknown, shown: unknown) => ({
  call: {
    id: 'call_A1b2C3d4',
    name: 'get_note',
    arguments: { padding, note, deep: { list: ['Где', note, 7, null, true, -1.5e3], empty: {}, none: [] } },
  },
  arguments: { padding, note: shown, deep: { list: ['Где', shown, 7, null, true, -1500], empty: {}, none: [] } },
});
const spellings = ['a ЖЦЩЮЯ b', 'a \\u0416ЦЩЮЯ b', 'a \\u0416\\u0426\\u0429\\u042e\\u042F b', 'a Ж\\u0426ЩЮ\\u042f b'];
/** Frames cut the arguments in four; the padding moves the cuts through every place of the word. */
const calls = spellings.flatMap((text) =>
  Array.from({ length: 13 }, (_, length) => call('.'.repeat(length), spelled(text), 'a *** b')),
);

describe.each(clients)('a mask, for a client of $dialect', (client) => {
  const ways: readonly Pieces[] = ['whole', 'at once', 'bytes', 3, 97, 1_234];

  it.each(forms)('hides a word that frames have cut in text and reasoning: $name', async (form) => {
    const complaints = await complaintsOf(client, async (pair) => {
      const found: string[] = [];
      for (const way of form === streamed ? ways : (['whole', 'at once', 97] as const)) {
        for (const [answer, wanted] of [
          [prose, readProse],
          [clean, { reasoning: 'Think ***.', text: 'Say ***; ***' }],
        ] as const) {
          const heard = await hearForm(pair, form, answer, [mask], way);
          found.push(...differs(`${way}: what is read`, essence(heard), { end: 'ok', ...wanted, finish: 'stop' }));
          if (answer === clean && letters.test(heard.shown))
            found.push(`${way}: a letter is shown: ${around(heard.shown)}`);
        }
      }
      return found;
    });
    expect(complaints).toEqual([]);
  });

  it.each(forms)('hides it in the arguments of a tool, however they spell and cut it: $name', async (form) => {
    const complaints = await complaintsOf(client, async (pair) => {
      const found: string[] = [];
      // A document has no frames that cut: one call of each spelling is enough.
      const some = calls.filter((_, index) => form === streamed || index % 13 === 5);
      for (const [index, { call: toolCall, arguments: wanted }] of some.entries()) {
        const answer: NeutralAnswer = { text: ['I call. '], toolCalls: [toolCall], finish: 'tool_calls', usage };
        const heard = await hearForm(pair, form, answer, [mask], index % 4 === 0 ? index : 'whole');
        const { end, answer: read } = heard.reading;
        found.push(
          ...differs(
            `${index}: the call`,
            [end, read.toolCalls[0]?.arguments, read.finish],
            ['ok', wanted, 'tool_calls'],
          ),
          ...(letters.test(heard.shown) ? [`${index}: a letter is shown: ${around(heard.shown)}`] : []),
        );
      }
      return found;
    });
    expect(complaints).toEqual([]);
  });

  it('hides it in a refusal', async () => {
    const answer: NeutralAnswer = { text: ['I must ', 'ЖЦ', 'ЩЮЯ', ' not.'], finish: 'refusal', usage };
    const complaints = await complaintsOf(client, async (pair) => {
      if (pair.provider.can.finishes?.includes('refusal') !== true) return [];
      const found: string[] = [];
      for (const form of forms) {
        const heard = await hearForm(pair, form, answer, [mask]);
        found.push(...differs(form.name, [heard.reading.end, heard.reading.answer.text], ['ok', 'I must *** not.']));
        if (letters.test(heard.shown)) found.push(`${form.name}: a letter is shown: ${around(heard.shown)}`);
      }
      return found;
    });
    expect(complaints).toEqual([]);
  });

  it('hides it where the provider writes every letter as an escape', async () => {
    const complaints = await complaintsOf(client, async (pair) => {
      // Frames of Bedrock have a checksum; what stands in them is read by the same parser.
      if (pair.provider.type === 'bedrock-converse') return [];
      const { contentType, pieces } = bytesOf(pair.provider.stream({ ...clean, toolCalls: [call('', word, '').call] }));
      const escaped = pieces.map((piece) =>
        Buffer.from(
          piece.toString('utf8').replaceAll(/[^ -~\n\r]/g, (letter) => `\\u0${letter.charCodeAt(0).toString(16)}`),
        ),
      );
      const heard = await hear(pair, { contentType, pieces: escaped }, [mask]);
      const { reasoning, text, toolCalls } = heard.reading.answer;
      return differs(
        'what is read',
        [heard.reading.end, reasoning, text, toolCalls[0]?.arguments],
        ['ok', 'Think ***.', 'Say ***; ***', call('', '', '***').arguments],
      );
    });
    expect(complaints).toEqual([]);
  });
});

/** Where a letter is shown; empty where none is. */
function around(shown: string): string {
  const at = shown.search(letters);
  if (at === -1) return '';
  return shown.slice(Math.max(0, at - 100), at + 40);
}

describe.each(providerNames)('a mask, and an answer of %s with everything in it', (provider) => {
  const bytes = bytesOfFrames(provider, richAnswers[provider].map(withWord));

  it.each(clientNames)('hides the word in every place, for a client of %s', (name) => {
    for (const stream of [true, false]) {
      const played = playAnswer(provider, name, bytes, { steps: [mask], stream });
      expect(played.error).toBeUndefined();
      expect(around(unescaped(played.text))).toBe('');
    }
  });

  it.each(clientNames)('which is seen without it, for a client of %s', (name) => {
    expect(around(unescaped(playAnswer(provider, name, bytes).text))).not.toBe('');
  });
});

/** The word stands in the pieces of the text and in whatever repeats, marks, counts or cites it. */
function withWord({ event, data }: ProviderFrame): ProviderFrame {
  const words: Readonly<Record<string, string>> = {
    wor: 'ЖЦЩ',
    ld: 'ЮЯ',
    ' y': ` ${word}`,
    y: word,
    tt: word,
    ct: word,
    expl: word,
    '{"a":1}': JSON.stringify({ a: `${word}!` }),
    v: word,
  };
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string') return words[value] ?? value.replaceAll('world', word).replace(/ y$/, ` ${word}`);
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, replaced(inner)]));
  };
  return typeof data === 'string'
    ? { event, data }
    : { event, data: replaced(data) as Readonly<Record<string, unknown>> };
}

function essence({ reading: { end, answer } }: Heard): unknown {
  return { end, reasoning: answer.reasoning, text: answer.text, finish: answer.finish };
}
