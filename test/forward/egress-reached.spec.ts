import { EventEmitter } from 'node:events';
import type { LookupFunction, Socket } from 'node:net';
import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { buildConnector } from 'undici';
import { TestClock } from '../support/test-clock.ts';
import { turn } from '../support/turn.ts';

/*
 * What can't be brought about with real sockets: a socket that reached another address than the one that was checked.
 */

/** A socket that connects when it is told to. */
class HandSocket extends EventEmitter {
  remoteAddress: string | undefined;
  destroyed: unknown;
  destroy(error?: unknown): void {
    this.destroyed ??= error ?? 'without an error';
    this.emit('close');
  }
}

let socket: HandSocket;
let lookup: LookupFunction | undefined;
jest.unstable_mockModule('undici', () => ({
  buildConnector: (options: { readonly lookup: LookupFunction }) => {
    lookup = options.lookup;
    return (_target: unknown, callback: buildConnector.Callback) => {
      socket.once('connect', () => callback(null, socket as unknown as Socket));
      return socket;
    };
  },
}));
const { guardedConnect } = await import('../../src/forward/egress-guard.ts');

const target = { hostname: 'service.example', protocol: 'https:', port: '443' } as buildConnector.Options;
let clock: TestClock;
beforeEach(() => {
  clock = new TestClock();
  socket = new HandSocket();
});

/** What is called back when the connection stands, at this address. */
function reach(address: string | undefined): readonly unknown[] {
  const calls: unknown[] = [];
  guardedConnect('public', { clock, timeoutMilliseconds: 5_000 })(target, (error, connected) =>
    calls.push(error ?? connected),
  );
  socket.remoteAddress = address;
  socket.emit('connect');
  return calls;
}

describe('a socket that stands', () => {
  it('is given to who asked, and its time to connect is over', () => {
    expect(reach('93.184.216.34')).toEqual([socket]);
    expect([socket.destroyed, clock.pending]).toEqual([undefined, 0]);
  });

  it.each([
    ['127.0.0.1', 'EGRESS_BLOCKED'],
    ['169.254.169.254', 'EGRESS_BLOCKED'],
    ['::ffff:10.0.0.1', 'EGRESS_BLOCKED'],
    [undefined, 'UPSTREAM_CONNECT'],
  ])('at %s is destroyed before anything is sent', (address, code) => {
    expect(reach(address)).toMatchObject([{ code }]);
    expect(socket.destroyed).toMatchObject({ code });
    expect(clock.pending).toBe(0);
  });
});

describe('a socket that does not stand yet', () => {
  const connect = (): unknown =>
    guardedConnect('public', { clock, timeoutMilliseconds: 5_000 })(target, () => undefined);

  it('has its time', async () => {
    connect();
    await clock.advance(5_000);
    expect(socket.destroyed).toMatchObject({ code: 'UPSTREAM_CONNECT_TIMEOUT' });
  });

  it('leaves no timer when it is given up', () => {
    connect();
    socket.destroy();
    expect(clock.pending).toBe(0);
  });
});

it('of many addresses sixteen are tried, and all are checked', async () => {
  const answers = Array.from({ length: 40 }, (_, index) => ({ address: `93.184.216.${index + 1}`, family: 4 }));
  const resolve = async (): Promise<unknown> => {
    guardedConnect('public', { clock, timeoutMilliseconds: 5_000, lookup: async () => answers });
    const results: unknown[] = [];
    lookup?.('service.example', { all: true }, (error, addresses) => results.push(error ?? addresses));
    await turn(4);
    return results[0];
  };
  expect(await resolve()).toEqual(answers.slice(0, 16));
  answers.push({ address: '10.0.0.1', family: 4 });
  expect(await resolve()).toMatchObject({ code: 'EGRESS_BLOCKED' });
});
