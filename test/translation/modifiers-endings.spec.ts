import { describe, expect, it } from '@jest/globals';
import { modifierStep } from '../support/modifier-step.ts';
import type { ClientName } from '../support/play-answer.ts';
import {
  clients,
  complaintsOf,
  differs,
  forms,
  hearForm,
  streamed,
  type Heard,
  type Pieces,
} from './modifiers/plays.ts';
import type { NeutralAnswer, NeutralFinish } from './neutral.ts';

/* A modifier ends the answer: every client takes it for a good end of its dialect, of the right reason. */

const usage = { input: 12, output: 8 };
const call = { id: 'call_A1b2C3d4', name: 'get_note', arguments: { note: 'never' } };
const answer: NeutralAnswer = {
  reasoning: ['I think. ', 'Well.'],
  text: ['One, ', 'two, ', 'th', 'ree, ', 'four', ', five.', ' Six.'],
  toolCalls: [call],
  finish: 'tool_calls',
  usage,
};
const message = ' [withheld]';

interface Ending {
  readonly name: string;
  readonly steps: readonly ReturnType<typeof modifierStep>[];
  readonly answer?: NeutralAnswer;
  readonly text: string;
  readonly reasoning?: string;
  readonly finish: 'content_filter' | 'stop' | 'length';
  /** The sequence that was met, for dialects that name it. */
  readonly sequence?: string;
}

const endings: readonly Ending[] = [
  {
    name: 'mask-words that stops',
    steps: [modifierStep('mask-words', { words: ['three'], action: 'stop', message })],
    text: 'One, two,  [withheld]',
    finish: 'content_filter',
  },
  {
    name: 'mask-words that stops without a message',
    steps: [modifierStep('mask-words', { words: ['three'], action: 'stop' })],
    text: 'One, two, ',
    finish: 'content_filter',
  },
  {
    name: 'mask-words that stops at the first character',
    steps: [modifierStep('mask-words', { words: ['One'], action: 'stop', message })],
    text: ' [withheld]',
    finish: 'content_filter',
  },
  {
    name: 'mask-words that stops in the reasoning',
    steps: [modifierStep('mask-words', { words: ['well'], action: 'stop', message })],
    reasoning: 'I think. ',
    text: ' [withheld]',
    finish: 'content_filter',
  },
  {
    name: 'mask-patterns that stops',
    steps: [
      modifierStep('mask-patterns', { patterns: [{ name: 'n', regex: 't[a-z]{2,9}e' }], action: 'stop', message }),
    ],
    text: 'One, two,  [withheld]',
    finish: 'content_filter',
  },
  {
    name: 'a stop sequence',
    steps: [modifierStep('stop-when', { sequences: ['three'] })],
    text: 'One, two, ',
    finish: 'stop',
    sequence: 'three',
  },
  {
    name: 'a stop sequence that leaves too',
    steps: [modifierStep('stop-when', { sequences: ['three'], includeSequence: true })],
    text: 'One, two, three',
    finish: 'stop',
    sequence: 'three',
  },
  {
    name: 'a number of characters',
    steps: [modifierStep('stop-when', { maxCharacters: 12, channels: ['text'] })],
    text: 'One, two, th',
    finish: 'length',
  },
  {
    name: 'a document that is not valid',
    steps: [modifierStep('json-guard', { schema: { properties: { unit: { enum: ['metre', 'mile'] } } } })],
    answer: { text: ['{"unit"', ': "m', 'inu', 'te"}'], finish: 'stop', usage },
    reasoning: '',
    text: '{"unit": "mi\n[The answer is not the JSON that was asked for: enum at /unit, character 12.]',
    finish: 'content_filter',
  },
  {
    name: 'a stop whose message another step changes',
    steps: [
      modifierStep('mask-words', { words: ['three'], action: 'stop', message }),
      modifierStep('mask-words', { words: ['withheld'], with: '-' }),
    ],
    text: 'One, two,  [-]',
    finish: 'content_filter',
  },
  {
    name: 'a stop behind a step that works on events',
    steps: [
      modifierStep('tool-guard', { deny: ['nothing'] }),
      modifierStep('mask-words', { words: ['three'], action: 'stop', message }),
    ],
    text: 'One, two,  [withheld]',
    finish: 'content_filter',
  },
];

/** What the reader of a dialect calls a blocked answer. */
const finishOf = (client: ClientName, finish: Ending['finish']): NeutralFinish =>
  client === 'anthropic-messages' && finish === 'content_filter' ? 'refusal' : finish;

describe.each(clients)('an answer that a modifier ends, for a client of $dialect', (client) => {
  describe.each(endings)('by $name', (ending) => {
    const { text, reasoning = 'I think. Well.', finish, steps, answer: said = answer } = ending;
    const wanted = { end: 'ok', reasoning, text, toolCalls: 0, finish: finishOf(client.dialect, finish) };

    it.each(forms)('$name', async (form) => {
      const ways: readonly Pieces[] = form === streamed ? ['whole', 'at once', 11, 404] : ['whole'];
      const complaints = await complaintsOf(client, async (pair) => {
        const found: string[] = [];
        for (const way of ways) {
          const heard = await hearForm(pair, form, said, steps, way);
          found.push(...differs(`${way}: what is read`, essence(heard), wanted));
          const mostRead = way === 'whole' && form.provider ? pair.provider.stream(said).pieces.length - 1 : Infinity;
          if (heard.piecesRead > mostRead) found.push(`${way}: the provider was read to its end`);
          if (form.provider && heard.aborts !== 1)
            found.push(`${way}: the connection was closed ${heard.aborts} times`);
          if (/never|Six/.test(heard.shown)) found.push(`${way}: something is shown behind the end`);
          if (ending.sequence !== undefined && client.dialect === 'anthropic-messages')
            found.push(...namesSequence(heard.shown, ending.sequence));
        }
        return found;
      });
      expect(complaints).toEqual([]);
    });
  });
});

/** The good end of a blocked stream, in clients that read the arguments of a call piece by piece. */
const blockedEnds: Readonly<Partial<Record<ClientName, RegExp>>> = {
  'openai-chat':
    /"finish_reason":"content_filter"[^\n]*\n\n(?:data: \{[^\n]*"choices":\[\][^\n]*\n\n)?data: \[DONE\]\n\n$/,
  'openai-responses':
    /event: response\.incomplete\n[^\n]*"incomplete_details":\{"reason":"content_filter"\}[^\n]*\n\n$/,
  'anthropic-messages': /"stop_reason":"refusal"[^\n]*\n\nevent: message_stop\n[^\n]*\n\n$/,
  native: /"outcome":"blocked"\}\n\n$/,
};

/*
 * A call that is cut must never be made. Where it leaves whole, it does not leave at all; where its arguments had begun to
 * leave, they stay what no client can parse, as those of a provider that reaches its limit.
 */
describe.each(clients)('an answer that ends in the arguments of a tool, for a client of $dialect', (client) => {
  const first = { id: 'call_E5f6G7h8', name: 'ping', arguments: { at: 'home' } };
  const second = { id: 'call_A1b2C3d4', name: 'get_note', arguments: { note: 'a three b', rest: 'never' } };
  const said: NeutralAnswer = { text: ['Calls. '], toolCalls: [first, second], finish: 'tool_calls', usage };
  const steps = [modifierStep('mask-words', { words: ['three'], action: 'stop', message })];
  const finish = finishOf(client.dialect, 'content_filter');

  it.each(forms)('$name', async (form) => {
    const blockedEnd = form.client ? blockedEnds[client.dialect] : undefined;
    const complaints = await complaintsOf(client, async (pair) => {
      const found: string[] = [];
      for (const way of form === streamed ? (['whole', 'at once', 11, 404] as const) : (['whole'] as const)) {
        const { reading, shown, bytes } = await hearForm(pair, form, said, steps, way);
        const { text, toolCalls, finish: read } = reading.answer;
        if (/three|never/.test(shown)) found.push(`${way}: something is shown behind the end`);
        found.push(...differs(`${way}: the text`, text, 'Calls.  [withheld]'));
        if (blockedEnd === undefined) {
          const calls = toolCalls.map(({ name, arguments: given }) => ({ name, given }));
          const wanted = ['ok', [{ name: 'ping', given: first.arguments }], finish];
          found.push(...differs(`${way}: what is read`, [reading.end, calls, read], wanted));
          continue;
        }
        found.push(...differs(`${way}: the call`, reading.error?.message.slice(0, 18), 'no JSON: {"note":"'));
        if (!blockedEnd.test(bytes.toString('utf8'))) found.push(`${way}: ends with ${shown.slice(-300)}`);
      }
      return found;
    });
    expect(complaints).toEqual([]);
  });
});

function essence({ reading: { end, answer: read, error } }: Heard): unknown {
  const { reasoning, text, toolCalls, finish } = read;
  return { end, reasoning, text, toolCalls: toolCalls.length, finish, ...(error && { error: error.message }) };
}

function namesSequence(shown: string, sequence: string): readonly string[] {
  const said = /"stop_reason":"stop_sequence"/.test(shown) && shown.includes(`"stop_sequence":"${sequence}"`);
  return said ? [] : ['the stop sequence is not named'];
}
