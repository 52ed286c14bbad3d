import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  startFaultUpstream,
  type FaultUpstream,
  type FaultUpstreamOptions,
  type ScenarioSource,
} from './fault-upstream.ts';
import { readOpenAiStream } from './openai-reader.ts';
import { answerFrames } from './openai-stream.ts';
import { openProbe, probe, requestBytes, type ProbeClient } from './probe-client.ts';
import { answering, streaming, type Scenario, type Step } from './scenario.ts';
import { TestClock } from './test-clock.ts';
import { eventually, turn } from './turn.ts';

const running: FaultUpstream[] = [];
const frames = answerFrames({ text: ['grüße ', '你好 ', '👋'] });
const request = { path: '/v1/chat/completions', headers: { authorization: 'Bearer k' }, body: { model: 'm' } };
const withoutEnd = { only: requestBytes(request).length - 5 };
const head: Step = { status: 200, headers: { 'content-type': 'text/event-stream' } };

async function start(source: ScenarioSource, options?: FaultUpstreamOptions): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream(source, options);
  running.push(upstream);
  return upstream;
}

async function ask(
  source: ScenarioSource,
  options?: FaultUpstreamOptions,
): Promise<{ upstream: FaultUpstream; client: ProbeClient }> {
  const upstream = await start(source, options);
  return { upstream, client: await probe(upstream, request) };
}

afterEach(async () => {
  const upstreams = running.splice(0);
  for (const upstream of upstreams) await upstream.close();
  expect(upstreams.map(({ problems, openConnections }) => [problems, openConnections])).toEqual(
    upstreams.map(() => [[], 0]),
  );
});

describe('a good answer', () => {
  it('is played, and the request is recorded as it came', async () => {
    const { upstream, client } = await ask(streaming(frames));
    expect(await client.end()).toBe('complete');
    expect(readOpenAiStream((await client.response()).body)).toMatchObject({ text: 'grüße 你好 👋', done: true });
    expect(await upstream.nextRequest()).toMatchObject({
      index: 0,
      connectionId: 1,
      reused: false,
      method: 'POST',
      path: '/v1/chat/completions',
      bodyText: '{"model":"m"}',
      complete: true,
      outcome: 'answered',
      headers: { authorization: 'Bearer k', 'content-type': 'application/json', 'content-length': '13' },
    });
    expect([upstream.openConnections, upstream.activeConnections]).toEqual([1, 0]);
  });

  it('is the same bytes in any slices and chunks, in all framings', async () => {
    const text = frames.join('');
    const cuts = fc.record({
      slice: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
      chunk: fc.option(fc.integer({ min: 1, max: 64 }), { nil: undefined }),
      framing: fc.constantFrom('chunked', 'length', 'close'),
    });
    await fc.assert(
      fc.asyncProperty(cuts, async ({ slice, chunk, framing }) => {
        const sizes = { ...(slice === undefined ? {} : { slice }), ...(chunk === undefined ? {} : { chunk }) };
        const { client } = await ask([{ ...head, framing: framing as 'chunked' }, { write: { text, ...sizes } }]);
        expect(await client.end()).toBe('complete');
        expect((await client.response()).text).toBe(text);
        client.destroy();
      }),
      { numRuns: 15 },
    );
  });

  it('leaves in single bytes when it is sliced so', async () => {
    const { client } = await ask([head, { write: { sse: { a: 1 }, slice: 1 } }]);
    expect(await client.end()).toBe('complete');
    expect((await client.response()).pieces.filter(({ bytes }) => bytes.length === 1).length).toBeGreaterThan(10);
  });

  it('is compressed, each write to be read at once', async () => {
    const { upstream, client } = await ask([
      { ...head, gzip: true },
      { write: { text: 'first' } },
      { wait: 'more' },
      { write: { text: 'second' } },
    ]);
    const response = await client.response();
    await upstream.reached('more');
    await eventually(() => response.body.length > 10, 'the first piece');
    expect(gunzipSync(response.body, { finishFlush: 2 }).toString()).toBe('first');
    upstream.release('more');
    expect(await client.end()).toBe('complete');
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(response.body).toString()).toBe('firstsecond');
  });

  it('is a document with any status and headers', async () => {
    const { client } = await ask(answering(429, { error: { message: 'slow' } }, { 'retry-after': '7' }));
    const response = await client.response();
    await client.end();
    expect([response.status, response.headers['retry-after'], response.json()]).toEqual([
      429,
      '7',
      { error: { message: 'slow' } },
    ]);
  });
});

describe('a connection', () => {
  it('serves one request after another, each with its own scenario, the last again', async () => {
    const upstream = await start([answering(200, 'one'), { steps: answering(500, 'two') }]);
    const client = await openProbe(upstream);
    for (const index of [0, 1, 2]) {
      await client.send(request);
      await client.end(index);
    }
    expect(client.responses.map(({ status, text }) => [status, text])).toEqual([
      [200, 'one'],
      [500, 'two'],
      [500, 'two'],
    ]);
    expect(upstream.requests.map(({ connectionId, reused }) => [connectionId, reused])).toEqual([
      [1, false],
      [1, true],
      [1, true],
    ]);
  });

  it('answers pipelined requests in order', async () => {
    const { upstream, client } = await ask(({ index }) => [
      head,
      { wait: `go ${index}` },
      { write: { text: `answer ${index}` } },
    ]);
    await client.send({ path: '/second' });
    await upstream.reached('go 0');
    upstream.release('go 1');
    upstream.release('go 0');
    expect(await client.end(1)).toBe('complete');
    expect(client.responses.map(({ text }) => text)).toEqual(['answer 0', 'answer 1']);
  });

  it('can be chosen by the whole request', async () => {
    const { client } = await ask(({ bodyText, path }) => answering(200, `${path} ${bodyText}`));
    await client.end();
    expect((await client.response()).text).toBe('/v1/chat/completions {"model":"m"}');
  });

  it('is closed while it is idle', async () => {
    const { upstream, client } = await ask(answering(200, 'x'));
    await client.end();
    upstream.closeIdle();
    expect(await client.close()).toBe('fin');
    expect(await upstream.nextClose()).toMatchObject({
      closedBy: 'upstream',
      closedHow: 'fin',
      aborted: false,
      requestCount: 1,
    });
  });

  it('is reset on its second request, before a byte of the answer', async () => {
    const { client } = await ask([answering(200, 'x'), ['rst']]);
    await client.end();
    await client.send(request);
    expect(await client.end(1)).toBe('reset');
    expect(client.responses.length).toBe(1);
  });
});

describe('faults', () => {
  const started = [head, { write: { text: 'data: a\n\n' } }] as const;
  const table: readonly (readonly [
    name: string,
    scenario: Scenario | readonly Step[],
    end: string,
    body: string | undefined,
  ])[] = [
    ['FIN before the head', ['fin'], 'fin', undefined],
    ['RST before the head', ['rst'], 'reset', undefined],
    ['FIN between two chunks', [...started, 'fin'], 'fin', 'data: a\n\n'],
    ['FIN in a chunk', [head, { write: { text: 'data: a', announce: 64 } }, 'fin'], 'fin', 'data: a'],
    ['FIN in the size of a chunk', [...started, { write: { text: '4', raw: true } }, 'fin'], 'fin', 'data: a\n\n'],
    [
      'FIN before the whole length',
      [{ status: 200, framing: 'length', length: 100 }, { write: { text: 'short' } }, 'fin'],
      'fin',
      'short',
    ],
    ['FIN in the head', [{ write: { text: 'HTTP/1.1 200 OK\r\ncontent-ty', raw: true } }, 'fin'], 'fin', undefined],
    ['RST behind what was sent, which is read', [...started, 'rst'], 'reset', 'data: a\n\n'],
    ['destroy', [...started, 'destroy'], 'fin', 'data: a\n\n'],
    ['close after a good answer', [...started, 'end', 'fin'], 'complete', 'data: a\n\n'],
    [
      'clean end of a body that lasts until FIN',
      [{ status: 200, framing: 'close' }, { write: { text: 'x' } }],
      'complete',
      'x',
    ],
    ['FIN at once', { on: 'accept', steps: ['fin'] }, 'fin', undefined],
    ['RST at once', { on: 'accept', steps: ['rst'] }, 'reset', undefined],
    ['an answer before the body was sent', { on: 'head', steps: answering(413, 'large') }, 'complete', 'large'],
  ];

  it.each(table)('%s', async (_name, scenario, end, body) => {
    const plan = JSON.parse(JSON.stringify(scenario)) as Scenario | readonly Step[];
    const upstream = await start(plan);
    const client = await openProbe(upstream);
    await client.send(request, 'on' in scenario && scenario.on === 'head' ? withoutEnd : {}).catch(() => undefined);
    expect(await client.end()).toBe(end);
    expect(client.responses[0]?.text).toBe(body);
    client.destroy();
    const connection = await upstream.nextClose();
    const staysOpen = JSON.stringify(plan).endsWith('"end"]}');
    expect(connection.closedBy).toBe(staysOpen ? 'client' : 'upstream');
    expect(
      upstream.requests.map(({ outcome }) => outcome).filter((outcome) => outcome !== 'cut' && outcome !== 'answered'),
    ).toEqual([]);
  });

  it('something that is no HTTP', async () => {
    const { client } = await ask(['not-http', 'fin']);
    await client.end();
    expect(client.malformed).toContain('No start line');
  });

  it('a head that is too large', async () => {
    const { client } = await ask([{ headerOverflow: 100_000 }, 'fin']);
    expect((await client.response()).headers['x-filler']?.length).toBe(100_000);
  });

  it('a stall, until the other side leaves', async () => {
    const { upstream, client } = await ask([...started, 'stall']);
    await client.until('data: a');
    expect(upstream.activeConnections).toBe(1);
    client.reset();
    expect(await upstream.nextClose()).toMatchObject({ closedBy: 'client', closedHow: 'reset', aborted: true });
    expect(upstream.requests[0]?.outcome).toBe('aborted');
  });

  it.each([
    ['FIN', (client: ProbeClient) => client.fin()],
    ['destroy', (client: ProbeClient) => client.destroy()],
  ])('notes a client that leaves by %s', async (_name, leave) => {
    const { upstream, client } = await ask([head, { wait: 'never' }]);
    await upstream.reached('never');
    leave(client);
    expect(await upstream.nextClose()).toMatchObject({ state: 'closed', closedBy: 'client', aborted: true });
  });

  it('notes a request whose body never came whole', async () => {
    const upstream = await start(streaming(frames));
    const client = await openProbe(upstream);
    await client.send(request, withoutEnd);
    await eventually(() => upstream.requests.length === 1, 'the head');
    client.destroy();
    expect(await upstream.nextClose()).toMatchObject({ aborted: true });
    expect(upstream.requests[0]).toMatchObject({ complete: false, outcome: 'aborted' });
  });
});

describe('waiting', () => {
  it('holds a write at a gate until the test opens it', async () => {
    const { upstream, client } = await ask([head, { write: { text: 'a' } }, { write: { text: 'b', gate: 'second' } }]);
    await upstream.reached('second');
    expect(await client.until('a')).toBe('a');
    upstream.release('second');
    await client.end();
    expect((await client.response()).text).toBe('ab');
  });

  it('waits on the clock of the test, and leaves no timer behind', async () => {
    const clock = new TestClock({ start: 0 });
    const { upstream, client } = await ask([head, { wait: 60_000 }, { write: { text: 'a' } }, { wait: 60_000 }], {
      clock,
    });
    await clock.advance(59_999);
    expect((await client.response()).text).toBe('');
    await clock.advance(1);
    expect(await client.until('a')).toBe('a');
    expect([clock.pending, upstream.requests[0]?.at]).toEqual([1, 0]);
    client.destroy();
    await upstream.nextClose();
    expect(clock.pending).toBe(0);
  });

  it('says so when a scenario needs a clock and has none', async () => {
    const upstream = await startFaultUpstream([{ wait: 5 }]);
    const client = await probe(upstream, request);
    await client.end();
    expect(upstream.problems[0]).toContain('given no clock');
    await upstream.close();
  });
});

describe('an endless stream', () => {
  it('stops writing while nobody reads, and goes on after', async () => {
    const { upstream, client } = await ask([head, { forever: { repeat: 'x', times: 65_536 } }]);
    await client.until((text) => text.length > 1_000_000);
    client.pause();
    const connection = await upstream.nextConnection();
    await eventually(() => connection.blocked, 'the upstream to be blocked');
    const written = connection.bytesOut;
    await turn(50);
    expect([connection.blocked, connection.bytesOut]).toEqual([true, written]);
    client.resume();
    await eventually(() => connection.bytesOut > written + 1_000_000, 'the upstream to go on');
    client.reset();
    expect(await upstream.nextClose()).toMatchObject({ aborted: true, blocked: false });
  });

  it('keeps the pace of the clock', async () => {
    const clock = new TestClock();
    const { client } = await ask([head, { forever: { sse: { ping: 1 } }, every: 1_000 }], { clock });
    await clock.advance(3_500);
    expect((await client.response()).text).toBe('data: {"ping":1}\n\n'.repeat(4));
  });
});

describe('TLS', () => {
  const handshake = (port: number, ca: string): Promise<string> =>
    new Promise((resolve) => {
      const socket = connectTls({ port, host: '127.0.0.1', ca });
      socket
        .once('secureConnect', () => resolve('trusted'))
        .once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
      socket.once('close', () => resolve('closed'));
    });

  it.each([
    ['expired', 'CERT_HAS_EXPIRED'],
    ['wrong-name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['untrusted', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ] as const)('%s is refused with %s', async (tls, code) => {
    const upstream = await start({ tls, steps: streaming(frames) });
    expect(upstream.origin).toMatch(/^https:/);
    expect(await handshake(upstream.port, upstream.authority)).toBe(code);
    expect((await upstream.nextClose()).requestCount).toBe(0);
  });

  it.each([
    ['end', 'complete'],
    ['fin', 'fin'],
    ['rst', 'reset'],
  ] as const)('serves one who trusts its authority, up to %s', async (step, end) => {
    const upstream = await start({ tls: 'valid', steps: streaming(frames, [step]) });
    const client = await probe(upstream, request);
    expect(await client.end()).toBe(end);
    expect((await client.response()).text).toBe(frames.join(''));
    client.destroy();
    await upstream.nextClose();
  });

  it('never ends the handshake', async () => {
    const upstream = await start({ tls: 'handshake-stall', steps: [] });
    const socket = connectTls({ port: upstream.port, host: '127.0.0.1' }).on('error', () => undefined);
    const connection = await upstream.nextConnection();
    await eventually(() => connection.bytesIn > 100, 'the greeting of the client');
    expect([connection.bytesOut, upstream.activeConnections]).toEqual([0, 1]);
    socket.destroy();
    expect(await upstream.nextClose()).toMatchObject({ closedBy: 'client' });
  });
});
