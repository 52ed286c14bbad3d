import { describe, expect, it } from '@jest/globals';
import { createScriptedTransport } from '../../src/forward/scripted-transport.ts';
import type { UpstreamHead } from '../../src/kernel/upstream.ts';
import { TestClock } from '../support/test-clock.ts';
import { hastyClock, listen, play, start, type Steps } from './scripted-probe.ts';

describe('the head', () => {
  it.each<[string, Steps, boolean, UpstreamHead]>([
    [
      'is that of an event stream',
      [{ say: 'a' }],
      true,
      { status: 200, headers: { 'content-type': 'text/event-stream; charset=utf-8' } },
    ],
    [
      'has the headers of the author',
      [{ status: 200, headers: { 'X-Request-Id': 'r1', 'Content-Type': 'text/html' } }, { raw: '<p>' }],
      true,
      { status: 200, headers: { 'content-type': 'text/html', 'x-request-id': 'r1' } },
    ],
    [
      'of an error is JSON',
      [{ status: 429, headers: { 'retry-after': '7' } }, { raw: '{"error":{}}' }],
      true,
      { status: 429, headers: { 'content-type': 'application/json', 'retry-after': '7' } },
    ],
    [
      'comes without a body too',
      [{ status: 503 }],
      false,
      { status: 503, headers: { 'content-type': 'application/json' } },
    ],
  ])('%s', async (_title, script, stream, expected) => {
    expect((await play({ script }, { stream })).head).toEqual(expected);
  });

  it.each<[string, Steps, string[]]>([
    ['never comes from a connection that breaks first', [{ reset: true }], ['UPSTREAM_RESET']],
    [
      'comes before a reset that the author put after it',
      [{ status: 200 }, { reset: true }],
      ['head', 'UPSTREAM_RESET'],
    ],
    ['comes before a clean end', [{ end: true }], ['head', 'end']],
    ['comes once', [{ raw: 'a' }, { raw: 'b' }], ['head', 'data', 'data', 'end']],
  ])('%s', async (_title, script, expected) => {
    expect((await play({ script }, { stream: true })).events).toEqual(['sent', 'connected', ...expected]);
  });

  it.each<[string, Steps, string[]]>([
    ['waits with a script that waits first', [{ wait: '5s' }, { raw: 'a' }], []],
    ['does not wait when the author put it first', [{ status: 200 }, { wait: '5s' }, { raw: 'a' }], ['head']],
  ])('%s', async (_title, script, expected) => {
    const clock = new TestClock();
    const { events, done } = start(createScriptedTransport({ script }, { clock }), { stream: true });
    await clock.advance(4_999);
    expect(events).toEqual(['sent', 'connected', ...expected]);
    await clock.advance(1);
    expect((await done).events).toEqual(['sent', 'connected', 'head', 'data', 'end']);
  });
});

describe('time', () => {
  it('passes between the deltas of a say, on the clock only', async () => {
    const clock = new TestClock();
    const { events, texts, done } = start(
      createScriptedTransport({ script: [{ say: 'a b c', delay: '2s' }, { end: true }] }, { clock }),
      { stream: true },
    );
    await clock.advance(0);
    const counts = [texts.length];
    for (let step = 0; step < 4; step += 1) {
      await clock.advance(1_000);
      counts.push(texts.length);
    }
    await done;
    expect(counts).toEqual([2, 2, 3, 3, 4]);
    expect([events.at(-1), clock.pending]).toEqual(['end', 0]);
  });
});

describe('the call', () => {
  const script: Steps = [{ raw: 'a' }, { wait: '1s' }, { raw: 'b' }, { raw: 'c' }];

  it.each(['onConnected', 'onHead', 'onData'] as const)(
    'aborted in %s tells nothing more and keeps no timer',
    async (moment) => {
      const clock = new TestClock();
      const transport = createScriptedTransport({ script }, { clock });
      const { events } = start(transport, { stream: true }, (call) => ({ [moment]: () => call().abort() }));
      await clock.advance(5_000);
      expect(events).toEqual(
        ['sent', 'connected', 'head', 'data'].slice(0, { onConnected: 2, onHead: 3, onData: 4 }[moment]),
      );
      expect([clock.pending, transport.liveCalls]).toEqual([0, 0]);
    },
  );

  it.each([0, 500])('aborted from outside after %p ms', async (milliseconds) => {
    const clock = new TestClock();
    const transport = createScriptedTransport({ script }, { clock });
    const { call, events } = start(transport, { stream: true });
    if (milliseconds > 0) await clock.advance(milliseconds);
    call.abort();
    const told = events.length;
    await clock.advance(5_000);
    expect([events.length, clock.pending, transport.liveCalls]).toEqual([told, 0, 0]);
  });

  it('paused sends nothing until it is resumed, and loses nothing', async () => {
    const clock = new TestClock();
    const { call, texts, done } = start(createScriptedTransport({ script }, { clock }), { stream: true }, (own) => ({
      onData: () => own().pause(),
    }));
    await clock.advance(0);
    await clock.advance(5_000);
    expect(texts).toEqual(['a']);
    for (const expected of [
      ['a', 'b'],
      ['a', 'b', 'c'],
    ]) {
      call.resume();
      await clock.advance(1_000);
      expect(texts).toEqual(expected);
    }
    call.resume();
    expect((await done).events.at(-1)).toBe('end');
  });

  it('paused and resumed at once goes on in order', async () => {
    const { events } = await play({ script: [{ raw: 'a' }, { raw: 'b' }] }, { stream: true }, (call) => ({
      onData: () => {
        call().pause();
        call().resume();
        call().pause();
        call().resume();
      },
    }));
    expect(events).toEqual(['sent', 'connected', 'head', 'data', 'data', 'end']);
  });

  it('whose listener throws fails', async () => {
    const { events } = await play({ script: [{ raw: 'a' }, { raw: 'b' }] }, { stream: true }, () => ({
      onData: () => {
        throw new TypeError('mine');
      },
    }));
    expect(events).toEqual(['sent', 'connected', 'head', 'data', 'INTERNAL']);
  });

  it('ends with DRAINING when the transport is closed, and so does every later one', async () => {
    const transport = createScriptedTransport({ script }, { clock: hastyClock });
    const { done } = start(transport, { stream: true });
    await transport.close();
    expect((await done).events.at(-1)).toBe('DRAINING');
    expect((await play(transport, { stream: true })).events).toEqual(['sent', 'DRAINING']);
    expect(transport.liveCalls).toBe(0);
  });

  it('takes a body that is no JSON', async () => {
    const events: string[] = [];
    const transport = createScriptedTransport({ script: [{ say: 'a' }] }, { clock: hastyClock });
    await new Promise<void>((done) => {
      transport.send(
        { method: 'POST', origin: 'https://x.test', path: '/', headers: {}, body: 'no json' },
        listen(events, [], { onEnd: done }),
      );
    });
    expect(events).toEqual(['connected', 'head', 'data', 'end']);
  });
});
