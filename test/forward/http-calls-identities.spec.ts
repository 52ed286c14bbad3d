import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { UndiciTransport } from '../../src/forward/undici-transport.ts';
import type { ClientIdentity, HttpCall } from '../../src/kernel/http-caller.ts';
import type { UpstreamListener } from '../../src/kernel/upstream.ts';
import { TestClock } from '../support/test-clock.ts';
import { secretOf } from '../support/token-outcomes.ts';

/** A transport that answers when it is told to. */
class HandTransport implements UndiciTransport {
  liveCalls = 0;
  openConnections = 0;
  isClosed = false;
  listener: UpstreamListener | undefined;

  send(_request: unknown, listener: UpstreamListener): ReturnType<UndiciTransport['send']> {
    this.listener = listener;
    return { pause: () => undefined, resume: () => undefined, abort: () => undefined };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}

const made: HandTransport[] = [];
jest.unstable_mockModule('../../src/forward/undici-transport.ts', () => ({
  createUndiciTransport: () => {
    const transport = new HandTransport();
    made.push(transport);
    return transport;
  },
}));
const { HttpCalls } = await import('../../src/forward/http-calls.ts');

let calls: InstanceType<typeof HttpCalls>;
beforeEach(() => {
  made.length = 0;
  calls = new HttpCalls(new TestClock());
});

const identityOf = (): ClientIdentity => ({ certificate: secretOf('c'), key: secretOf('k') });

/** Asks, and gives what it is asked with. */
function ask(identity?: ClientIdentity): { readonly transport: HandTransport; readonly body: Promise<string> } {
  const call: HttpCall = {
    method: 'GET',
    url: 'https://login.example/',
    headers: {},
    network: 'private',
    ...(identity !== undefined && { identity }),
    timeoutMilliseconds: 1_000,
    maxBytes: 100,
  };
  for (const transport of made) transport.listener = undefined;
  const body = calls.call(call, { signal: new AbortController().signal }).then((answer) => answer.body);
  const transport = made.find(({ listener }) => listener !== undefined);
  if (transport === undefined) throw new Error('nobody was asked');
  return { transport, body };
}

describe('the connections of an identity', () => {
  it('are its own, for as long as it has any', () => {
    const [one, other] = [identityOf(), identityOf()];
    const own = ask(one).transport;
    own.openConnections = 1;
    expect(ask().transport).not.toBe(own);
    expect(ask(other).transport).not.toBe(own);
    expect(ask(one).transport).toBe(own);
  });

  it.each([
    ['are kept with a connection', { liveCalls: 0, openConnections: 1 }, true],
    ['are kept with a call that has no connection yet', { liveCalls: 1, openConnections: 0 }, true],
    ['are forgotten without both, when another identity comes', { liveCalls: 0, openConnections: 0 }, false],
  ])('%s', (_what, counts, isKept) => {
    const one = identityOf();
    const own = Object.assign(ask(one).transport, counts);
    ask(identityOf());
    expect(ask(one).transport === own).toBe(isKept);
  });

  it('are closed with all others', async () => {
    ask();
    ask(identityOf()).transport.liveCalls = 1;
    ask(identityOf());
    await calls.close();
    expect(made.map(({ isClosed }) => isClosed)).toEqual([true, true, true]);
  });
});

it('an answer holds what came, whatever becomes of the bytes afterwards', async () => {
  const { transport, body } = ask();
  const chunk = Buffer.from('first');
  transport.listener?.onHead({ status: 200, headers: {} });
  transport.listener?.onData(chunk);
  chunk.write('again');
  transport.listener?.onData(chunk);
  transport.listener?.onEnd();
  expect(await body).toBe('firstagain');
});
