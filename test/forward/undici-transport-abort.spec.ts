import { describe, expect, it } from '@jest/globals';
import type { UndiciTransport } from '../../src/forward/undici-transport.ts';
import type { UpstreamCall } from '../../src/kernel/upstream.ts';
import type { RawServer } from './raw-server.ts';
import { ask, chunkedHead, cleanup, okay, post, recorder, serve, transport } from './transport-probe.ts';
import { turn } from '../support/turn.ts';

describe('abort', () => {
  const nothingMore = async (one: UndiciTransport, server: RawServer, seen: string[], told: number): Promise<void> => {
    await server.allClosed();
    await turn(5);
    expect(seen).toHaveLength(told);
    expect([server.open(), one.liveCalls, one.openConnections]).toEqual([0, 0, 0]);
  };

  it('in the turn of the send opens no connection', async () => {
    const server = await serve(() => {});
    const one = transport();
    const seen: string[] = [];
    one.send(post(server.origin), recorder(seen)).abort();
    await turn(5);
    await nothingMore(one, server, seen, 0);
    expect(server.connections).toHaveLength(0);
  });

  it('while the name is resolved opens no connection', async () => {
    const server = await serve(() => {});
    let resolve: (addresses: { address: string; family: number }[]) => void = () => {};
    const one = transport({
      lookup: () =>
        new Promise((done) => {
          resolve = done;
        }),
    });
    const seen: string[] = [];
    const call = one.send(post(`http://slow.test:${server.port}`), recorder(seen));
    await turn(5);
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
      const call: UpstreamCall = one.send(
        post(server.origin),
        recorder(seen, {
          [moment]: () => {
            call.abort();
            done(seen.length);
          },
        }),
      );
    });
    await turn(5);
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
    await turn(5);
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
    await new Promise<void>((done) => {
      call = one.send(post(server.origin), recorder([], { onEnd: done }));
    });
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
      const call: UpstreamCall = one.send(
        post(server.origin),
        recorder(seen, { onHead: done, onEnd: () => seen.push('over') }),
      );
      call.pause();
      cleanup.push(() => call.abort());
    });
    await head;
    await turn(5);
    expect(seen).toEqual(['connected', 'head']);
  });

  it('and resume never call back from inside', async () => {
    const server = await serve(({ socket }) => socket.write(okay));
    const seen: string[] = [];
    await new Promise<void>((done) => {
      const call: UpstreamCall = transport().send(
        post(server.origin),
        recorder(seen, {
          onHead: () => {
            call.pause();
            call.resume();
            call.pause();
            call.resume();
            seen.push('resumed');
          },
          onEnd: done,
        }),
      );
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
    await turn(5);
    await one.close();
    expect((await live).outcome).toBe('DRAINING');
    expect((await ask(one, post(server.origin))).outcome).toBe('DRAINING');
    await server.allClosed();
    expect([one.liveCalls, one.openConnections]).toEqual([0, 0]);
  });
});
