import { describe, expect, it } from '@jest/globals';
import type { Socket } from 'node:net';
import type { RawConnection, RawServer } from './raw-server.ts';
import { ask, okay, post, serve, transport } from './transport-probe.ts';
import { turn } from '../support/turn.ts';

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

  it.each<[string, (socket: Socket) => void]>([
    ['FIN', (socket) => socket.end()],
    ['RST', (socket) => socket.resetAndDestroy()],
  ])('and is lost by %s before the head: the request is sent once more on a new one, unseen', async (_title, lose) => {
    const server = await scripted((number, { socket }) => (number === 2 ? lose(socket) : socket.write(okay)));
    const one = transport();
    await ask(one, post(server.origin));
    const seen: string[] = [];
    expect(await ask(one, post(server.origin, '{"n":2}'), seen)).toMatchObject({ outcome: 'end', text: 'ok' });
    expect(seen).toEqual(['sent', 'connected', 'head', 'data', 'end']);
    expect(server.connections.map((connection) => connection.requests)).toEqual([2, 1]);
    expect(server.connections[1]?.received).toContain('{"n":2}');
  });

  it('is repeated exactly once: a new one that is lost too is the caller’s', async () => {
    const server = await scripted((number, { socket }) =>
      number === 1 ? socket.write(okay) : socket.resetAndDestroy(),
    );
    const one = transport();
    await ask(one, post(server.origin));
    expect(await ask(one, post(server.origin))).toMatchObject({
      outcome: 'UPSTREAM_RESET',
      context: { phase: 'head', reused: false, retried: true },
    });
    expect(server.connections.map((connection) => connection.requests)).toEqual([2, 1]);
  });

  it('is not repeated after a byte of the answer', async () => {
    const server = await scripted((number, { socket }) => (number === 1 ? socket.write(okay) : socket.end('H')));
    const one = transport();
    await ask(one, post(server.origin));
    expect(await ask(one, post(server.origin))).toMatchObject({
      outcome: 'UPSTREAM_RESET',
      context: { reused: true, retried: false },
    });
    expect(server.connections).toHaveLength(1);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['FIN', (socket) => socket.end()],
    ['RST', (socket) => socket.resetAndDestroy()],
  ])(
    'does not stand for one that is lost by %s at its first request: that one is not repeated',
    async (_title, lose) => {
      const server = await scripted((_number, { socket }) => lose(socket));
      expect(await ask(transport(), post(server.origin))).toMatchObject({
        outcome: 'UPSTREAM_RESET',
        context: { reused: false, retried: false },
      });
      expect(server.connections).toHaveLength(1);
    },
  );

  it('and is closed while idle is forgotten', async () => {
    const server = await scripted((_number, { socket }) => socket.end(okay));
    const one = transport();
    for (let round = 0; round < 3; round += 1) expect((await ask(one, post(server.origin))).outcome).toBe('end');
    await server.allClosed();
    await turn(5);
    expect([server.connections.length, one.openConnections]).toEqual([3, 0]);
  });

  it('and refuses to be used again is not', async () => {
    const server = await scripted((_number, { socket }) =>
      socket.write(okay.replace('\r\n', '\r\nconnection: close\r\n')),
    );
    const one = transport();
    for (let round = 0; round < 3; round += 1) expect((await ask(one, post(server.origin))).outcome).toBe('end');
    expect(server.connections).toHaveLength(3);
  });
});
