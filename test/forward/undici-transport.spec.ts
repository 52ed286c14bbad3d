import { afterEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer as createTlsServer, getCACertificates, setDefaultCACertificates } from 'node:tls';
import type { AddressInfo, Socket } from 'node:net';
import { mapSocketError } from '../../src/forward/socket-error.ts';
import { createUndiciTransport, type UndiciTransport, type UndiciTransportOptions } from '../../src/forward/undici-transport.ts';
import { systemClock, type Clock } from '../../src/kernel/clock.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { UpstreamCall, UpstreamHead, UpstreamListener, UpstreamRequest } from '../../src/kernel/upstream.ts';
import { rawServer, type RawConnection, type RawServer } from './raw-server.ts';
import { selfSignedCertificate } from './self-signed-certificate.ts';

const cleanup: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).reverse()) await step();
});

const okay = 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok';
const chunkedHead = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n';

describe('a request', () => {
  it('is sent as it was encoded, and its answer told in order', async () => {
    const server = await serve(({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Two: a\r\nx-two: b\r\nContent-Length: 5\r\n\r\nhello');
    });
    const seen: string[] = [];
    const { head, text } = await ask(transport(), { ...post(server.origin, '{"ä":1}'), path: '/v1/chat?x=1', headers: { authorization: 'Bearer t', 'content-type': 'application/json' } }, seen);
    expect(seen).toEqual(['sent', 'connected', 'head', 'data', 'end']);
    expect(head).toEqual({ status: 200, headers: { 'content-type': 'text/plain', 'x-two': 'a, b', 'content-length': '5' } });
    expect(text).toBe('hello');
    const { received = '' } = server.connections[0] ?? {};
    expect(received).toMatch(/^POST \/v1\/chat\?x=1 HTTP\/1.1\r\n/);
    for (const line of [`host: 127.0.0.1:${server.port}`, 'authorization: Bearer t', 'accept-encoding: identity', 'content-length: 8']) expect(received).toContain(`${line}\r\n`);
  });

  it('frames itself: headers that would change the framing or the host are left out', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    await ask(transport(), { ...post(server.origin), headers: { host: 'evil.test', 'content-length': '99', 'transfer-encoding': 'chunked', connection: 'upgrade', upgrade: 'h2c', expect: '100-continue' } });
    expect(server.connections[0]?.received).not.toMatch(/evil|99|transfer-encoding|upgrade|expect/i);
  });

  it('sees a redirect as a head and goes nowhere', async () => {
    const target = await serve(({ socket }) => socket.write(okay));
    const server = await serve(({ socket }) => socket.write(`HTTP/1.1 302 Found\r\nlocation: ${target.origin}/\r\ncontent-length: 0\r\n\r\n`));
    const { head } = await ask(transport(), post(server.origin));
    expect(head).toEqual({ status: 302, headers: { location: `${target.origin}/`, 'content-length': '0' } });
    expect(target.connections).toHaveLength(0);
  });

  it('gets encoded content as it is', async () => {
    const server = await serve(({ socket }) => socket.write('HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\n\x1f\x8b!', 'latin1'));
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
    expect(await ask(transport(), post(server.origin))).toMatchObject({ outcome: 'end', text: 'ok', head: { status: 200 } });
  });
});

describe('what goes wrong with an answer', () => {
  const fin = (text: string) => ({ socket }: RawConnection) => void socket.end(text);
  const reset = (text: string) => ({ socket }: RawConnection) => void socket.write(text, () => socket.resetAndDestroy());
  const send = (text: string) => ({ socket }: RawConnection) => void socket.write(text);
  const close = 'connection: close\r\n';
  const partial = 'HTTP/1.1 200 OK\r\ncontent-length: 9\r\n';

  it.each<[string, (connection: RawConnection) => void, string]>([
    ['FIN instead of a head', fin(''), 'UPSTREAM_RESET'],
    ['RST instead of a head', reset(''), 'UPSTREAM_RESET'],
    ['FIN inside the head', fin('HTTP/1.1 200 OK\r\nconte'), 'UPSTREAM_RESET'],
    ['another protocol', send('SSH-2.0-OpenSSH_9.0\r\n'), 'UPSTREAM_BAD_CONTENT'],
    ['a head without end', send(`HTTP/1.1 200 OK\r\n${'x-long: '}${'y'.repeat(70_000)}`), 'UPSTREAM_BAD_CONTENT'],
    ['101 that nobody asked for', send('HTTP/1.1 101 Switching\r\nupgrade: ws\r\nconnection: upgrade\r\n\r\n'), 'UPSTREAM_BAD_CONTENT'],
    ['100 that nobody asked for', send('HTTP/1.1 100 Continue\r\n\r\n'), 'UPSTREAM_BAD_CONTENT'],
    ['two content lengths', send('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'), 'UPSTREAM_BAD_CONTENT'],
    ['FIN before the promised length', fin(`${partial}\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
    ['FIN before the promised length, connection: close', fin(`${partial}${close}\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
    ['FIN between chunks', fin(`${chunkedHead}\r\n4\r\n1234\r\n`), 'head data UPSTREAM_TRUNCATED'],
    ['FIN inside a chunk', fin(`${chunkedHead}\r\n9\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
    ['FIN inside a chunk, connection: close', fin(`${chunkedHead}${close}\r\n9\r\n1234`), 'head data UPSTREAM_TRUNCATED'],
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
    expect(result).toMatchObject({ outcome: 'UPSTREAM_RESET', text: '1234', context: { phase: 'body', socketError: 'ECONNRESET', reused: false, retried: false } });
  });

  it('a listener that throws ends its call and nobody else’s', async () => {
    const server = await serve(send(`${chunkedHead}\r\n4\r\n1234\r\n`));
    const result = await ask(transport(), post(server.origin), [], { onData: () => { throw new TypeError('mine'); } });
    expect(result).toMatchObject({ outcome: 'INTERNAL' });
    await server.allClosed();
  });
});

describe('what goes wrong before', () => {
  it('nobody listens', async () => {
    const server = await rawServer(() => {});
    await server.close();
    expect(await ask(transport(), post(server.origin))).toMatchObject({ outcome: 'UPSTREAM_CONNECT', context: { phase: 'connect', socketError: 'ECONNREFUSED' } });
  });

  it.each(['ENOTFOUND', 'EAI_AGAIN'])('the resolver says %s', async (code) => {
    const lookup = async () => { throw Object.assign(new Error('lookup'), { code }); };
    expect(await ask(transport({ lookup }), post('http://nowhere.test'))).toMatchObject({ outcome: 'UPSTREAM_DNS' });
  });

  it.each(['http://127.0.0.1:PORT', 'http://0x7f.1:PORT', 'http://[::1]:PORT', 'http://[::ffff:7f00:1]:PORT', 'http://localhost:PORT', 'http://evil.test:PORT'])(
    '%s is blocked for the public profile, and no connection is made',
    async (origin) => {
      const server = await serve(({ socket }) => socket.write(okay));
      const lookup = async () => [{ address: '93.184.216.34', family: 4 }, { address: '127.0.0.1', family: 4 }];
      const result = await ask(transport({ profile: 'public', lookup }), post(origin.replace('PORT', String(server.port))));
      expect(result).toMatchObject({ outcome: 'EGRESS_BLOCKED', message: 'The address of the model provider is not allowed.' });
      expect(server.connections).toHaveLength(0);
    },
  );

  it.each(['file:///etc/passwd', 'gopher://x.test', 'http://user:secret@x.test', 'http://x.test/path', 'nonsense', ''])('%p is no origin', async (origin) => {
    const result = await ask(transport(), post(origin));
    expect(result.outcome).toBe('EGRESS_BLOCKED');
    expect(JSON.stringify(result.context)).not.toContain('secret');
  });

  it('a header that can not be sent', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const result = await ask(transport(), { ...post(server.origin), headers: { authorization: 'a\r\nx: y' } });
    expect(result.outcome).toBe('INTERNAL');
    expect(server.connections).toHaveLength(0);
  });

  it('a connect that takes too long, on the injected clock', async () => {
    const { clock, fire } = manualClock();
    const one = transport({ clock, lookup: () => new Promise(() => {}) });
    const result = ask(one, post('http://slow.test'));
    await turns();
    fire(5_000);
    expect(await result).toMatchObject({ outcome: 'UPSTREAM_CONNECT_TIMEOUT' });
    await turns();
    expect(one.openConnections).toBe(0);
  });

  it('a TLS handshake that stalls counts as connecting', async () => {
    const { clock, fire } = manualClock();
    const server = await serve(() => {});
    const one = transport({ clock });
    const result = ask(one, post(`https://127.0.0.1:${server.port}`));
    await new Promise((accepted) => server.server.once('connection', accepted));
    fire(5_000);
    expect(await result).toMatchObject({ outcome: 'UPSTREAM_CONNECT_TIMEOUT' });
    await server.allClosed();
  });

  it('a server that speaks no TLS', async () => {
    const server = await serve(() => {}, (socket) => socket.write(okay));
    expect(await ask(transport(), post(`https://127.0.0.1:${server.port}`))).toMatchObject({ outcome: 'UPSTREAM_TLS' });
  });

  it('a server that closes during the TLS handshake', async () => {
    const server = await serve(() => {}, (socket) => socket.end());
    expect(await ask(transport(), post(`https://127.0.0.1:${server.port}`))).toMatchObject({ outcome: 'UPSTREAM_CONNECT' });
  });
});

describe('TLS', () => {
  it('trusts no certificate by itself, whatever the environment says, and never another name', async () => {
    const certificate = selfSignedCertificate('model.test');
    const server = createTlsServer(certificate, (socket) => {
      socket.on('error', () => {});
      socket.on('data', () => socket.write(okay));
    });
    server.on('tlsClientError', () => {});
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    cleanup.push(() => new Promise((done) => server.close(done)));
    const { port } = server.address() as AddressInfo;
    const lookup = async () => [{ address: '127.0.0.1', family: 4 }];
    const outcome = async (host: string) => {
      const one = transport({ lookup });
      const result = await ask(one, post(`https://${host}:${port}`));
      await one.close();
      return result.outcome;
    };
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED'];
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
    cleanup.push(() => restoreEnvironment('NODE_TLS_REJECT_UNAUTHORIZED', before));
    expect(await outcome('model.test')).toBe('UPSTREAM_TLS');
    const authorities = getCACertificates('default');
    cleanup.push(() => setDefaultCACertificates(authorities));
    setDefaultCACertificates([...authorities, certificate.cert]);
    expect(await outcome('model.test')).toBe('end');
    expect(await outcome('other.test')).toBe('UPSTREAM_TLS');
  });
});

describe('a connection that was used before', () => {
  /** Answers as `behaviour` says, by the number of the request over all connections. */
  const scripted = (behaviour: (number: number, connection: RawConnection) => void): Promise<RawServer> => {
    let number = 0;
    return serve((connection) => behaviour((number += 1), connection));
  };

  it('is used again', async () => {
    const server = await scripted((_number, { socket }) => socket.write(okay));
    const one = transport();
    for (let round = 0; round < 5; round += 1) expect((await ask(one, post(server.origin))).outcome).toBe('end');
    expect([server.connections.length, server.connections[0]?.requests, one.openConnections]).toEqual([1, 5, 1]);
  });

  it('is not used while it carries a request', async () => {
    const server = await scripted((number, { socket }) => void (number === 3 && socket.write(okay)));
    const one = transport();
    void ask(one, post(server.origin));
    void ask(one, post(server.origin));
    expect((await ask(one, post(server.origin))).outcome).toBe('end');
    expect([server.connections.length, one.liveCalls]).toEqual([3, 2]);
  });

  it.each<[string, (socket: Socket) => void]>([['FIN', (socket) => socket.end()], ['RST', (socket) => socket.resetAndDestroy()]])(
    'and is lost by %s before the head: the request is sent once more on a new one, unseen',
    async (_title, lose) => {
      const server = await scripted((number, { socket }) => (number === 2 ? lose(socket) : socket.write(okay)));
      const one = transport();
      await ask(one, post(server.origin));
      const seen: string[] = [];
      expect(await ask(one, post(server.origin, '{"n":2}'), seen)).toMatchObject({ outcome: 'end', text: 'ok' });
      expect(seen).toEqual(['sent', 'connected', 'head', 'data', 'end']);
      expect(server.connections.map((connection) => connection.requests)).toEqual([2, 1]);
      expect(server.connections[1]?.received).toContain('{"n":2}');
    },
  );

  it('is repeated exactly once: a new one that is lost too is the caller’s', async () => {
    const server = await scripted((number, { socket }) => (number === 1 ? socket.write(okay) : socket.resetAndDestroy()));
    const one = transport();
    await ask(one, post(server.origin));
    expect(await ask(one, post(server.origin))).toMatchObject({ outcome: 'UPSTREAM_RESET', context: { phase: 'head', reused: false, retried: true } });
    expect(server.connections.map((connection) => connection.requests)).toEqual([2, 1]);
  });

  it('is not repeated after a byte of the answer', async () => {
    const server = await scripted((number, { socket }) => (number === 1 ? socket.write(okay) : socket.end('H')));
    const one = transport();
    await ask(one, post(server.origin));
    expect(await ask(one, post(server.origin))).toMatchObject({ outcome: 'UPSTREAM_RESET', context: { reused: true, retried: false } });
    expect(server.connections).toHaveLength(1);
  });

  it.each<[string, (socket: Socket) => void]>([['FIN', (socket) => socket.end()], ['RST', (socket) => socket.resetAndDestroy()]])(
    'does not stand for one that is lost by %s at its first request: that one is not repeated',
    async (_title, lose) => {
      const server = await scripted((_number, { socket }) => lose(socket));
      expect(await ask(transport(), post(server.origin))).toMatchObject({ outcome: 'UPSTREAM_RESET', context: { reused: false, retried: false } });
      expect(server.connections).toHaveLength(1);
    },
  );

  it('and is closed while idle is forgotten', async () => {
    const server = await scripted((_number, { socket }) => socket.end(okay));
    const one = transport();
    for (let round = 0; round < 3; round += 1) expect((await ask(one, post(server.origin))).outcome).toBe('end');
    await server.allClosed();
    await turns();
    expect([server.connections.length, one.openConnections]).toEqual([3, 0]);
  });

  it('and refuses to be used again is not', async () => {
    const server = await scripted((_number, { socket }) => socket.write(okay.replace('\r\n', '\r\nconnection: close\r\n')));
    const one = transport();
    for (let round = 0; round < 3; round += 1) expect((await ask(one, post(server.origin))).outcome).toBe('end');
    expect(server.connections).toHaveLength(3);
  });
});

describe('abort', () => {
  const nothingMore = async (one: UndiciTransport, server: RawServer, seen: string[], told: number): Promise<void> => {
    await server.allClosed();
    await turns();
    expect(seen).toHaveLength(told);
    expect([server.open(), one.liveCalls, one.openConnections]).toEqual([0, 0, 0]);
  };

  it('in the turn of the send opens no connection', async () => {
    const server = await serve(() => {});
    const one = transport();
    const seen: string[] = [];
    one.send(post(server.origin), recorder(seen)).abort();
    await turns();
    await nothingMore(one, server, seen, 0);
    expect(server.connections).toHaveLength(0);
  });

  it('while the name is resolved opens no connection', async () => {
    const server = await serve(() => {});
    let resolve: (addresses: { address: string; family: number }[]) => void = () => {};
    const one = transport({ lookup: () => new Promise((done) => { resolve = done; }) });
    const seen: string[] = [];
    const call = one.send(post(`http://slow.test:${server.port}`), recorder(seen));
    await turns();
    call.abort();
    resolve([{ address: '127.0.0.1', family: 4 }]);
    await nothingMore(one, server, seen, 0);
    expect(server.connections).toHaveLength(0);
  });

  it('during the TLS handshake closes the socket', async () => {
    const server = await serve(() => {});
    const one = transport();
    const seen: string[] = [];
    const call = one.send(post(`https://127.0.0.1:${server.port}`), recorder(seen));
    await new Promise((accepted) => server.server.once('connection', accepted));
    call.abort();
    await nothingMore(one, server, seen, 0);
  });

  it.each(['onConnected', 'onHead', 'onData'] as const)('from inside %s closes the socket', async (moment) => {
    const server = await serve(({ socket }) => socket.write(`${chunkedHead}\r\n4\r\n1234\r\n4\r\n5678\r\n0\r\n\r\n`));
    const one = transport();
    const seen: string[] = [];
    const told = await new Promise<number>((done) => {
      const call: UpstreamCall = one.send(post(server.origin), recorder(seen, { [moment]: () => { call.abort(); done(seen.length); } }));
    });
    await turns();
    await nothingMore(one, server, seen, told);
    expect(told).toBe({ onConnected: 1, onHead: 2, onData: 3 }[moment]);
  });

  it('while waiting for the head closes the socket', async () => {
    const one = transport();
    const seen: string[] = [];
    let call: UpstreamCall | undefined;
    const server = await serve(() => call?.abort());
    call = one.send(post(server.origin), recorder(seen));
    await new Promise((accepted) => server.server.once('connection', accepted));
    await nothingMore(one, server, seen, 1);
    expect(seen).toEqual(['connected']);
  });

  it.each([false, true])('in the middle of the body closes the socket (paused: %p)', async (isPaused) => {
    const server = await serve(({ socket }) => socket.write(`${chunkedHead}\r\n4\r\n1234\r\n`));
    const one = transport();
    const seen: string[] = [];
    const call = await new Promise<UpstreamCall>((done) => {
      const sent: UpstreamCall = one.send(post(server.origin), recorder(seen, { onData: () => done(sent) }));
    });
    if (isPaused) call.pause();
    await turns();
    call.abort();
    call.resume();
    await nothingMore(one, server, seen, 3);
  });

  it('of a request that waits for an idle connection to be examined closes that', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const one = transport();
    await ask(one, post(server.origin));
    const seen: string[] = [];
    const call = one.send(post(server.origin), recorder(seen));
    await Promise.resolve();
    call.abort();
    await nothingMore(one, server, seen, 0);
    expect(server.connections[0]?.requests).toBe(1);
  });

  it('after the end does nothing to the connection', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const one = transport();
    let call: UpstreamCall | undefined;
    await new Promise<void>((done) => { call = one.send(post(server.origin), recorder([], { onEnd: done })); });
    call?.abort();
    await ask(one, post(server.origin));
    expect(server.connections).toHaveLength(1);
  });
});

describe('pause', () => {
  it('stops the reading, so that the server can write no more, and resume gets every byte', async () => {
    const total = 24 * 1_048_576;
    let written = 0;
    const server = await serve(({ received, socket }) => {
      if (received.includes('/small')) return void socket.write(okay);
      const piece = Buffer.alloc(65_536, 'x');
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${total}\r\n\r\n`);
      const more = (): void => {
        while (written < total) {
          written += piece.length;
          if (!socket.write(piece)) return void socket.once('drain', more);
        }
      };
      more();
    });
    const one = transport();
    let got = 0;
    let call: UpstreamCall | undefined;
    const ended = new Promise<string>((done) => {
      call = one.send(post(server.origin), {
        onHead: () => call?.pause(),
        onData: (chunk) => void (got += chunk.length),
        onEnd: () => done('end'),
        onError: (error) => done(String(error)),
      });
    });
    // Other requests go their way meanwhile; the kernel's buffers fill and the server is stuck.
    for (let round = 0; round < 100; round += 1) await ask(one, { ...post(server.origin), path: '/small' });
    expect(got).toBeLessThan(262_144);
    expect(written).toBeLessThan(total);
    call?.resume();
    expect(await ended).toBe('end');
    expect([got, written]).toEqual([total, total]);
  });

  it('before the head holds the body back', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const one = transport();
    const seen: string[] = [];
    const head = new Promise<void>((done) => {
      const call: UpstreamCall = one.send(post(server.origin), recorder(seen, { onHead: done, onEnd: () => seen.push('over') }));
      call.pause();
      cleanup.push(() => call.abort());
    });
    await head;
    await turns();
    expect(seen).toEqual(['connected', 'head']);
  });

  it('and resume never call back from inside', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const seen: string[] = [];
    await new Promise<void>((done) => {
      const call: UpstreamCall = transport().send(post(server.origin), recorder(seen, {
        onHead: () => {
          call.pause();
          call.resume();
          call.pause();
          call.resume();
          seen.push('resumed');
        },
        onEnd: done,
      }));
    });
    expect(seen).toEqual(['connected', 'head', 'resumed', 'data', 'end']);
  });
});

describe('close', () => {
  it('ends the live calls, closes every socket, and takes no more', async () => {
    const server = await serve(({ received, socket }) => void (received.includes('/small') && socket.write(okay)));
    const one = transport();
    await ask(one, { ...post(server.origin), path: '/small' });
    const live = ask(one, post(server.origin));
    await turns();
    await one.close();
    expect((await live).outcome).toBe('DRAINING');
    expect((await ask(one, post(server.origin))).outcome).toBe('DRAINING');
    await server.allClosed();
    expect([one.liveCalls, one.openConnections]).toEqual([0, 0]);
  });
});

describe('the async context', () => {
  it('of a call is not kept by the connection and not passed to the next', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const one = transport();
    const run = new AsyncLocalStorage<string>();
    const contexts: unknown[] = [];
    for (const name of ['first', 'second']) await run.run(name, () => ask(one, post(server.origin), [], { onHead: () => void contexts.push(run.getStore()) }));
    expect(contexts).toEqual([undefined, undefined]);
  });
});

describe('mapSocketError', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 'UPSTREAM_CONNECT'], ['EHOSTUNREACH', 'connect', 'UPSTREAM_CONNECT'], ['ENETUNREACH', 'connect', 'UPSTREAM_CONNECT'],
    ['ECONNRESET', 'connect', 'UPSTREAM_CONNECT'], ['ETIMEDOUT', 'connect', 'UPSTREAM_CONNECT_TIMEOUT'], ['UND_ERR_CONNECT_TIMEOUT', 'connect', 'UPSTREAM_CONNECT_TIMEOUT'],
    ['ENOTFOUND', 'connect', 'UPSTREAM_DNS'], ['EAI_AGAIN', 'connect', 'UPSTREAM_DNS'], ['EAI_FAIL', 'connect', 'UPSTREAM_DNS'],
    ['CERT_HAS_EXPIRED', 'connect', 'UPSTREAM_TLS'], ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'UPSTREAM_TLS'], ['SELF_SIGNED_CERT_IN_CHAIN', 'connect', 'UPSTREAM_TLS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connect', 'UPSTREAM_TLS'], ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 'UPSTREAM_TLS'], ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect', 'UPSTREAM_TLS'],
    ['EPROTO', 'connect', 'UPSTREAM_TLS'], ['EMFILE', 'connect', 'UPSTREAM_CONNECT'],
    ['ECONNRESET', 'head', 'UPSTREAM_RESET'], ['EPIPE', 'head', 'UPSTREAM_RESET'], ['UND_ERR_SOCKET', 'head', 'UPSTREAM_RESET'],
    ['HPE_INVALID_CONSTANT', 'head', 'UPSTREAM_BAD_CONTENT'], ['UND_ERR_HEADERS_OVERFLOW', 'head', 'UPSTREAM_BAD_CONTENT'],
    ['ECONNRESET', 'body', 'UPSTREAM_RESET'], ['HPE_INVALID_EOF_STATE', 'body', 'UPSTREAM_TRUNCATED'], ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'body', 'UPSTREAM_TRUNCATED'],
    ['HPE_INVALID_CHUNK_SIZE', 'body', 'UPSTREAM_BAD_CONTENT'],
  ] as const)('%s while %s is %s', (code, phase, expected) => {
    const mapped = mapSocketError(Object.assign(new Error('at 10.0.0.1'), { code }), phase);
    expect([mapped.code, mapped.context]).toEqual([expected, { phase, socketError: code }]);
    expect(mapped.message).not.toContain('10.0.0.1');
  });

  it.each([undefined, null, 'text', 7, {}])('takes %p too', (thrown) => {
    expect(mapSocketError(thrown).code).toBe('UPSTREAM_CONNECT');
  });
});

// ---- helpers -------------------------------------------------------------------------------------------------------

function transport(options: Partial<UndiciTransportOptions> = {}): UndiciTransport {
  const one = createUndiciTransport({ profile: 'private', connectTimeoutMilliseconds: 5_000, clock: systemClock, ...options });
  cleanup.push(() => one.close());
  return one;
}

async function serve(onRequest: (connection: RawConnection) => unknown, onAccept?: (socket: Socket) => void): Promise<RawServer> {
  const server = await rawServer((connection) => void onRequest(connection), onAccept);
  cleanup.push(() => server.close());
  return server;
}

function post(origin: string, body = '{}'): UpstreamRequest {
  return { method: 'POST', origin, path: '/v1/chat/completions', headers: {}, body };
}

type Hooks = Partial<Record<'onConnected' | 'onHead' | 'onData' | 'onEnd', () => void>>;

function recorder(seen: string[], hooks: Hooks = {}): UpstreamListener {
  return {
    onConnected: () => { seen.push('connected'); hooks.onConnected?.(); },
    onHead: () => { seen.push('head'); hooks.onHead?.(); },
    onData: () => { seen.push('data'); hooks.onData?.(); },
    onEnd: () => { seen.push('end'); hooks.onEnd?.(); },
    onError: (error) => { seen.push(codeOf(error)); },
  };
}

interface Answer {
  readonly outcome: string;
  readonly head: UpstreamHead | undefined;
  readonly text: string;
  readonly message?: string;
  readonly context?: unknown;
}

function ask(one: UndiciTransport, request: UpstreamRequest, seen: string[] = [], hooks: Hooks = {}): Promise<Answer> {
  return new Promise((done) => {
    let head: UpstreamHead | undefined;
    let text = '';
    const inner = recorder(seen, hooks);
    one.send(request, {
      ...inner,
      onHead: (value) => { head = value; inner.onHead(value); },
      onData: (chunk) => {
        text += chunk.toString('latin1');
        if (seen.at(-1) === 'data') hooks.onData?.();
        else inner.onData(chunk);
      },
      onEnd: () => { inner.onEnd(); done({ outcome: 'end', head, text }); },
      onError: (error) => {
        inner.onError(error);
        const { message, context } = error as SluiceError;
        done({ outcome: codeOf(error), head, text, message, context });
      },
    });
    seen.push('sent');
  });
}

function codeOf(error: unknown): string {
  return error instanceof SluiceError ? error.code : `not a SluiceError: ${String(error)}`;
}

/** Lets everything run that is due. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
}

function manualClock(): { clock: Clock; fire: (milliseconds: number) => void } {
  const timers = new Set<{ milliseconds: number; callback: () => void }>();
  const after: Clock['after'] = (milliseconds, callback) => {
    const timer = { milliseconds, callback };
    timers.add(timer);
    return { cancel: () => timers.delete(timer) };
  };
  const fire = (milliseconds: number): void => {
    for (const timer of timers) if (timer.milliseconds <= milliseconds) timer.callback();
  };
  return { clock: { now: () => 0, wallTime: () => 0, after, every: after }, fire };
}

function restoreEnvironment(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name];
  else process.env[name] = value;
}
