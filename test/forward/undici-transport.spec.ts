import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import type { RawConnection } from './raw-server.ts';
import { ask, chunkedHead, okay, post, serve, transport } from './transport-probe.ts';

describe('a request', () => {
  it('is sent as it was encoded, and its answer told in order', async () => {
    const server = await serve(({ socket }) => {
      socket.write(
        'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 5\r\n\r\nhello',
      );
    });
    const seen: string[] = [];
    const { head, text } = await ask(
      transport(),
      {
        ...post(server.origin, '{"ä":1}'),
        path: '/v1/chat?x=1',
        headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
      },
      seen,
    );
    expect(seen).toEqual(['sent', 'connected', 'head', 'data', 'end']);
    expect(head).toEqual({
      status: 200,
      headers: { 'content-type': 'text/plain', 'x-two': 'a, b', 'content-length': '5' },
    });
    expect(text).toBe('hello');
    const { received = '' } = server.connections[0] ?? {};
    expect(received).toMatch(/^POST \/v1\/chat\?x=1 HTTP\/1.1\r\n/);
    for (const line of [
      `host: 127.0.0.1:${server.port}`,
      'authorization: Bearer t',
      'accept-encoding: identity',
      'content-length: 8',
    ])
      expect(received).toContain(`${line}\r\n`);
  });

  it('frames itself: headers that would change the framing or the host are left out', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    await ask(transport(), {
      ...post(server.origin),
      headers: {
        host: 'evil.test',
        'content-length': '99',
        'transfer-encoding': 'chunked',
        connection: 'upgrade',
        upgrade: 'h2c',
        expect: '100-continue',
      },
    });
    expect(server.connections[0]?.received).not.toMatch(/evil|content-length: 99|transfer-encoding|upgrade|expect/i);
  });

  it('sees a redirect as a head and goes nowhere', async () => {
    const target = await serve(({ socket }) => socket.write(okay));
    const server = await serve(({ socket }) =>
      socket.write(`HTTP/1.1 302 Found\r\nlocation: ${target.origin}/\r\ncontent-length: 0\r\n\r\n`),
    );
    const { head } = await ask(transport(), post(server.origin));
    expect(head).toEqual({ status: 302, headers: { location: `${target.origin}/`, 'content-length': '0' } });
    expect(target.connections).toHaveLength(0);
  });

  it('gets encoded content as it is', async () => {
    const server = await serve(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b!', 'latin1'),
    );
    const { head, text } = await ask(transport(), post(server.origin));
    expect([head?.headers['content-encoding'], text]).toEqual(['gzip', '\x1f\x8b!']);
  });

  it('gets the same body however the bytes are cut', async () => {
    const events = 'data: {"a":"ä"}\n\n|data: 漢\n\n|data: [DONE]\n\n'.split('|').map((text) => Buffer.from(text));
    const answer = Buffer.concat([
      Buffer.from(`${chunkedHead}\r\n`),
      ...events.flatMap((event) => [Buffer.from(`${event.length.toString(16)}\r\n`), event, Buffer.from('\r\n')]),
      Buffer.from('0\r\n\r\n'),
    ]);
    let cuts: readonly number[] = [];
    const server = await serve(async ({ socket }) => {
      const bounds = [0, ...cuts, answer.length];
      for (let place = 1; place < bounds.length; place += 1) {
        await new Promise((sent) => socket.write(answer.subarray(bounds[place - 1], bounds[place]), sent));
      }
    });
    const one = transport();
    const cutPoints = fc.uniqueArray(fc.integer({ min: 1, max: answer.length - 1 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(cutPoints, async (points) => {
        cuts = points.toSorted((a, b) => a - b);
        expect((await ask(one, post(server.origin))).text).toBe(Buffer.concat(events).toString('latin1'));
      }),
      { numRuns: 50 },
    );
    expect(one.liveCalls).toBe(0);
  });

  it('skips interim answers', async () => {
    const server = await serve(({ socket }) => socket.write(`HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${okay}`));
    expect(await ask(transport(), post(server.origin))).toMatchObject({
      outcome: 'end',
      text: 'ok',
      head: { status: 200 },
    });
  });
});

describe('what goes wrong with an answer', () => {
  const fin =
    (text: string) =>
    ({ socket }: RawConnection) =>
      void socket.end(text);
  const reset =
    (text: string) =>
    ({ socket }: RawConnection) =>
      void socket.write(text, () => socket.resetAndDestroy());
  const send =
    (text: string) =>
    ({ socket }: RawConnection) =>
      void socket.write(text);
  const close = 'connection: close\r\n';
  const partial = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n';

  it.each<[string, (connection: RawConnection) => void, string]>([
    ['FIN instead of a head', fin(''), 'UPSTREAM_RESET'],
    ['RST instead of a head', reset(''), 'UPSTREAM_RESET'],
    ['FIN inside the head', fin('HTTP/1.1 200 OK\r\nconte'), 'UPSTREAM_RESET'],
    ['another protocol', send('SSH-2.0-OpenSSH_9.0\r\n'), 'UPSTREAM_BAD_CONTENT'],
    ['a head without end', send(`HTTP/1.1 200 OK\r\nx-long: ${'y'.repeat(70_000)}`), 'UPSTREAM_BAD_CONTENT'],
    [
      '101 that nobody asked for',
      send('HTTP/1.1 101 Switching\r\nupgrade: ws\r\nconnection: upgrade\r\n\r\n'),
      'UPSTREAM_BAD_CONTENT',
    ],
    ['100 that nobody asked for', send('HTTP/1.1 100 Continue\r\n\r\n'), 'UPSTREAM_BAD_CONTENT'],
    [
      'two content lengths',
      send('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'),
      'UPSTREAM_BAD_CONTENT',
    ],
    ['FIN before the promised length', fin(`${partial}\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
    [
      'FIN before the promised length, connection: close',
      fin(`${partial}${close}\r\n1234`),
      'head data UPSTREAM_TRUNCATED',
    ],
    ['FIN between chunks', fin(`${chunkedHead}\r\n4\r\n1234\r\n`), 'head data UPSTREAM_TRUNCATED'],
    ['FIN inside a chunk', fin(`${chunkedHead}\r\n9\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
    [
      'FIN inside a chunk, connection: close',
      fin(`${chunkedHead}${close}\r\n9\r\n1234`),
      'head data UPSTREAM_TRUNCATED',
    ],
    ['FIN as the end of a body without length', fin('HTTP/1.1 200 OK\r\n\r\n1234'), 'head data end'],
    ['a chunk size that is none', send(`${chunkedHead}\r\n4\r\n1234\r\nzz\r\n`), 'head data UPSTREAM_BAD_CONTENT'],
  ])('%s', async (_title, answer, expected) => {
    const server = await serve(answer);
    const one = transport();
    const seen: string[] = [];
    await ask(one, post(server.origin), seen);
    expect(seen.slice(2).join(' ')).toBe(expected);
    await one.close();
    await server.allClosed();
    expect([server.connections.length, one.liveCalls, one.openConnections]).toEqual([1, 0, 0]);
  });

  it.each([
    ['with a length', `${partial}\r\n1234`],
    ['in chunks', `${chunkedHead}\r\n4\r\n1234\r\n`],
    ['in chunks, connection: close', `${chunkedHead}${close}\r\n9\r\n1234`],
    ['without length, where undici would see an end', 'HTTP/1.1 200 OK\r\n\r\n1234'],
  ])('RST inside a body %s', async (_title, answer) => {
    const server = await serve(send(answer));
    const result = await ask(transport(), post(server.origin), [], {
      onData: () => server.connections[0]?.socket.resetAndDestroy(),
    });
    expect(result).toMatchObject({
      outcome: 'UPSTREAM_RESET',
      text: '1234',
      context: { phase: 'body', socketError: 'ECONNRESET', reused: false, retried: false },
    });
  });

  it('a listener that throws ends its call and nobody else’s', async () => {
    const server = await serve(send(`${chunkedHead}\r\n4\r\n1234\r\n`));
    const result = await ask(transport(), post(server.origin), [], {
      onData: () => {
        throw new TypeError('mine');
      },
    });
    expect(result).toMatchObject({ outcome: 'INTERNAL' });
    await server.allClosed();
  });
});

describe('the async context', () => {
  it('of a call is not kept by the connection and not passed to the next', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const one = transport();
    const run = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    for (const name of ['first', 'second'])
      await run.run(name, () =>
        ask(one, post(server.origin), [], { onHead: () => void contexts.push(run.getStore()) }),
      );
    expect(contexts).toEqual([undefined, undefined]);
  });
});
