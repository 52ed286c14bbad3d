import { describe, expect, it } from '@jest/globals';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { channels, type Modifier, type TextRewriter } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { modifierStep } from '../support/modifier-step.ts';
import type { ProviderBytes } from '../support/play-run.ts';
import { turn } from '../support/turn.ts';
import {
  bytesOf,
  clients,
  complaintsOf,
  differs,
  forms,
  hear,
  hearForm,
  providers,
  type Heard,
  type Pair,
} from './modifiers/plays.ts';
import type { NeutralAnswer } from './neutral.ts';
import { openaiChatProvider } from './providers/openai-chat.ts';

const usage = { input: 12, output: 8 };
const word = 'ЖЦЩЮЯ';
const letters = /[ЖЦЩЮЯжцщюя]/;

/** The rule of the mask, on a whole text. */
const masked = (text: string): string => text.replaceAll(new RegExp(word, 'gi'), '***');

describe.each(clients)('a stream that breaks, for a client of $dialect', (client) => {
  const mask = modifierStep('mask-words', { words: [word] });
  const answer: NeutralAnswer = {
    reasoning: ['Think ЖЦЩ', 'ЮЯ, ЖЦ', 'Щ'],
    text: ['Say ', 'Ж', 'ЦЩЮ', 'Я', ' or Ж', 'ЦЩ', '🙂 ЖЦЩЮ'],
    toolCalls: [
      { id: 'call_A1b2C3d4', name: 'get_note', arguments: { note: `a ${word} b`, more: [`${word}${word}`] } },
    ],
    finish: 'tool_calls',
    usage,
  };
  const prose: NeutralAnswer = { text: answer.text ?? [], finish: 'stop', usage };

  /** What leaves is what came, masked; a client that got nothing yet may get nothing at all. */
  const complaintsAbout = async (pair: Pair, bytes: ProviderBytes, what: string): Promise<readonly string[]> => {
    const plain = await hear(pair, bytes, []);
    const heard = await hear(pair, bytes, [mask]);
    const { text, reasoning } = plain.reading.answer;
    const found = [
      ...differs(`${what}: the end`, [heard.reading.end, heard.error?.code], ['error', plain.error?.code]),
      ...(letters.test(heard.shown) && masked(heard.shown) !== heard.shown ? [`${what}: the word is shown`] : []),
      ...(successOf.test(heard.bytes.toString('utf8')) ? [`${what}: it looks like a good end`] : []),
    ];
    if (heard.refused) return word.startsWith(text + reasoning) ? found : [...found, `${what}: nothing has left`];
    return [
      ...found,
      ...differs(`${what}: the text`, heard.reading.answer.text, masked(text)),
      ...differs(`${what}: the reasoning`, heard.reading.answer.reasoning, masked(reasoning)),
    ];
  };

  it.each(['end', 'reset'] as const)(
    'at any frame, by %s: the held tail leaves masked, then the error',
    async (then) => {
      const complaints = await complaintsOf(client, async (pair) => {
        const found: string[] = [];
        const { contentType, pieces } = bytesOf(pair.provider.stream(answer));
        const last = pieces.length - endFrames(pair, answer);
        for (let count = 0; count <= last; count += 1) {
          const bytes: ProviderBytes = { contentType, pieces: pieces.slice(0, count), then };
          found.push(...(await complaintsAbout(pair, bytes, `${count} frames`)));
        }
        return found;
      });
      expect(complaints).toEqual([]);
    },
  );

  it('by the error of the provider: the held tail leaves masked, then the error', async () => {
    const complaints = await complaintsOf(client, async (pair) => {
      const found: string[] = [];
      for (const said of [answer, prose])
        for (const reply of [pair.provider.failing(said), pair.provider.truncated(said)])
          for (const way of ['whole', 'at once', 5] as const)
            found.push(...(await complaintsAbout(pair, bytesOf(reply, way), way.toString())));
      return found;
    });
    expect(complaints).toEqual([]);
  });

  it('by a provider that rejects its request in the middle', async () => {
    const { contentType, pieces } = bytesOf(openaiChatProvider.stream(prose));
    const error = {
      message: 'No tool was called.',
      type: 'invalid_request_error',
      code: 'tool_use_failed',
      status_code: 400,
    };
    const rejection = Buffer.from(`event: error\ndata: ${JSON.stringify({ error })}\n\n`);
    const bytes = { contentType, pieces: [...pieces.slice(0, -3), rejection] };
    const provider = providers.filter(({ type }) => type === 'openai-chat');
    expect(await complaintsOf(client, (pair) => complaintsAbout(pair, bytes, 'rejected'), provider)).toEqual([]);
  });

  it('for a document: nothing but the error', async () => {
    const complaints = await complaintsOf(client, async (pair) => {
      const { reading, shown } = await hear(pair, bytesOf(pair.provider.failing(answer)), [mask], false);
      return [...differs('the end', reading.end, 'error'), ...(letters.test(shown) ? ['something is shown'] : [])];
    });
    expect(complaints).toEqual([]);
  });
});

/** What only a client has seen that was told of a good end. */
const successOf = /\[DONE\]|event: (?:response\.(?:completed|incomplete)|message_stop)\n|"done":true|"outcome":"ok"/;

/** The frames of a stream from the one on that says why it ended. */
function endFrames({ provider }: Pair, answer: NeutralAnswer): number {
  return provider.stream(answer).pieces.length - provider.truncated(answer).pieces.length;
}

/* A mask that lets nothing through but signs, until it fails. */
interface Failing {
  readonly name: string;
  step(at: number): Bound<Modifier>;
}

const callsNote = Symbol('calls');
const boom = (): never => {
  throw new TypeError('the mask failed');
};
const hidden = (text: string): string => '#'.repeat(text.length);

function textMask(name: string, open: (tick: () => void) => TextRewriter, onOpen = false): Failing {
  return {
    name,
    step: (at) => ({
      name: 'mask',
      guard: true,
      onError: 'fail',
      modifier: {
        effect: 'text',
        channels,
        policy: { mode: 'live' },
        open: (run) => {
          const count = (): void => {
            const calls = Number(run.notes.get(callsNote) ?? 0) + 1;
            run.notes.set(callsNote, calls);
            if (calls === at) boom();
          };
          if (onOpen) count();
          return open(onOpen ? () => undefined : count);
        },
      },
    }),
  };
}

const failings: readonly Failing[] = [
  textMask('when it is opened', () => ({ text: hidden, flush: () => '' }), true),
  textMask('at a piece of text', (tick) => ({
    text: (chunk) => {
      tick();
      return hidden(chunk);
    },
    flush: () => '',
  })),
  textMask('at the end of a text, all of which it holds', (tick) => {
    let held = '';
    return {
      text: (chunk) => {
        held += chunk;
        return '';
      },
      flush: () => {
        tick();
        return hidden(held);
      },
    };
  }),
  textMask('by what is no text', (tick) => ({
    text: (chunk) => {
      try {
        tick();
        return hidden(chunk);
      } catch {
        return { toString: () => chunk } as unknown as string;
      }
    },
    flush: () => '',
  })),
  {
    name: 'at an event',
    step: (at) => ({
      name: 'mask',
      guard: true,
      onError: 'fail',
      modifier: {
        effect: 'events',
        policy: { mode: 'live' },
        open: () => {
          let calls = 0;
          return {
            modify: (event, emit) => {
              emit(hiddenEvent(event));
              calls += 1;
              if (calls === at) boom();
            },
          };
        },
      },
    }),
  },
  {
    name: 'at an event, later',
    step: (at) => ({
      name: 'mask',
      guard: true,
      onError: 'fail',
      modifier: {
        effect: 'events',
        policy: { mode: 'live' },
        open: () => {
          let calls = 0;
          return {
            modify: async (event, emit) => {
              await turn();
              calls += 1;
              if (calls === at) boom();
              emit(hiddenEvent(event));
            },
          };
        },
      },
    }),
  },
];

function hiddenEvent(event: AnswerEvent): AnswerEvent {
  if (event.type === 'text.delta') {
    const { template: _frame, ...rest } = event;
    return { ...rest, text: hidden(event.text) };
  }
  if (event.type === 'toolArgs.delta') return { ...event, json: (event.json ?? '').replaceAll(/[^ -~]/g, '#') };
  if (event.type !== 'block.end') return event;
  const { final: _whole, ...rest } = event;
  return rest;
}

describe.each(clients)('a mask that fails, for a client of $dialect', (client) => {
  const answer: NeutralAnswer = {
    reasoning: ['ЖЖ', 'Ж'],
    text: ['ЦЦЦ', 'Ц', 'ЩЩ'],
    toolCalls: [{ id: 'call_A1b2C3d4', name: 'get_note', arguments: { note: 'ЮЮ', more: ['ЯЯ', { last: 'Я' }] } }],
    finish: 'tool_calls',
    usage,
  };

  it.each(failings)('$name: nothing unmasked is shown, and the error is', async (failing) => {
    const complaints = await complaintsOf(client, async (pair) => {
      const found: string[] = [];
      for (const form of forms) {
        for (let at = 1, ok = false; !ok; at += 1) {
          const heard = await hearForm(pair, form, answer, [failing.step(at)], at % 3 === 0 ? 'at once' : 'whole');
          ok = heard.reading.end === 'ok';
          found.push(...complaintsAt(heard, `${form.name}, ${at}`));
          if (at === 60) throw new Error('it never succeeds');
          if (ok && at === 1) found.push(`${form.name}: it never fails`);
        }
      }
      return found;
    });
    expect(complaints).toEqual([]);
  });
});

function complaintsAt({ reading, shown, error, bytes, aborts, refused }: Heard, what: string): readonly string[] {
  if (letters.test(shown))
    return [`${what}: shows ${shown.slice(Math.max(0, shown.search(letters) - 120)).slice(0, 160)}`];
  if (reading.end === 'ok') return differs(`${what}: the text`, reading.answer.text, '######');
  return [
    ...differs(`${what}: the end`, [reading.end, error?.code], ['error', 'MODIFIER_FAILED']),
    ...(successOf.test(bytes.toString('utf8')) && !refused ? [`${what}: it looks like a good end`] : []),
    ...(aborts > 1 ? [`${what}: the connection was closed ${aborts} times`] : []),
  ];
}
