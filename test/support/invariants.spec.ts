import { EventEmitter } from 'node:events';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from './fault-upstream.ts';
import { checkInvariants, findViolations, type EngineMetrics, type EngineView } from './invariants.ts';
import { LogCapture } from './log-capture.ts';
import { answerFrames, commentFrame, doneFrame, errorFrame, sseFrame, textFrame } from './openai-stream.ts';
import { probe, type ProbeClient } from './probe-client.ts';
import { watchProcess, type ProcessWatch } from './process-watch.ts';
import { answering, streaming, type Scenario, type Step } from './scenario.ts';
import type { ClientDialect } from './terminals.ts';
import { TestClock } from './test-clock.ts';
import { eventually, turn } from './turn.ts';

const secret = 'sk-canary/7f3a+9c1e';
const atRest: EngineMetrics = {
  streamsOpened: 3,
  streamsEnded: 3,
  streamsLive: 0,
  upstreamCallsLive: 0,
  generationsLive: 1,
};
const engine = (change: Partial<EngineMetrics> = {}, closed = false): EngineView => ({
  metrics: () => ({ ...atRest, ...change }),
  closed,
});

/** Here the upstream plays the gateway: what it writes is what a client gets. */
let gateway: FaultUpstream;
let client: ProbeClient;

async function receive(steps: readonly Step[]): Promise<ProbeClient> {
  gateway = await startFaultUpstream(steps);
  client = await probe(gateway, { path: '/', body: {} });
  return client;
}

afterEach(async () => {
  client?.destroy();
  await gateway?.close();
});

describe('a sound test', () => {
  it('breaks nothing', async () => {
    using watch = watchProcess();
    const clock = new TestClock();
    const log = new LogCapture();
    log.info('run ended', { pipeline: 'support' });
    const output = { probe: await receive(streaming(answerFrames({ text: ['hi'] }))), dialect: 'openai-chat' } as const;
    await output.probe.end();
    const upstreams = [gateway];
    await checkInvariants({
      engine: engine(),
      upstreams,
      clock,
      outputs: [output],
      logs: [log],
      canaries: [secret],
      watch,
    });
  });

  it('may have sockets that are about to close', async () => {
    await receive([{ status: 200 }, 'stall']);
    await client.response();
    client.destroy();
    await checkInvariants({ upstreams: [gateway] });
  });

  it('reports everything at once', async () => {
    const clock = new TestClock();
    clock.after(5, () => undefined);
    await expect(checkInvariants({ engine: engine({ streamsLive: 1, streamsEnded: 2 }), clock })).rejects.toThrow(
      /^Broken invariants:\n- 3 streams were opened and 2 ended\n- streamsLive is 1, not 0\n- a timer is left: after of invariants\.spec\.ts:\d+, due at 1005$/,
    );
  });
});

describe('the engine', () => {
  it.each([
    [engine({ streamsEnded: 2 }), '3 streams were opened and 2 ended'],
    [engine({ streamsEnded: 4 }), '3 streams were opened and 4 ended'],
    [engine({ streamsLive: -1 }), 'streamsLive is -1, not 0'],
    [engine({ upstreamCallsLive: 1 }), 'upstreamCallsLive is 1, not 0'],
    [engine({ generationsLive: 2 }), 'generationsLive is 2, not 1'],
    [engine({}, true), 'generationsLive is 1, not 0'],
    [{ ...engine(), pipelines: 3 }, 'generationsLive is 1, not 3'],
  ])('%#: %s', (view, violation) => {
    expect(findViolations({ engine: view })).toEqual([violation]);
  });
});

describe('connections to an upstream', () => {
  it('may stay idle while the engine is open, and not after', async () => {
    await receive(answering(200, '{}'));
    await client.end();
    expect(findViolations({ engine: engine(), upstreams: [gateway] })).toEqual([]);
    expect(findViolations({ engine: engine({ generationsLive: 0 }, true), upstreams: [gateway] })).toEqual([
      `1 connections to ${gateway.origin} are still open`,
    ]);
  });

  it.each<[string, readonly Step[] | Scenario]>([
    ['stalls', [{ status: 200 }, 'stall']],
    ['was cut and is not closed', [{ status: 200 }, { write: { text: 'a', announce: 9 } }, { wait: 'never' }]],
  ])('may not be in use: %s', async (_name, scenario) => {
    gateway = await startFaultUpstream(scenario);
    client = await probe(gateway, { path: '/', body: {} });
    await client.response();
    expect(findViolations({ upstreams: [gateway] })).toEqual([`1 connections to ${gateway.origin} are still in use`]);
  });

  it('carry nothing but HTTP', async () => {
    gateway = await startFaultUpstream(answering(200, '{}'));
    client = await probe(gateway, { path: 'no path', body: {} });
    await gateway.nextClose();
    expect(findViolations({ upstreams: [gateway] })).toEqual([expect.stringContaining('No start line of a request')]);
  });
});

describe('timers', () => {
  it('may wait only where they are allowed, and none when the engine is closed', () => {
    const clock = new TestClock();
    clock.every(1_000, () => undefined);
    const allowedTimers = /^invariants\.spec\.ts:/;
    const closed = engine({ generationsLive: 0 }, true);
    expect(findViolations({ clock })).toHaveLength(1);
    expect(findViolations({ clock, allowedTimers })).toEqual([]);
    expect(findViolations({ clock, allowedTimers, engine: closed })).toHaveLength(1);
  });
});

describe('the end of a stream', () => {
  const text = textFrame('hi');
  const native = (...types: readonly (string | object)[]): string[] =>
    types.map((type) => (typeof type === 'string' ? sseFrame({ type }, type) : sseFrame(type)));
  const ok = { type: 'stream.end', outcome: 'ok' };
  const failed = { type: 'stream.end', outcome: 'error' };
  const table: readonly (readonly [string, ClientDialect, readonly Step[], readonly string[]])[] = [
    ['[DONE]', 'openai-chat', streaming([text, doneFrame]), []],
    ['an error frame', 'openai-chat', streaming([text, errorFrame({ message: 'no' })]), []],
    ['a reset', 'openai-chat', streaming([text], ['rst']), []],
    ['a message that is cut', 'openai-chat', streaming([text], ['fin']), []],
    ['nothing', 'openai-chat', streaming([text]), ['ends cleanly without a terminal']],
    [
      'nothing, until FIN',
      'openai-chat',
      [{ status: 200, framing: 'close', headers: { 'content-type': 'text/event-stream' } }, { write: { text } }],
      ['ends cleanly without a terminal'],
    ],
    [
      'both',
      'openai-chat',
      streaming([text, errorFrame({ message: 'no' }), doneFrame]),
      ['has 1 frames behind its terminal', 'has 2 terminals'],
    ],
    [
      '[DONE] twice',
      'openai-chat',
      streaming([doneFrame, doneFrame]),
      ['has 1 frames behind its terminal', 'has 2 terminals'],
    ],
    [
      '[DONE] and a reset',
      'openai-chat',
      streaming([text, doneFrame], ['rst']),
      ['has a terminal and a broken end (reset) too'],
    ],
    [
      'an error and a cut',
      'openai-chat',
      streaming([errorFrame({ message: 'no' })], ['fin']),
      ['has a terminal and a broken end (fin) too'],
    ],
    ['text behind [DONE]', 'openai-chat', streaming([doneFrame, text]), ['has 1 frames behind its terminal']],
    [
      'a heartbeat behind [DONE]',
      'openai-chat',
      streaming([doneFrame, commentFrame('hb')]),
      ['has 1 frames behind its terminal'],
    ],
    [
      'a heartbeat in a frame',
      'openai-chat',
      streaming(['data: {"choi: hb\n\n', 'data: [DONE]\n\n']),
      ['has a frame that is no JSON: "{\\"choi: hb"'],
    ],
    ['half a frame', 'openai-chat', streaming([doneFrame, 'data: {']), ['ends inside a frame: "data: {"']],
    [
      'half a character',
      'openai-chat',
      [
        ...streaming([], []),
        {
          write: {
            base64: Buffer.concat([Buffer.from('data: '), Buffer.of(0xe4), Buffer.from(`\n\n${doneFrame}`)]).toString(
              'base64',
            ),
          },
        },
      ],
      ['has a frame that is no JSON: "\ufffd"', 'is not valid UTF-8'],
    ],
    ['no end at all', 'openai-chat', streaming([text], ['stall']), ['has not ended']],
    ['stream.end', 'native', streaming(native('stream.start', ok)), []],
    ['error and stream.end', 'native', streaming(native('stream.start', { type: 'error', code: 'X' }, failed)), []],
    ['a native reset', 'native', streaming(native('stream.start'), ['rst']), []],
    ['no stream.end', 'native', streaming(native('stream.start', 'finish')), ['ends cleanly without a terminal']],
    ['an error alone', 'native', streaming(native('error')), ['ends cleanly without a terminal']],
    ['two native ends', 'native', streaming(native(ok, ok)), ['has 1 frames behind stream.end', 'has 2 terminals']],
    ['an error that is called ok', 'native', streaming(native('error', ok)), ['has an error and the outcome ok']],
    ['a failure without an error', 'native', streaming(native(failed)), ['has the outcome error and no error']],
    [
      'events behind an error',
      'native',
      streaming(native('error', 'text.delta', failed)),
      ['goes on between error and stream.end'],
    ],
    ['two errors', 'native', streaming(native('error', 'error', failed)), ['has 2 errors']],
    ['no event', 'native', streaming(['data: {}\n\n', ...native(ok)]), ['has a frame that is no event: "{}"']],
    ['a JSON error', 'openai-chat', answering(502, { error: {} }), []],
    [
      'a cut JSON error',
      'openai-chat',
      [{ status: 502, framing: 'length', length: 9 }, { write: { text: '{' } }, 'fin'],
      ['status 502: the document is cut (fin)'],
    ],
    ['a document that is no JSON', 'openai-chat', answering(502, '<html>'), ['status 502: the document is no JSON']],
  ];

  it.each(table)('%s (%s)', async (_name, dialect, steps, faults) => {
    await receive(steps);
    await (faults[0] === 'has not ended' ? client.until('hi') : client.end());
    expect(findViolations({ outputs: [{ probe: client, dialect }] })).toEqual(
      faults.map((fault) => `client 0: response 0: ${fault}`),
    );
  });

  it.each<[string, Step, readonly string[]]>([
    ['a FIN', 'fin', ['client a: 1 of 1 requests got neither an answer nor a reset']],
    ['a reset', 'rst', []],
  ])('in place of any answer: %s', async (_name, step, violations) => {
    await receive([step]);
    await client.end();
    expect(findViolations({ outputs: [{ probe: client, dialect: 'native', name: 'a' }] })).toEqual(violations);
  });

  it('is not asked of a client that left', async () => {
    await receive(streaming([text], ['stall']));
    await client.until('hi');
    client.destroy();
    await client.close();
    expect(findViolations({ outputs: [{ probe: client, dialect: 'openai-chat' }] })).toEqual([]);
  });
});

describe('a secret', () => {
  const forms: readonly (readonly [string, string])[] = [
    ['raw', `key ${secret}`],
    ['URL', `/?key=${encodeURIComponent(secret).toLowerCase()}`],
    ['base64, shift 0', Buffer.from(secret).toString('base64')],
    [
      'base64, shift 2',
      Buffer.from(`me:${secret}!`)
        .toString('base64')
        .replace(/^.{4}/, (part) => part),
    ],
    ['base64url, shift 1', Buffer.from(`????${secret}`).toString('base64url')],
    ['hex', Buffer.from(secret).toString('hex').toUpperCase()],
  ];

  it.each(forms)('is found in a log: %s', (_form, text) => {
    const log = new LogCapture();
    log.warn('line', { nested: { text } });
    expect(findViolations({ logs: [log], canaries: ['sk-another-one', secret] }).join()).toContain(
      'log 0: canary 1 leaks (',
    );
  });

  it.each<[string, readonly string[], ClientDialect]>([
    ['in one frame', [textFrame(secret), doneFrame], 'openai-chat'],
    ['spread over deltas', [...secret].map((letter) => textFrame(letter)).concat(doneFrame), 'openai-chat'],
    [
      'spread over native deltas',
      [
        ...[...secret].map((text) => sseFrame({ type: 'text.delta', text })),
        sseFrame({ type: 'stream.end', outcome: 'ok' }),
      ],
      'native',
    ],
    ['in a comment', [commentFrame(secret), doneFrame], 'openai-chat'],
  ])('is found at a client: %s', async (_name, frames, dialect) => {
    await receive(streaming(frames));
    await client.end();
    expect(findViolations({ outputs: [{ probe: client, dialect }], canaries: [secret] })).toContain(
      'client 0: canary 0 leaks (raw)',
    );
  });

  it('is found in a header, and in an answer that is cut into chunks in the middle of it', async () => {
    await receive([{ status: 200, headers: { 'x-key': secret } }, { write: { text: `{"a":"${secret}"}`, chunk: 3 } }]);
    await client.end();
    const [outputs, canaries] = [[{ probe: client, dialect: 'native' }] as const, [secret]];
    expect(findViolations({ outputs, canaries })).toEqual([
      'client 0: canary 0 leaks (raw)',
      'client 0: canary 0 leaks (JSON)',
    ]);
  });
});

describe('the process', () => {
  afterEach(() => {
    Reflect.deleteProperty(Object.prototype, 'polluted');
  });

  it('may not have a polluted prototype', () => {
    Reflect.set(Object.prototype, 'polluted', 1);
    expect(findViolations({})).toEqual(['Object.prototype has the property "polluted"']);
  });

  it('may not have a rejection that nobody handled', async () => {
    const watch = watchProcess();
    const rejected = Promise.reject(new TypeError('lost'));
    await eventually(() => watch.escaped.length > 0, 'the event');
    watch.stop();
    rejected.catch(() => undefined);
    await turn(2);
    expect(findViolations({ watch })).toEqual(['unhandledRejection: TypeError: lost']);
  });

  it('may not have an error that nobody caught', () => {
    const source = new EventEmitter();
    const watch: ProcessWatch = watchProcess(source);
    source.emit('uncaughtExceptionMonitor', new Error('loose'));
    watch.stop();
    source.emit('uncaughtExceptionMonitor', new Error('later'));
    expect(findViolations({ watch })).toEqual(['uncaughtExceptionMonitor: Error: loose']);
  });
});
