import { describe, expect, it } from '@jest/globals';
import type { CompiledBackend, CompiledPipeline } from '../../src/compile/compiled-pipeline.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { backendSpeakers, type BackendSpeaker, type Blame } from '../support/backend-speakers.ts';
import { eventStep, modifying } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import { compiledBackend } from '../support/compiled-pipeline.ts';
import { fakeToken } from '../support/fake-token.ts';
import { HandTransport, runByHand, type HandRun } from '../support/run-by-hand.ts';
import { turn } from '../support/turn.ts';

/*
 * A provider that refuses a credential inside of an answer with a status of 200.
 */

const blames: readonly Blame[] = ['rejected', 'rate-limited', 'quota'];
const speaking = Object.entries(backendSpeakers);
const forms = ['stream', 'document'] as const;
type Form = (typeof forms)[number];

interface Played extends HandRun {
  readonly token: TokenLink;
  readonly calls: readonly string[];
  sent(): readonly (string | undefined)[];
  /** Answers what was sent last. */
  answer(form: Form, bytes: string): Promise<void>;
  /** The stream has begun; `more` follows. */
  more(bytes: string): Promise<void>;
}

interface PlayOptions {
  readonly speaker?: BackendSpeaker;
  /** A pool of as many keys where true. */
  readonly pool?: boolean;
  readonly tokens?: readonly string[];
  readonly form?: Form;
  readonly wait?: () => Promise<void>;
  readonly pipeline?: Partial<CompiledPipeline>;
}

const openaiChat = backendSpeakers['openai-chat'] as BackendSpeaker;

function play(options: PlayOptions = {}): Played {
  const { speaker = openaiChat, form = 'stream', tokens = ['one', 'two'], pool = false, wait } = options;
  const beside = runByHand();
  const fakes = pool
    ? tokens.map((token) => fakeToken([token], beside, { spares: 0 }))
    : [fakeToken(tokens, beside, { ...(wait && { wait }) })];
  const provider = poolTokenProvider.create(
    { keys: fakes.map(({ link }) => ({ provider: link })), strategy: 'round-robin', coolDowns: {} },
    beside.capabilities,
  );
  const token = pool ? linkOf({ name: 'pool', type: 'pool', provider }, beside.capabilities) : fakes[0]?.link;
  if (token === undefined) throw new Error('there is one at least');
  const transport = new HandTransport();
  const backend: CompiledBackend = compiledBackend({ backend: speaker.backend, type: 'any', token, transport });
  const hand = runByHand({
    request: chatRequest({ stream: form === 'stream' }),
    pipeline: { defaultBackend: backend, ...options.pipeline },
    beside,
  });
  hand.run.start();
  const more = async (bytes: string): Promise<void> => {
    transport.data(Buffer.from(bytes, 'latin1'));
    await turn();
  };
  return {
    ...hand,
    transport,
    token,
    calls: fakes[0]?.calls ?? [],
    sent: () => transport.requests.map(({ headers }) => headers['authorization']),
    more,
    answer: async (as, bytes) => {
      transport.head(as === 'stream' ? speaker.streams : 'application/json');
      const { length } = transport.requests;
      await more(bytes);
      // The next attempt has not been answered.
      if (transport.requests.length === length) transport.end();
      await turn();
    },
  };
}

const textDelta = (blockId: string, text: string): AnswerEvent => ({
  type: 'text.delta',
  blockId,
  role: 'assistant',
  text,
});
const blameOf = (speaker: BackendSpeaker, form: Form, blame: Blame): string | undefined =>
  form === 'stream' ? speaker.blamesInStream(blame) : speaker.blamesInDocument(blame);
const goodOf = (speaker: BackendSpeaker, form: Form): string =>
  form === 'stream' ? speaker.stream('Hello') : speaker.document('Hello');

const rows = speaking.flatMap(([name, speaker]) =>
  forms.flatMap((form) =>
    blames.flatMap((blame) => {
      const bytes = blameOf(speaker, form, blame);
      return bytes === undefined ? [] : [[name, form, blame, speaker, bytes] as const];
    }),
  ),
);

describe('a key that is refused in an answer with a status of 200', () => {
  it.each(rows)('is left out, and another one tried: %s, %s, %s', async (_name, form, blame, speaker, bytes) => {
    const run = play({ speaker, form, pool: true });
    await run.answer(form, form === 'stream' ? speaker.opening + bytes : bytes);
    expect(run.sent()).toEqual(['Bearer one', 'Bearer two']);
    expect(run.client.text).toBe('');
    await run.answer(form, goodOf(speaker, form));
    expect(run.client.ends).toEqual([form === 'stream' ? 'end' : 'json']);
    expect(run.client.text).toContain('Hello');
    expect(run.client.text).not.toContain('error');
    const [one, two] = run.token.state().links ?? [];
    expect(one).toMatchObject({ status: 'cooling', reason: blame, inUse: 0 });
    expect(two).toMatchObject({ status: 'ready', inUse: 0 });
    expect(run.records().map(({ fields }) => [fields['outcome'], fields['attempts']])).toEqual([['ok', 2]]);
  });

  const both = speaking.flatMap(([name, speaker]) => forms.map((form) => [name, form, speaker] as const));

  it.each(both)('counts as accepted by its first content, not by its head: %s, %s', async (_name, form, speaker) => {
    const run = play({ speaker, form });
    await run.answer(form, (form === 'stream' ? speaker.opening : '') + (blameOf(speaker, form, 'rejected') ?? ''));
    await run.answer(form, goodOf(speaker, form));
    expect(run.calls).toEqual([
      'get',
      'settled one refused',
      'invalidate one rejected',
      'get',
      'accepted two',
      'settled two accepted',
    ]);
    expect(run.meter.value('credential_retries')).toBe(1);
  });

  it.each(speaking)(
    'is given back behind the first content too, without another attempt: %s',
    async (_name, speaker) => {
      const run = play({ speaker });
      run.transport.head(speaker.streams);
      await run.more(speaker.begun('Hel'));
      await run.more(speaker.blamesInStream('rejected') ?? '');
      expect(run.sent()).toEqual(['Bearer one']);
      expect(run.client.ends).toEqual(['fail']);
      expect(run.client.text).toContain('Hel');
      expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
      expect(run.calls).toEqual(['get', 'accepted one', 'settled one refused', 'invalidate one rejected']);
    },
  );

  it('is tried again behind content that nobody has seen, in a document', async () => {
    const run = play({ form: 'document' });
    await run.answer('stream', openaiChat.begun('Hel') + (openaiChat.blamesInStream('rejected') ?? ''));
    await run.answer('document', openaiChat.document('Hello'));
    expect(run.client.ends).toEqual(['json']);
    expect(run.client.text).not.toContain('HelHello');
    expect(run.client.text).toContain('Hello');
  });

  it('ends the run where there is no other one, with the status that it stands for', async () => {
    const run = play({ tokens: ['one'] });
    await run.answer('stream', openaiChat.opening + (openaiChat.blamesInStream('rejected') ?? ''));
    expect(run.client.error).toMatchObject({ code: 'UPSTREAM_AUTH', status: 502 });
    expect(run.client.headCommitted).toBe(false);
    expect(run.records()[0]?.fields).toMatchObject({ tokenProvider: 'keys', upstreamStatus: 401 });
    expect([run.ended(), run.records().length]).toEqual([1, 1]);
  });

  it('is not meant by a word that it may not do this', async () => {
    const run = play();
    await run.answer('stream', 'data: {"error":{"type":"permission_error","message":"no"}}\n\n');
    expect(run.sent()).toHaveLength(1);
    expect(run.calls.join()).not.toContain('invalidate');
    expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
  });

  it('is not tried more than eight times', async () => {
    const tokens = Array.from({ length: 20 }, (_, index) => `token-${index}`);
    const run = play({ tokens, pool: true });
    for (let index = 0; index < 20 && run.ended() === 0; index += 1)
      await run.answer('stream', openaiChat.opening + (openaiChat.blamesInStream('rejected') ?? ''));
    expect(run.sent()).toHaveLength(8);
    expect(run.client.ends).toEqual(['fail']);
  });
});

describe('an attempt that is thrown away', () => {
  const refusal = openaiChat.opening + (openaiChat.blamesInStream('rejected') ?? '');

  it('has sent a heartbeat and nothing else', async () => {
    const run = play();
    run.transport.head(openaiChat.streams);
    await run.more(openaiChat.opening);
    await run.clock.advance(10_000);
    expect(run.client.headCommitted).toBe(true);
    await run.more(openaiChat.blamesInStream('rejected') ?? '');
    await run.answer('stream', openaiChat.stream('Hello'));
    expect(run.client.ends).toEqual(['end']);
    expect(run.client.text.match(/"role":"assistant"/g)).toHaveLength(1);
    expect(run.client.text).not.toContain('error');
  });

  it('has its connection closed, and what still comes of it is not heard', async () => {
    const run = play();
    run.transport.head(openaiChat.streams);
    await run.more(refusal + openaiChat.stream('late'));
    expect(run.transport.calls).toEqual(['send', 'send', 'abort']);
    expect(run.client.text).toBe('');
  });

  it('counts in the record of what was used', async () => {
    const speaker = backendSpeakers['anthropic-messages'] as BackendSpeaker;
    const run = play({ speaker });
    await run.answer('stream', speaker.opening + (speaker.blamesInStream('rejected') ?? ''));
    await run.answer('stream', speaker.stream('Hello'));
    // Ten and one of the first, ten and five of the second.
    expect(run.records()[0]?.fields).toMatchObject({ inputTokens: 20, outputTokens: 6 });
  });

  it('leaves nothing in the modifiers of the next', async () => {
    const signals: AbortSignal[] = [];
    const holding = eventStep('holding', ({ signal }) => {
      signals.push(signal);
      let held = '';
      return {
        modify: (event, emit) => {
          if (event.type === 'text.delta') held += event.text;
          else emit(event.type === 'block.end' ? textDelta(event.blockId, held) : event);
          if (event.type === 'block.end') emit(event);
        },
      };
    });
    const run = play({ pipeline: { modifiers: () => [holding] } });
    await run.answer('stream', openaiChat.begun('Hel') + (openaiChat.blamesInStream('rejected') ?? ''));
    expect(run.sent()).toHaveLength(2);
    // What it asks of others for the attempt that is thrown away ends.
    expect(signals.map(({ aborted }) => aborted)).toEqual([true]);
    await run.answer('stream', openaiChat.stream('Hello'));
    expect(signals).toHaveLength(2);
    expect(run.client.text).toContain('Hello');
    expect(run.client.text).not.toContain('HelHello');
  });

  it('is not one whose modifier waits: the next is read at once', async () => {
    let calls = 0;
    const waiting = modifying('waiting', (event, emit) => {
      calls += 1;
      emit(event);
      return calls === 1 ? new Promise(() => undefined) : undefined;
    });
    const run = play({ pipeline: { modifiers: () => [waiting] } });
    run.transport.head(openaiChat.streams);
    await run.more(openaiChat.opening);
    expect(run.transport.calls).toEqual(['send', 'pause']);
    await run.more(openaiChat.blamesInStream('rejected') ?? '');
    await run.answer('stream', openaiChat.stream('Hello'));
    expect(run.transport.calls.at(-1)).not.toBe('pause');
    expect(run.client.ends).toEqual(['end']);
  });

  it('is not one whose modifier fails, whatever it fails with', async () => {
    const failing = modifying('failing', () => {
      throw new SluiceError('UPSTREAM_AUTH', { context: { upstreamStatus: 401 } });
    });
    const run = play({ pipeline: { modifiers: () => [failing] } });
    run.transport.head(openaiChat.streams);
    await run.more(openaiChat.begun('Hel'));
    expect(run.client.ends).toEqual(['fail']);
    expect(run.sent()).toHaveLength(1);
    expect(run.calls.join()).not.toContain('invalidate');
  });

  it('is the last where its client leaves while another key is fetched', async () => {
    const gate = Promise.withResolvers<void>();
    let asked = 0;
    const run = play({ wait: () => ((asked += 1) === 1 ? Promise.resolve() : gate.promise) });
    await turn();
    await run.answer('stream', refusal);
    run.client.listener?.onGone();
    gate.resolve();
    await turn();
    expect(run.sent()).toHaveLength(1);
    expect(run.calls).toEqual(['get', 'settled one refused', 'invalidate one rejected', 'get', 'settled two failed']);
    expect([run.ended(), run.records().length]).toEqual([1, 1]);
  });

  it('is the last where a drain drops the run while another key is fetched', async () => {
    let asked = 0;
    const run = play({ wait: () => ((asked += 1) === 1 ? Promise.resolve() : new Promise(() => undefined)) });
    await turn();
    await run.answer('stream', refusal);
    run.run.drop();
    await turn();
    expect([run.sent().length, run.ended(), run.records().length]).toEqual([1, 1, 1]);
  });

  it('was cut off at any byte', async () => {
    for (let at = 1; at < refusal.length; at += 7) {
      const run = play();
      run.transport.head(openaiChat.streams);
      await run.more(refusal.slice(0, at));
      await run.more(refusal.slice(at));
      await run.answer('stream', openaiChat.stream('Hello'));
      expect([run.sent().length, run.client.ends]).toEqual([2, ['end']]);
    }
  });
});

describe('when to come again', () => {
  it.each([
    ['the first', ['9', '30'], 9],
    ['the second', ['30', '9'], 9],
    ['one that says', [undefined, '12'], 12],
    ['the other that says', ['12', undefined], 12],
  ] as const)('is when the first key is free: %s', async (_which, [first, second], expected) => {
    const run = play({ pool: true });
    run.transport.refuse(429, {}, first === undefined ? {} : { 'retry-after': first });
    await turn();
    run.transport.refuse(429, {}, second === undefined ? {} : { 'retry-after': second });
    await turn();
    expect(run.sent()).toHaveLength(2);
    expect(run.client.error).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: expected });
  });

  it('counts from the moment at which it was said', async () => {
    const run = play({ pool: true });
    run.transport.refuse(429, {}, { 'retry-after': '9' });
    await turn();
    await run.clock.advance(4_000);
    run.transport.refuse(429, {}, { 'retry-after': '6' });
    await turn();
    expect(run.client.error?.retryAfterSeconds).toBe(5);
  });

  it('is not told of a failure that is not about keys', async () => {
    const run = play({ pool: true });
    run.transport.refuse(429, {}, { 'retry-after': '9' });
    await turn();
    run.transport.refuse(400);
    await turn();
    expect(run.client.error).toMatchObject({ code: 'UPSTREAM_REJECTED', retryAfterSeconds: undefined });
  });
});
