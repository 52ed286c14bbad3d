import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readNativeStream } from '../support/native-reader.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerBody, doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, requestBytes, type ProbeClient, type ProbeRequest } from '../support/probe-client.ts';
import { answering, streaming } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { terminalFaults } from '../support/terminals.ts';
import { eventually, turn } from '../support/turn.ts';
import { buildEngine, startEngine, type BuiltEngine, type EngineProcess } from './engine-process.ts';
import { print } from './print.ts';

const STREAMS = 20;
/** More than the system takes for a client that does not read. */
const LONG_ANSWER = 16 * 1_048_576;
const limits = { maxAnswerBytes: 1_073_741_824 };
const messages = [{ role: 'user', content: 'hi' }];
const openAiChat: ProbeRequest = { path: '/pipelines/slow/v1/chat/completions', body: { stream: true, messages } };
const nativeChat: ProbeRequest = { path: '/pipelines/slow/chat', body: { messages } };
/** DRAINING in the words of the dialect. */
const drainingError = { code: 'overloaded', message: 'This gateway is shutting down.' };
const readiness: ProbeRequest = { path: '/readyz' };

/** Begins to answer, and goes on when the test says so: `first` for the first request, `rest` for the others. */
function startGatedUpstream(): Promise<FaultUpstream> {
  return startFaultUpstream(({ index, path }) => {
    if (path.startsWith('/long')) return answering(200, answerBody({ text: ['x'.repeat(LONG_ANSWER)] }));
    if (path.startsWith('/endless'))
      return streaming([roleFrame()], [{ forever: { text: textFrame('more '.repeat(4_000)) } }]);
    const rest = [textFrame('and finished'), finishFrame(), doneFrame].map((text) => ({ write: { text } }));
    return streaming([roleFrame(), textFrame('begun ')], [{ wait: index === 0 ? 'first' : 'rest' }, ...rest, 'end']);
  });
}

async function openStreams(port: number, count: number, request = openAiChat): Promise<ProbeClient[]> {
  const clients: ProbeClient[] = [];
  for (let index = 0; index < count; index += 1) {
    const client = await probe({ port }, request);
    await client.until('begun');
    clients.push(client);
  }
  return clients;
}

/** True where a new connection is refused, or dropped because nobody accepted it any more. */
async function isRefused(port: number): Promise<boolean> {
  try {
    const client = await probe({ port }, readiness);
    const end = await client.end();
    client.destroy();
    return end !== 'complete';
  } catch (error) {
    return (error as { code?: string }).code === 'ECONNREFUSED';
  }
}

describe('a process that is told to stop', () => {
  let built: BuiltEngine;
  let upstream: FaultUpstream;
  let engine: EngineProcess;
  const start = async (environment: Record<string, string> = {}): Promise<void> => {
    engine = await startEngine(built, {
      pipelines: { slow: { backends: { slow: openAiBackend(upstream.origin) } } },
      environment,
    });
  };
  const draining = (): Promise<unknown> =>
    engine.logged(({ message }) => message === 'draining', 'the line "draining"');

  beforeAll(async () => {
    built = await buildEngine();
  });
  afterAll(() => built.remove());
  beforeEach(async () => {
    upstream = await startGatedUpstream();
  });
  afterEach(async () => {
    await engine.kill();
    await upstream.close();
  });

  it(`finishes ${STREAMS} streams, refuses new ones and exits with 0`, async () => {
    await start();
    const [kept, ...others] = await openStreams(engine.port, STREAMS);
    if (kept === undefined) throw new Error('there is no stream');
    engine.signal('SIGTERM');
    await draining();
    while (!(await isRefused(engine.port))) await turn();
    expect(kept.closed).toBeUndefined();

    upstream.release('first');
    expect(await kept.end(0)).toBe('complete');
    await kept.send(openAiChat);
    const refused = await kept.response(1);
    expect([refused.status, refused.headers['connection'], refused.json()]).toEqual([
      503,
      'close',
      { error: expect.objectContaining(drainingError) },
    ]);
    expect(await kept.close()).toBe('fin');
    expect(engine.alive).toBe(true);

    upstream.release('rest');
    const ends = await Promise.all(others.map((client) => client.end()));
    expect(await engine.exit).toBe(0);
    const readings = [kept, ...others].map((client) => readOpenAiStream(client.responses[0]?.body ?? Buffer.alloc(0)));
    const whole = readings.filter(({ done, text }) => done && text === 'begun and finished').length;
    expect([whole, ends.every((end) => end === 'complete')]).toEqual([STREAMS, true]);
    expect(engine.log.at(-1)).toMatchObject({ message: 'drained', streamsEnded: STREAMS });
    print(`SIGTERM under ${STREAMS} streams:`, `${whole} complete with [DONE], ${STREAMS - whole} lost, exit code 0`);
  });

  it('is not ready from the signal on, and still takes runs until preStop is over', async () => {
    await start({ SLUICE_PRE_STOP: '1s' });
    const [kept] = await openStreams(engine.port, 1);
    engine.signal('SIGTERM');
    await draining();
    const health = await probe({ port: engine.port }, readiness);
    const ready = await health.response();
    await health.end();
    expect([ready.status, ready.json()]).toEqual([503, { status: 'draining', serving: ['slow'], degraded: [] }]);
    const [late] = await openStreams(engine.port, 1);
    upstream.release('first');
    upstream.release('rest');
    expect([await kept?.end(), await late?.end()]).toEqual(['complete', 'complete']);
    expect(await engine.exit).toBe(0);
  });

  it('gives the streams that do not finish an error frame at the deadline, and exits with 0', async () => {
    await start({ SLUICE_DRAIN_TIMEOUT: '500ms' });
    const clients = await openStreams(engine.port, STREAMS);
    engine.signal('SIGINT');
    expect(await Promise.all(clients.map((client) => client.end()))).toEqual(clients.map(() => 'complete'));
    const errors = clients.map((client) => readOpenAiStream(client.responses[0]?.body ?? Buffer.alloc(0)).error);
    expect(errors).toEqual(clients.map(() => expect.objectContaining(drainingError)));
    expect(await engine.exit).toBe(0);
    expect(engine.log.at(-1)).toMatchObject({ message: 'drained', streamsEnded: STREAMS });
    print(
      `deadline under ${STREAMS} streams:`,
      `${errors.filter((error) => error?.['message'] === drainingError.message).length} with the error frame DRAINING, exit code 0`,
    );
  });

  it('exits at once at the second signal', async () => {
    await start();
    const [client] = await openStreams(engine.port, 1);
    engine.signal('SIGTERM');
    await draining();
    engine.signal('SIGTERM');
    expect(await engine.exit).toBe(130);
    expect(['fin', 'reset']).toContain(await client?.end());
  });
});

describe('a drain, with time in hand', () => {
  let upstream: FaultUpstream;
  let sluice: Sluice;
  beforeEach(async () => {
    upstream = await startGatedUpstream();
    sluice = await startSluice({
      pipelines: {
        slow: { backends: { slow: openAiBackend(upstream.origin) }, output: { heartbeat: '1h' } },
        long: { backends: { long: openAiBackend(`${upstream.origin}/long`) }, limits },
        endless: { backends: { endless: openAiBackend(`${upstream.origin}/endless`) }, limits },
      },
      environment: { SLUICE_DRAIN_TIMEOUT: '12s', SLUICE_PRE_STOP: '3s' },
    });
  });
  afterEach(async () => {
    await sluice.close().catch(() => undefined);
    await upstream.close();
  });

  it('logs its progress, and ends what is left at the deadline in the words of each dialect', async () => {
    const openAi = await openStreams(sluice.port, 2);
    const native = await openStreams(sluice.port, 2, nativeChat);
    const drained = sluice.drain();
    await sluice.clock.advance(2_999);
    expect(await isRefused(sluice.port)).toBe(false);
    await sluice.clock.advance(1);
    expect(await isRefused(sluice.port)).toBe(true);
    await sluice.clock.advance(11_999);
    expect(sluice.metric('streams_live')).toBe(4);
    await sluice.clock.advance(1);
    await drained;
    expect(sluice.log.lines.flatMap(({ message, fields }) => (message === 'draining' ? [fields] : []))).toEqual([
      { streams: 4 },
      { streams: 4 },
      { streams: 4 },
    ]);
    expect(sluice.log.lines.at(-1)).toMatchObject({ message: 'drained', fields: { streamsEnded: 4 } });
    const bodyOf = (client: ProbeClient): Buffer => client.responses[0]?.body ?? Buffer.alloc(0);
    await Promise.all([...openAi, ...native].map((client) => client.end()));
    expect(openAi.map((client) => readOpenAiStream(bodyOf(client)).terminals)).toEqual([['error'], ['error']]);
    expect(native.map((client) => readNativeStream(bodyOf(client)).error)).toEqual([
      expect.objectContaining({ code: 'DRAINING' }),
      expect.objectContaining({ code: 'DRAINING' }),
    ]);
    expect(openAi.flatMap((client) => terminalFaults(client, 'openai-chat'))).toEqual([]);
    expect(native.flatMap((client) => terminalFaults(client, 'native'))).toEqual([]);
    await eventually(() => upstream.openConnections === 0, 'the upstream connections to close');
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });

  it('takes no run whose body came while it drains', async () => {
    const [live] = await openStreams(sluice.port, 1);
    const request = { ...openAiChat, headers: { expect: '100-continue' } };
    const bytes = requestBytes(request);
    const late = await probe({ port: sluice.port }, request, { only: bytes.length - 1 });
    await eventually(() => late.received.includes('100 Continue'), 'the engine to read the head');
    const drained = sluice.drain();
    await sluice.clock.advance(3_000);
    await late.write(bytes.subarray(-1));
    const refused = await late.response();
    expect([refused.status, refused.headers['connection'], refused.json()]).toEqual([
      503,
      'close',
      { error: expect.objectContaining(drainingError) },
    ]);
    upstream.release('first');
    expect(await live?.end()).toBe('complete');
    await drained;
    expect(sluice.metric('streams_opened')).toBe(1);
  });

  it('waits until a client that reads slowly has the last byte', async () => {
    const client = await probe(
      { port: sluice.port },
      { path: '/pipelines/long/v1/chat/completions', body: { stream: false, messages } },
    );
    client.pause();
    await eventually(() => sluice.log.messages().includes('run ended'), 'the end of the run');
    let isDrained = false;
    const drained = sluice.drain().then(() => (isDrained = true));
    await sluice.clock.advance(3_000);
    expect(isDrained).toBe(false);
    client.resume();
    expect(await client.end()).toBe('complete');
    await drained;
    expect((await client.response()).body.length).toBeGreaterThan(LONG_ANSWER);
  });

  it.each([
    ['whose answer is written', '/pipelines/long/v1/chat/completions'],
    ['whose stream goes on', '/pipelines/endless/v1/chat/completions'],
  ])('drops a client that reads nothing, %s, a second after the deadline', async (_case, path) => {
    const client = await probe({ port: sluice.port }, { path, body: { stream: path.includes('endless'), messages } });
    client.pause();
    await eventually(
      () => sluice.log.messages().includes('run ended') || upstream.connections[0]?.blocked === true,
      'the client to be behind',
    );
    const drained = sluice.drain();
    await sluice.clock.advance(15_000);
    expect(sluice.metric('streams_live')).toBe(1);
    await sluice.clock.advance(1_000);
    await drained;
    client.resume();
    expect(['fin', 'reset']).toContain(await client.end());
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });
});
