import { afterEach, describe, expect, it } from '@jest/globals';
import { HeldWaits, heldComponents, registryWith } from '../e2e/held-components.ts';
import {
  answerBody,
  answerFrames,
  doneFrame,
  finishFrame,
  roleFrame,
  textFrame,
  usageFrame,
} from '../support/openai-stream.ts';
import { openEngineTimers } from '../support/engine-view.ts';
import { openProbe, requestBytes, type ProbeClient } from '../support/probe-client.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import { eventually, turn } from '../support/turn.ts';
import { row } from './catalogue.ts';
import { runCounts } from './fault-case.ts';
import { forms, seenBy, streams, type Form } from './seen.ts';
import { closeStages, openStage, questionOf, type Stage } from './stage.ts';

afterEach(closeStages);

const ways = ['fin', 'reset', 'destroy'] as const;
const begun = [roleFrame(), textFrame('Hel'), textFrame('lo')];
const rest = [finishFrame(), doneFrame];
const held = streaming(begun, [{ wait: 'rest' }, { write: { text: [textFrame('!'), ...rest].join('') } }]);
const everyWay = forms.flatMap((form) => ways.map((way) => [form, way] as const));
const streamsEveryWay = streams.flatMap((form) => ways.map((way) => [form, way] as const));

/** The engine has noticed that the client left, and has let go of everything. */
async function expectGone(stage: Stage, code = 'CLIENT_GONE', outcome = 'client-gone'): Promise<void> {
  await eventually(() => stage.ended().length === 1, 'the end of the run');
  expect(stage.ended().map(({ level, fields }) => [level, fields['outcome'], fields['code']])).toEqual([
    ['info', outcome, code],
  ]);
  expect(runCounts(stage)).toEqual({ [`runs_${outcome.replace('-', '_')}`]: 1 });
  await eventually(() => stage.upstream.activeConnections === 0, 'the close of the upstream');
}

describe(row('gone-in-upload'), () => {
  it.each(everyWay)('starts nothing (%s, %s)', async (form, way) => {
    const stage = await openStage();
    const whole = requestBytes(questionOf(form));
    for (const cut of [whole.indexOf('\r\n') + 1, whole.indexOf('\r\n\r\n') + 4, whole.length - 1]) {
      const client = await openProbe({ port: stage.sluice.port, clock: stage.clock });
      stage.watch(client, 'native');
      await client.write(whole.subarray(0, cut));
      await turn(20);
      client[way]();
      await client.close();
    }
    await eventually(() => stage.sluice.metric('aborted_ingress') === 2, 'the two bodies that were begun');
    expect([stage.ended(), stage.upstream.connections.length, stage.sluice.metric('streams_opened')]).toEqual([
      [],
      0,
      0,
    ]);
  });
});

describe(row('gone-waiting'), () => {
  it.each(everyWay)('cancels the request before its head (%s, %s)', async (form, way) => {
    const stage = await openStage({ upstream: ['stall'] });
    const client = await stage.ask(form);
    await stage.upstream.nextRequest();
    client[way]();
    await expectGone(stage);
    expect(stage.upstream.requests.map(({ outcome }) => outcome)).toEqual(['aborted']);
  });

  it.each(streamsEveryWay)('cancels it between the head and the first content (%s, %s)', async (form, way) => {
    const stage = await openStage({ upstream: streaming([roleFrame()], ['stall']) });
    const client = await stage.ask(form);
    await stage.upstream.nextRequest();
    await stage.clock.advance(20_000);
    await client.until(': hb');
    client[way]();
    await expectGone(stage);
  });
});

describe(row('gone-in-token-fetch'), () => {
  it.each(everyWay)('asks no provider (%s, %s)', async (form, way) => {
    const waits = new HeldWaits();
    const backend = {
      type: 'openai-chat',
      config: { baseUrl: 'http://127.0.0.1:1/v1', model: 'm' },
      network: 'private',
      token: { type: 'held-token' },
    };
    const stage = await openStage({
      registry: await registryWith(...heldComponents(waits)),
      definition: { backends: { provider: backend } },
    });
    const client = await stage.ask(form);
    await eventually(() => waits.pending === 1, 'the fetch');
    client[way]();
    await expectGone(stage);
    expect([waits.pending, stage.upstream.connections.length]).toEqual([0, 0]);
  });
});

describe(row('gone-in-stream'), () => {
  it.each(streamsEveryWay)('cancels it, and what it used is known (%s, %s)', async (form, way) => {
    const stage = await openStage({
      upstream: streaming([usageFrame({ prompt: 5, completion: 2 }), ...begun], ['stall']),
    });
    const client = await stage.ask(form);
    await client.until('lo"');
    client[way]();
    await expectGone(stage);
    expect(stage.ended()[0]?.fields).toMatchObject({ inputTokens: 5, outputTokens: 2 });
    expect(await stage.upstream.nextClose()).toMatchObject({ closedBy: 'client', aborted: true });
  });

  it.each(streamsEveryWay)('gives its place to the next, once (%s, %s)', async (form, way) => {
    const stage = await openStage({ upstream: held, limits: { concurrentStreams: 1 } });
    const client = await stage.ask(form);
    await client.until('lo"');
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({
      status: 503,
      retryAfter: '1',
      code: form.startsWith('native') ? 'OVERLOADED' : 'overloaded',
    });
    client[way]();
    await expectGone(stage);
    const next = await stage.ask(form);
    await next.until('lo"');
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ status: 503 });
    stage.upstream.release('rest');
    expect(await seenBy(next, form)).toMatchObject({ end: 'ok', text: 'Hello!' });
  });
});

describe(row('gone-after-end'), () => {
  it.each(streamsEveryWay)('is a success (%s, %s)', async (form, way) => {
    const stage = await openStage({ upstream: streaming([...begun, ...rest]) });
    const client = await stage.ask(form);
    await client.until(form.startsWith('native') ? 'stream.end' : '[DONE]');
    client[way]();
    await client.close();
    await eventually(() => stage.ended().length === 1, 'the end of the run');
    expect(runCounts(stage)).toEqual({ runs_ok: 1 });
  });
});

describe(row('half-close'), () => {
  it.each(forms)('is a client that left (%s)', async (form) => {
    const stage = await openStage({ upstream: ['stall'] });
    const client = await openProbe({ port: stage.sluice.port, clock: stage.clock });
    stage.watch(client, form.startsWith('native') ? 'native' : 'openai-chat');
    await client.send(questionOf(form));
    client.fin();
    await client.close();
    await eventually(() => stage.sluice.metric('streams_live') === 0, 'the end of the run');
    expect(stage.ended().every(({ fields }) => fields['outcome'] === 'client-gone')).toBe(true);
    expect(client.bytesReceived).toBe(0);
  });
});

describe(row('slow-client'), () => {
  const flood: readonly Step[] = [
    ...streaming([roleFrame()], []),
    { forever: { text: textFrame('x'.repeat(16_000)) } },
  ];
  const limits = { maxAnswerBytes: 1_073_741_824 };
  const blocked = (stage: Stage): Promise<void> =>
    eventually(() => stage.upstream.connections[0]?.blocked === true, 'back-pressure at the provider');

  it.each(streams)('stops the provider, and is dropped after 30 s (%s)', async (form) => {
    const stage = await openStage({ upstream: flood, limits });
    const client = await stage.ask(form);
    await client.response();
    client.pause();
    await blocked(stage);
    await stage.clock.advance(29_000);
    expect([stage.sluice.metric('streams_live'), stage.ended()]).toEqual([1, []]);
    await stage.clock.advance(1_200);
    client.resume();
    expect(await client.close()).toBe('reset');
    await expectGone(stage, 'CLIENT_SLOW', 'client-slow');
  });

  it.each(streams)('gets every byte when it reads on in time (%s)', async (form) => {
    const pieces = Array.from({ length: 700 }, (_, index) => `${index} `.padEnd(16_000, 'x'));
    const stage = await openStage({
      upstream: streaming([roleFrame(), ...pieces.map((piece) => textFrame(piece)), ...rest]),
      limits,
    });
    const client = await stage.ask(form);
    await client.response();
    client.pause();
    await blocked(stage);
    await stage.clock.advance(29_000);
    client.resume();
    const seen = await seenBy(client, form);
    expect([seen.end, seen.heartbeats]).toEqual(['ok', 0]);
    expect(seen.text === pieces.join('')).toBe(true);
  });

  it.each(['openai document', 'native document'] as const)('is dropped with a document too (%s)', async (form) => {
    const text = 'x'.repeat(24 * 1_048_576);
    const stage = await openStage({ upstream: answering(200, answerBody({ text: [text] })), limits });
    // Not watched: a document that is cut is what is wanted here.
    const client = await openProbe({ port: stage.sluice.port, clock: stage.clock });
    await client.send(questionOf(form));
    client.pause();
    await eventually(() => stage.ended().length === 1, 'the end of the run');
    await stage.clock.advance(31_000);
    client.resume();
    expect(await client.close()).toBe('reset');
    expect(client.bytesReceived).toBeLessThan(text.length);
  });
});

describe(row('idle-streams'), () => {
  it.each(streams)('share one timer, and each gets its signs of life (%s)', async (form) => {
    const stage = await openStage({
      upstream: ({ index }) =>
        streaming(begun, [{ wait: 'rest' }, { write: { text: [textFrame(`${index}`), ...rest].join('') } }]),
    });
    const clients: ProbeClient[] = [];
    for (let index = 0; index < 50; index += 1) clients.push(await stage.ask(form));
    for (const client of clients) await client.until('lo"');
    const timers = stage.clock.pendingTimers().map(({ label }) => label);
    expect(timers.filter((label) => !openEngineTimers.test(label))).toEqual([expect.stringMatching(/^ticker\.ts:/)]);
    await stage.clock.advance(30_000);
    stage.upstream.release('rest');
    const seen = await Promise.all(clients.map((client) => seenBy(client, form)));
    expect(seen.map(({ end, heartbeats }) => [end, heartbeats])).toEqual(clients.map(() => ['ok', 2]));
    expect(new Set(seen.map(({ text }) => text)).size).toBe(clients.length);
    expect(runCounts(stage)).toEqual({ runs_ok: clients.length });
  });
});

describe(row('slow-body'), () => {
  it.each(forms)('ends after 30 s with a status, and with the connection (%s)', async (form) => {
    const stage = await openStage();
    const whole = requestBytes(questionOf(form));
    const client = await openProbe({ port: stage.sluice.port, clock: stage.clock });
    stage.watch(client, form.startsWith('native') ? 'native' : 'openai-chat');
    await client.write(whole.subarray(0, whole.length - 20));
    for (let second = 0; second < 15; second += 1) {
      await stage.clock.advance(2_000);
      await client.write(whole.subarray(whole.length - 20 + second, whole.length - 19 + second));
    }
    await client.end();
    expect(await seenBy(client, form)).toMatchObject({ status: 408, type: 'document', code: 'BODY_TIMEOUT' });
    expect((await client.response()).headers['connection']).toBe('close');
    expect(await client.close()).not.toBe('left');
    expect([stage.upstream.connections.length, stage.sluice.metric('streams_opened')]).toEqual([0, 0]);
  });
});

describe(row('pipelined'), () => {
  const parts = (index: number): readonly Step[] =>
    streaming(
      [roleFrame(), textFrame(`first ${index} `)],
      [{ wait: `rest ${index}` }, { write: { text: [textFrame(`last ${index}`), ...rest].join('') } }],
    );
  const both = async (form: Form): Promise<readonly [Stage, ProbeClient]> => {
    const stage = await openStage({ upstream: ({ index }) => parts(index) });
    const client = await stage.ask(form);
    await client.send(questionOf(form));
    await stage.upstream.reached('rest 0');
    await stage.upstream.reached('rest 1');
    return [stage, client];
  };

  it.each(streams)('is answered behind it, whichever is ready first (%s)', async (form) => {
    const [stage, client] = await both(form);
    stage.upstream.release('rest 1');
    await eventually(() => stage.ended().length === 1, 'the end of the second run');
    expect(client.responses.length).toBe(1);
    stage.upstream.release('rest 0');
    await client.end(1);
    const texts = client.responses.map(({ text }) => [...text.matchAll(/(?:first|last) \d/g)].map(([word]) => word));
    expect(texts).toEqual([
      ['first 0', 'last 0'],
      ['first 1', 'last 1'],
    ]);
    expect(runCounts(stage)).toEqual({ runs_ok: 2 });
  });

  it.each(streams)('ends with it when the client leaves (%s)', async (form) => {
    const [stage, client] = await both(form);
    client.destroy();
    await eventually(() => stage.ended().length === 2, 'the end of both runs');
    expect(runCounts(stage)).toEqual({ runs_client_gone: 2 });
  });

  it.each(streams)('is not let into the stream where it is no HTTP (%s)', async (form) => {
    const stage = await openStage({ upstream: held });
    const client = await stage.ask(form);
    await client.until('lo"');
    await client.write('garbage \u0000 that is no request\r\n\r\n');
    expect(['reset', 'fin']).toContain(await client.close());
    expect(client.received.toString('latin1').match(/HTTP\/1\.1/g)?.length).toBe(1);
    await expectGone(stage);
  });
});

describe('answers without a fault', () => {
  it.each(forms)('are counted as such (%s)', async (form) => {
    const stage = await openStage({ upstream: streaming(answerFrames({ text: ['Hello'] })) });
    expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'Hello' });
    expect(runCounts(stage)).toEqual({ runs_ok: 1 });
  });
});
