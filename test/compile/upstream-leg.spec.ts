import { describe, expect, it } from '@jest/globals';
import { UpstreamLeg } from '../../src/compile/upstream-leg.ts';
import { HttpForwarder } from '../../src/forward/http-forwarder.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerReceiver } from '../../src/kernel/forward.ts';
import { bearer, tokenCredential } from '../../src/kernel/tokens/token-credential.ts';
import { tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';
import type { Credential, TokenProvider, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import { chatRequest } from '../support/chat-run.ts';
import { compiledBackend, compiledPipeline } from '../support/compiled-pipeline.ts';
import { fakeToken } from '../support/fake-token.ts';
import type { LogCapture } from '../support/log-capture.ts';
import { HandTransport, runByHand, type HandRun } from '../support/run-by-hand.ts';
import { testRun } from '../support/test-run.ts';

interface Played extends HandRun {
  readonly calls: readonly string[];
  /** What the token provider logged. */
  readonly tokenLog: LogCapture;
  /** The credentials that went out, in order. */
  sent(): readonly (string | undefined)[];
}

function play(
  tokens: readonly string[],
  options: Partial<TokenProvider> & { readonly wait?: (run: TokenRun) => Promise<void> } = {},
  stream = true,
): Played {
  const { clock, log: tokenLog } = testRun();
  const fake = fakeToken(tokens, { clock, log: tokenLog }, options);
  const hand = runByHand({ token: fake.link, request: chatRequest({ stream }) });
  hand.run.start();
  return {
    ...hand,
    calls: fake.calls,
    tokenLog,
    sent: () => hand.transport.requests.map(({ headers }) => headers['authorization']),
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const answer = 'data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';

async function complete({ transport }: HandRun): Promise<void> {
  transport.head();
  transport.data(answer);
  await turn();
}

describe('a credential that its provider refuses', () => {
  it('is exchanged once, unseen by the client, and the answer follows', async () => {
    const run = play(['old', 'new']);
    run.transport.refuse(401);
    await turn();
    await complete(run);
    expect(run.sent()).toEqual(['Bearer old', 'Bearer new']);
    expect(run.calls).toEqual([
      'get',
      'settled old refused',
      'invalidate old rejected',
      'get',
      'accepted new',
      'settled new accepted',
    ]);
    expect(run.client.ends).toEqual(['end']);
    expect(run.client.text).toContain('hi');
    expect(run.client.text).not.toContain('error');
    expect(run.meter.value('credential_retries')).toBe(1);
    expect(run.records()[0]?.fields).toMatchObject({ outcome: 'ok', attempts: 2 });
  });

  it('is exchanged for one that has to be waited for', async () => {
    const run = play(['old', 'new'], { wait: () => Promise.resolve() });
    await turn();
    run.transport.refuse(401);
    await turn();
    await complete(run);
    expect(run.sent()).toEqual(['Bearer old', 'Bearer new']);
    expect(run.client.ends).toEqual(['end']);
  });

  it('is never exchanged twice where its provider has one to spare', async () => {
    const run = play(['one', 'two', 'three']);
    run.transport.refuse(401);
    await turn();
    run.transport.refuse(401);
    await turn();
    expect(run.sent()).toEqual(['Bearer one', 'Bearer two']);
    expect(run.client.error).toMatchObject({ code: 'UPSTREAM_AUTH', status: 502 });
    expect(run.records()[0]?.fields).toMatchObject({ code: 'UPSTREAM_AUTH', tokenProvider: 'keys', attempts: 2 });
    expect(run.calls.filter((call) => call.startsWith('settled'))).toEqual([
      'settled one refused',
      'settled two refused',
    ]);
  });

  it('is exchanged as often as its provider has others', async () => {
    const run = play(['one', 'two', 'three'], { spares: 2 });
    run.transport.refuse(401);
    await turn();
    run.transport.refuse(401);
    await turn();
    await complete(run);
    expect(run.sent()).toEqual(['Bearer one', 'Bearer two', 'Bearer three']);
    expect(run.client.ends).toEqual(['end']);
  });

  it.each([
    ['the same again', ['only'], {}],
    ['none', ['only'], { spares: 0 }],
  ] as const)('ends the run where its provider has %s', async (_what, tokens, options) => {
    const run = play(tokens, options);
    run.transport.refuse(401);
    await turn();
    expect(run.sent()).toEqual(['Bearer only']);
    expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
    expect(run.calls).toContain('invalidate only rejected');
    expect(run.calls.filter((call) => call.includes('settled')).length).toBe(
      run.calls.filter((call) => call === 'get').length,
    );
  });

  it('is not sent again when it comes back after another one', async () => {
    const taken = ['a', 'b', 'a'].values();
    const [a, b] = ['a', 'b'].map((name) => tokenCredential(name, bearer)) as [Credential, Credential];
    const settled: string[] = [];
    const run = play([], {
      spares: 7,
      getToken: () => (taken.next().value === 'b' ? b : a),
      settled: (credential, outcome) => void settled.push(`${credential === a ? 'a' : 'b'} ${outcome}`),
    });
    run.transport.refuse(401);
    await turn();
    run.transport.refuse(401);
    await turn();
    expect(run.sent()).toEqual(['Bearer a', 'Bearer b']);
    expect(settled).toEqual(['a refused', 'b refused', 'a failed']);
    expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
  });

  it('ends the run with the first failure where the next credential can not be had', async () => {
    const gets: string[] = [];
    const run = play(['old', 'new'], {
      wait: () => {
        gets.push('get');
        return gets.length === 1 ? Promise.resolve() : Promise.reject(tokenUnavailable('down'));
      },
    });
    await turn();
    run.transport.refuse(401);
    await turn();
    expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
    expect(run.tokenLog.text()).toContain('a token provider fails');
  });
});

describe('what the answer of a provider says of a credential', () => {
  it.each([
    [403, {}, {}, undefined],
    [400, {}, {}, undefined],
    [500, {}, {}, undefined],
    [401, {}, {}, 'invalidate key rejected'],
    [429, {}, {}, 'invalidate key rate-limited'],
    [429, {}, { 'retry-after': '7' }, 'invalidate key rate-limited 7000'],
    [429, { code: 'insufficient_quota' }, {}, 'invalidate key quota'],
    [402, {}, {}, 'invalidate key quota'],
  ] as const)('status %i with %j and %j: %s', async (status, error, headers, expected) => {
    const run = play(['key', 'other']);
    run.transport.refuse(status, error, headers);
    await turn();
    expect(run.calls.find((call) => call.startsWith('invalidate'))).toBe(expected);
    // A token of the same account would not help against too much use.
    expect(run.sent()).toHaveLength(status === 401 ? 2 : 1);
  });

  it.each([429, 402])('status %i turns to another account where there is one', async (status) => {
    const run = play(['one', 'two'], { others: 1 });
    run.transport.refuse(status);
    await turn();
    await complete(run);
    expect(run.sent()).toEqual(['Bearer one', 'Bearer two']);
    expect(run.client.ends).toEqual(['end']);
  });

  it('is the same for a document', async () => {
    const run = play(['old', 'new'], {}, false);
    run.transport.refuse(401);
    await turn();
    run.transport.head('application/json');
    run.transport.data(
      JSON.stringify({ choices: [{ index: 0, message: { role: 'assistant', content: 'hi' }, finish_reason: 'stop' }] }),
    );
    run.transport.end();
    await turn();
    expect(run.client.ends).toEqual(['json']);
  });
});

describe('a credential that is no use', () => {
  const failing = {
    'throws as it is applied': () => {
      throw new Error('sk-secret');
    },
    'rejects as it is applied': () => Promise.reject(new Error('sk-secret')),
    'makes no header': (request: UpstreamRequest) => void (request.headers['x'] = 'a\r\nb'),
  };

  it.each(Object.entries(failing))('and %s is given back once, and nothing is sent', async (_what, apply) => {
    const outcomes: unknown[] = [];
    const run = play([], {
      getToken: () => ({ origins: '*', apply }),
      settled: (_credential, outcome) => void outcomes.push(outcome),
    });
    await turn();
    expect([run.sent(), outcomes]).toEqual([[], ['failed']]);
    expect(run.client.error?.code).toMatch(/^TOKEN_/);
    expect(run.records()[0]?.fields).toMatchObject({ tokenProvider: 'keys' });
    expect(JSON.stringify([run.log.text(), run.client.text])).not.toContain('sk-secret');
  });

  it('and comes after half a minute is given back, once, when it does', async () => {
    let arrive = (): void => undefined;
    const run = play(['key'], {
      wait: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    });
    await run.clock.advance(30_000);
    expect(run.client.error?.code).toBe('TOKEN_UNAVAILABLE');
    expect(run.calls).toEqual(['get']);
    arrive();
    await turn();
    expect(run.calls).toEqual(['get', 'settled key failed']);
  });

  it('is not exchanged without an end, whatever its provider says of itself', async () => {
    const tokens = Array.from({ length: 50 }, (_, index) => `token-${index}`);
    const run = play(tokens, { spares: 1_000 });
    for (let index = 0; index < 50; index += 1) {
      if (run.ended() === 0) run.transport.refuse(401);
      await turn();
    }
    expect(run.sent()).toHaveLength(8);
    expect(run.client.error?.code).toBe('UPSTREAM_AUTH');
  });
});

describe('a request that leads to another origin than its backend', () => {
  it('gets no credential, and is not sent', async () => {
    const transport = new HandTransport();
    const { link, calls } = fakeToken(['key'], testRun());
    const backend = compiledBackend({ transport, token: link });
    const astray: typeof backend.backend = {
      ...backend.backend,
      encode: (request, run) => ({
        ...backend.backend.encode(request, run),
        origin: 'https://elsewhere.example',
      }),
    };
    const { run, client } = runByHand({ pipeline: { defaultBackend: { ...backend, backend: astray } } });
    run.start();
    await turn();
    expect(client.error?.code).toBe('CREDENTIAL_ORIGIN_MISMATCH');
    expect([calls, transport.requests]).toEqual([[], []]);
  });
});

describe('a leg by itself', () => {
  function legWith(tokens: readonly string[], options: Parameters<typeof fakeToken>[2] = {}) {
    const { clock, log, run, capabilities } = testRun();
    const { link, calls } = fakeToken(tokens, { clock, log }, options);
    const transport = new HandTransport();
    const leg = new UpstreamLeg({
      request: chatRequest(),
      backend: compiledBackend({ token: link, transport }),
      run,
      forwarder: new HttpForwarder(clock, capabilities.ticker),
      limits: compiledPipeline().limits,
      receiver: {} as AnswerReceiver,
      onFailed: () => undefined,
    });
    leg.start();
    return { leg, calls, transport };
  }

  const refused = new SluiceError('UPSTREAM_AUTH', { context: { upstreamStatus: 401 } });

  it('knows what each of its credentials sent', () => {
    const { leg } = legWith(['old', 'new']);
    expect(leg.secrets).toEqual(['Bearer old']);
    expect(leg.retry(refused)).toBeUndefined();
    expect(leg.secrets).toEqual(['Bearer old', 'Bearer new']);
  });

  it('that is paused while it waits for its credential is paused when it sends', async () => {
    const { leg, transport } = legWith(['key'], { wait: () => Promise.resolve() });
    leg.pause();
    await turn();
    expect(transport.calls).toEqual(['send', 'pause']);
  });

  it('that is over sends nothing when its request is signed', async () => {
    const signed = Promise.withResolvers<void>();
    const { leg, transport } = legWith([], { getToken: () => ({ origins: '*', apply: () => signed.promise }) });
    leg.abort();
    signed.resolve();
    await turn();
    expect(transport.requests).toEqual([]);
  });

  it('that is over exchanges no credential', () => {
    const { leg, calls } = legWith(['old', 'new']);
    leg.abort();
    expect(leg.retry(refused)).toBe(refused);
    expect(calls).toEqual(['get', 'settled old refused', 'invalidate old rejected']);
  });

  it('that is over gives back the credential that comes only then', async () => {
    const { leg, calls } = legWith(['key'], { wait: () => Promise.resolve() });
    leg.end();
    await turn();
    expect([calls, leg.attempts]).toEqual([['get', 'settled key failed'], 0]);
  });
});

describe('a client that leaves', () => {
  it('while its token is fetched ends the wait, and nothing is sent', async () => {
    let signal: AbortSignal | undefined;
    const run = play(['key'], {
      wait: (asking) => {
        signal = asking.signal;
        return new Promise(() => undefined);
      },
    });
    await turn();
    run.client.listener?.onGone();
    await turn();
    expect(signal?.aborted).toBe(true);
    expect(run.sent()).toEqual([]);
    expect(run.ended()).toBe(1);
  });

  it('gives back a token that comes too late, and sends nothing', async () => {
    let arrive = (): void => undefined;
    const run = play(['key'], {
      wait: () =>
        new Promise((resolve) => {
          arrive = resolve;
        }),
    });
    run.client.listener?.onGone();
    arrive();
    await turn();
    expect(run.sent()).toEqual([]);
    expect(run.calls).toEqual(['get', 'settled key failed']);
  });

  it.each(['before its token comes', 'at once when it comes'])('gives it back once, %s', async (when) => {
    const run = play(['key'], { wait: () => Promise.resolve() });
    if (when.startsWith('at once')) await Promise.resolve().then(() => undefined);
    run.client.listener?.onGone();
    await turn();
    expect(run.calls.filter((call) => call === 'settled key failed')).toHaveLength(1);
  });

  it('while its request is signed gives the token back once', async () => {
    let fail = (_error: Error): void => undefined;
    const signing: Credential = {
      origins: '*',
      apply: () =>
        new Promise((_resolve, reject) => {
          fail = reject;
        }),
    };
    const outcomes: unknown[] = [];
    const run = play([], { getToken: () => signing, settled: (_credential, outcome) => void outcomes.push(outcome) });
    run.client.listener?.onGone();
    fail(new Error('too late'));
    await turn();
    expect([run.sent(), outcomes, run.ended()]).toEqual([[], ['failed'], 1]);
  });

  it('in the middle of the answer gives the token back once', async () => {
    const run = play(['key']);
    run.transport.head();
    run.transport.data('data: {"choices":[{"index":0,"delta":{"content":"hi"}}]}\n\n');
    await turn();
    run.client.listener?.onGone();
    await turn();
    expect(run.calls).toEqual(['get', 'accepted key', 'settled key accepted']);
  });
});
