import type { Socket } from 'node:net';
import { inspect } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { describeCause, SluiceError } from '../../src/kernel/errors.ts';
import type { HttpAnswer, HttpCall } from '../../src/kernel/http-caller.ts';
import { probe } from '../support/probe-client.ts';
import { scriptedBackend, startSluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually, within } from '../support/turn.ts';
import { cleanup, codeOf, okay, serve } from './transport-probe.ts';

interface Client {
  readonly calls: HttpCalls;
  readonly abort: AbortController;
  ask(url: string, extra?: Partial<HttpCall>): Promise<HttpAnswer>;
}

function open(clock: Clock = systemClock): Client {
  const calls = new HttpCalls(clock);
  cleanup.push(() => calls.close());
  const abort = new AbortController();
  const usual = {
    method: 'POST',
    headers: {},
    network: 'private',
    timeoutMilliseconds: 5_000,
    maxBytes: 1_000,
  } as const;
  return {
    calls,
    abort,
    ask: (url, extra = {}) => within(calls.call({ ...usual, url, ...extra }, abort), 'the answer'),
  };
}

/** The code and what the log is told, in place of an answer. */
function refusal(answer: Promise<HttpAnswer>): Promise<unknown> {
  return answer.then(
    ({ status }) => `answered ${status}`,
    (error: unknown) => [codeOf(error), error instanceof SluiceError ? error.context : {}],
  );
}

const lineOf = (received = ''): string => received.slice(0, received.indexOf('\r\n'));

describe('a call', () => {
  it('may take a time for which there is no timer', async () => {
    const clock = new TestClock();
    const client = open(clock);
    const answer = client.ask('http://127.0.0.1:1', { timeoutMilliseconds: Number.MAX_SAFE_INTEGER });
    const [timer] = clock.pendingTimers();
    expect(timer?.dueAt).toBe(clock.now() + 3_600_000);
    client.abort.abort();
    await answer.catch(() => undefined);
  });

  it('sends what it is given, and tells status, headers and body', async () => {
    const server = await serve(({ socket }) =>
      socket.write('HTTP/1.1 201 Created\r\nX-One: a\r\nx-one: b\r\ncontent-length: 4\r\n\r\ngr\u00c3\u00bc', 'latin1'),
    );
    const headers = { 'content-type': 'application/json', authorization: 'Bearer t' };
    const answer = await open().ask(`${server.origin}/v1/check?a=1&b=%20#part`, { headers, body: '{"text":"ä"}' });
    expect(answer).toEqual({ status: 201, headers: { 'x-one': 'a, b', 'content-length': '4' }, body: 'grü' });
    const { received } = server.connections[0] ?? {};
    expect(lineOf(received)).toBe('POST /v1/check?a=1&b=%20 HTTP/1.1');
    for (const line of ['authorization: Bearer t', 'accept-encoding: identity', 'content-length: 13'])
      expect(received).toContain(`${line}\r\n`);
    expect(received?.endsWith(Buffer.from('{"text":"ä"}').toString('latin1'))).toBe(true);
  });

  it.each([200, 204, 302, 404, 500, 503])('takes every status for an answer: %i', async (status) => {
    const target = await serve(({ socket }) => socket.write(okay));
    const server = await serve(({ socket }) =>
      socket.write(
        `HTTP/1.1 ${status} Yes\r\nlocation: ${target.origin}/\r\n${status === 204 ? '' : 'content-length: 0\r\n'}\r\n`,
      ),
    );
    expect(await open().ask(server.origin, { method: 'GET' })).toMatchObject({ status, body: '' });
    // Also a redirect is one, and is not followed.
    expect([server.connections.length, target.connections.length]).toEqual([1, 0]);
  });

  it('joins a body that is cut anywhere, in the middle of a character too', async () => {
    const server = await serve(async ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n');
      for (const byte of Buffer.from('ä漢😀--')) {
        await new Promise((written) => socket.write(Buffer.from([byte]), written));
        await new Promise(setImmediate);
      }
    });
    expect((await open().ask(server.origin)).body).toBe('ä漢😀--');
  });

  it('uses the connection of the one before', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const client = open();
    for (let times = 0; times < 3; times += 1) expect((await client.ask(server.origin)).body).toBe('ok');
    expect(server.connections.map(({ requests }) => requests)).toEqual([3]);
  });
});

describe('an answer', () => {
  const sending = (bytes: number): string =>
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${bytes.toString(16)}\r\n${'x'.repeat(bytes)}\r\n0\r\n\r\n`;

  it('may be as large as the call allows, and no byte larger', async () => {
    const server = await serve((connection) =>
      connection.socket.write(sending(connection.requests === 1 ? 1_000 : 1_001)),
    );
    const client = open();
    expect((await client.ask(server.origin)).body).toHaveLength(1_000);
    await expect(client.ask(server.origin)).rejects.toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      details: { limit: 1_000 },
    });
    await server.allClosed();
  });

  it('that never ends is cut at the bound', async () => {
    const server = await serve(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      const more = (): void => void (socket.writable && socket.write('x'.repeat(500), () => setImmediate(more)));
      more();
    });
    expect(await refusal(open().ask(server.origin))).toEqual(['ANSWER_TOO_LARGE', {}]);
    await server.allClosed();
  });

  it.each<readonly [string, string, string]>([
    ['before its head', '', 'UPSTREAM_RESET'],
    ['in its body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc', 'UPSTREAM_TRUNCATED'],
    ['with a head that is none', 'SSH-2.0-OpenSSH\r\n\r\n', 'UPSTREAM_BAD_CONTENT'],
  ])('that breaks off is none: %s', async (_where, text, code) => {
    const server = await serve(({ socket }) => socket.end(text));
    await expect(open().ask(server.origin)).rejects.toMatchObject({ code });
  });
});

describe('the time', () => {
  it.each<readonly [string, string]>([
    ['for the head', ''],
    ['for the rest of the body', 'HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc'],
  ])('is that of the whole exchange: %s', async (_for, begin) => {
    const clock = new TestClock();
    const server = await serve(({ socket }) => socket.write(begin));
    const { host } = new URL(server.origin);
    const outcome = refusal(open(clock).ask(server.origin, { timeoutMilliseconds: 2_000 }));
    await eventually(() => server.connections[0]?.requests === 1, 'the request');
    await clock.advance(1_999);
    expect(server.open()).toBe(1);
    await clock.advance(1);
    expect(await outcome).toEqual(['UPSTREAM_HEADERS_TIMEOUT', { host }]);
    await server.allClosed();
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('leaves no timer behind an answer', async () => {
    const clock = new TestClock();
    const server = await serve(({ socket }) => socket.write(okay));
    await open(clock).ask(server.origin);
    expect(clock.pendingTimers()).toEqual([]);
  });
});

describe('the end of the run', () => {
  const gone = new SluiceError('CLIENT_GONE');

  it('ends the call and its connection', async () => {
    const server = await serve(() => {});
    const client = open();
    const outcome = refusal(client.ask(server.origin));
    await eventually(() => server.connections[0]?.requests === 1, 'the request');
    client.abort.abort(gone);
    expect(await outcome).toEqual(['CLIENT_GONE', {}]);
    await server.allClosed();
  });

  it('that was before it lets nothing out', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const client = open();
    client.abort.abort(gone);
    expect(await refusal(client.ask(server.origin))).toEqual(['CLIENT_GONE', {}]);
    expect(server.connections).toHaveLength(0);
  });

  it('after the answer changes nothing, and nobody listens to it any more', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const client = open();
    let listening = 0;
    const { signal } = client.abort;
    const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
    Object.assign(signal, {
      addEventListener: (...given: Parameters<typeof add>) => (add(...given), (listening += 1)),
      removeEventListener: (...given: Parameters<typeof remove>) => (remove(...given), (listening -= 1)),
    });
    expect((await client.ask(server.origin)).body).toBe('ok');
    expect(listening).toBe(0);
    client.abort.abort(gone);
    expect((await open().ask(server.origin)).body).toBe('ok');
  });
});

describe('the way out', () => {
  it.each(['http://127.0.0.1:9/', 'http://10.0.0.1/', 'http://[::1]:9/', 'http://localhost:9/'])(
    'is closed to the private network unless the definition says so: %s',
    async (url) => {
      const [code] = (await refusal(open().ask(url, { network: 'public' }))) as [string];
      expect(code).toBe('EGRESS_BLOCKED');
    },
  );

  it.each(['http://169.254.169.254/latest/meta-data', 'http://metadata.google.internal/'])(
    'is never open to metadata: %s',
    async (url) => {
      const [code] = (await refusal(open().ask(url))) as [string];
      expect(code).toBe('EGRESS_BLOCKED');
    },
  );

  it.each<readonly [string, object]>([
    ['http://[nonsense', { reason: 'not a URL' }],
    ['', { reason: 'not a URL' }],
    ['http://user:pass@127.0.0.1:9/', { host: '127.0.0.1:9', reason: 'a URL with a user in it' }],
    ['http://user@127.0.0.1:9/', { host: '127.0.0.1:9', reason: 'a URL with a user in it' }],
    ['http://:pass@127.0.0.1:9/', { host: '127.0.0.1:9', reason: 'a URL with a user in it' }],
    ['file:///etc/passwd', { origin: 'not a URL' }],
    ['ftp://127.0.0.1/', { origin: 'ftp://127.0.0.1' }],
  ])('takes no "%s"', async (url, context) => {
    expect(await refusal(open().ask(url))).toEqual(['EGRESS_BLOCKED', context]);
  });

  it('is not opened by a call that may go where another one may not', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const client = open();
    expect((await client.ask(server.origin)).status).toBe(200);
    for (const network of ['public', 'metadata'] as const) {
      const [code] = (await refusal(client.ask(server.origin, { network }))) as [string];
      expect(code).toBe('EGRESS_BLOCKED');
    }
    expect(server.connections).toHaveLength(1);
  });

  it('says that nobody is there', async () => {
    const server = await serve(() => {});
    await server.close();
    cleanup.pop();
    expect(((await refusal(open().ask(server.origin))) as [string])[0]).toBe('UPSTREAM_CONNECT');
  });
});

describe('the way to metadata', () => {
  it.each([
    'http://127.0.0.1:9/',
    'http://10.0.0.1/',
    'http://8.8.8.8/',
    'http://instance-data/',
    'https://example.com/',
  ])('leads nowhere else: %s', async (url) => {
    expect(await refusal(open().ask(url, { network: 'metadata' }))).toMatchObject([
      'EGRESS_BLOCKED',
      { profile: 'metadata' },
    ]);
  });

  it('is not one that a backend can go', async () => {
    const sluice = await startSluice({
      pipelines: { bad: { backends: { one: { ...scriptedBackend([{ say: 'x' }]), network: 'metadata' } } } },
    });
    expect(sluice.engine.pipelines()).toMatchObject({ serving: [], degraded: ['bad'] });
    await sluice.close();
  });
});

describe('what a call says', () => {
  const canary = 'c4n4ry-0123456789';
  const secretly = { headers: { authorization: `Bearer ${canary}` }, body: canary };
  const garbled = 'HTTP/1.1 200 OK\r\nbad header\r\n\r\n';
  it.each<readonly [string, (connection: { socket: Socket }) => unknown, Partial<HttpCall>]>([
    ['a reset', ({ socket }) => socket.resetAndDestroy(), {}],
    ['no answer', ({ socket }) => socket.end(), {}],
    ['an answer that is none', ({ socket }) => socket.end(garbled), {}],
    ['a body that is cut', ({ socket }) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\na'), {}],
    ['a body that is too large', ({ socket }) => socket.end(okay), { maxBytes: 1 }],
    ['a slow answer', () => undefined, { timeoutMilliseconds: 5 }],
    ['a header that can not be sent', () => undefined, { headers: { authorization: `a\r\n${canary}` } }],
  ])('in its error holds nothing of what was sent: %s', async (_what, answer, extra) => {
    const server = await serve(answer);
    const error: unknown = await open()
      .ask(`${server.origin}/p/${canary}?key=${canary}`, { ...secretly, ...extra })
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(SluiceError);
    const shown = [inspect(error, { depth: 9 }), describeCause(error), JSON.stringify(error)];
    for (const text of shown) expect(text).not.toContain(canary);
  });

  it('PUT with an empty body, as metadata services want it', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    await open().ask(`${server.origin}/latest/api/token`, { method: 'PUT', headers: { 'x-ttl-seconds': '60' } });
    const { received = '' } = server.connections[0] ?? {};
    expect(lineOf(received)).toBe('PUT /latest/api/token HTTP/1.1');
    expect(received).toContain('content-length: 0\r\n');
  });
});

describe('the end of the process', () => {
  it('ends calls that are on their way, closes what is idle, and lets nothing more out', async () => {
    const server = await serve((connection) => {
      if (connection.number === 1) connection.socket.write(okay);
    });
    const client = open();
    await client.ask(server.origin);
    server.connections[0]?.socket.pause();
    const waiting = [refusal(client.ask(`${server.origin}/a`)), refusal(client.ask(`${server.origin}/b`))];
    await eventually(() => server.connections.length === 2, 'a second connection');
    await client.calls.close();
    expect(await Promise.all(waiting)).toEqual([
      ['DRAINING', {}],
      ['DRAINING', {}],
    ]);
    server.connections[0]?.socket.resume();
    await server.allClosed();
    expect(await refusal(client.ask(server.origin))).toEqual(['DRAINING', {}]);
    expect(server.connections).toHaveLength(2);
    await client.calls.close();
  });

  it.each(['drain', 'close'] as const)('closes the connections of components: after a %s none is open', async (how) => {
    const verdict = '{"flagged":false}';
    const server = await serve(({ socket }) =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${verdict.length}\r\n\r\n${verdict}`),
    );
    const check = { url: `${server.origin}/check`, format: 'webhook', network: 'private' };
    const sluice = await startSluice({
      pipelines: {
        judged: {
          backends: { one: scriptedBackend([{ say: 'All is well.' }]) },
          modifiers: [{ type: 'moderate', config: { check, onError: 'block' } }],
        },
      },
    });
    const client = await probe(
      { port: sluice.port },
      { path: '/pipelines/judged/chat', body: { messages: [{ role: 'user', content: 'hi' }] } },
    );
    expect(await client.end()).toBe('complete');
    client.destroy();
    expect([(await client.response()).text.includes('well.'), server.open()]).toEqual([true, 1]);
    await sluice[how]();
    await server.allClosed();
    if (how === 'drain') await sluice.close().catch(() => undefined);
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });
});
