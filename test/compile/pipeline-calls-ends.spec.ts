import { describe, expect, it } from '@jest/globals';
import { changeFolder } from '../e2e/folder-changes.ts';
import { openAiBackend, scriptedBackend } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';
import {
  answerOf,
  ask,
  expectNothingLeft,
  recordsOf,
  shouting,
  start,
  telling,
  translate,
} from './called-pipelines.ts';

describe('a called run and its caller', () => {
  it('end together when the client leaves: the upstream of the called one is cut', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.filter(({ complete }) => complete).length === 2, 'both calls');
    expect(sluice.metric('streams_live')).toBe(3);
    client.destroy();
    await expectNothingLeft(sluice);
    await eventually(() => upstream.openConnections === 0, 'the connections to close');
    const outcomes = recordsOf(sluice).map(({ pipeline, outcome }) => `${String(pipeline)}: ${String(outcome)}`);
    expect(outcomes.toSorted((one, other) => one.localeCompare(other))).toEqual([
      'shouter: client-gone',
      'shouter: client-gone',
      'teller: client-gone',
    ]);
  });

  it('end together when the caller has had its time', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: { ...telling(translate('shouter', { timeout: '1h' })), limits: { maxStreamDuration: '20s' } },
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.filter(({ complete }) => complete).length === 2, 'both calls');
    await sluice.clock.advance(20_000);
    expect(await answerOf(client)).toContain('took longer than 20 s');
    await expectNothingLeft(sluice);
  });

  it('do not end together when the call has had its time: its sentence stays', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter', { timeout: '3s' })),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.filter(({ complete }) => complete).length === 2, 'both calls');
    await sluice.clock.advance(3_000);
    expect(await answerOf(client)).toBe('The cat sleeps. The dog barks.');
    await expectNothingLeft(sluice);
    await eventually(() => upstream.openConnections === 0, 'the connections to close');
  });

  it('are both waited for by a drain, which lets the caller call on', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter', { parallel: 1 })),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.length === 1, 'the first call');
    let isDrained = false;
    const drained = sluice.drain().then(() => (isDrained = true));
    await sluice.clock.advance(1_000);
    expect([isDrained, sluice.metric('streams_live')]).toEqual([false, 2]);
    upstream.release('late');
    expect(await answerOf(client)).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    await drained;
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });

  it('are both ended at the deadline of the drain', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
      environment: { SLUICE_DRAIN_TIMEOUT: '5s' },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.filter(({ complete }) => complete).length === 2, 'both calls');
    const drained = sluice.drain();
    await sluice.clock.advance(5_000);
    await drained;
    await client.end();
    client.destroy();
    expect(recordsOf(sluice).every(({ outcome }) => outcome !== 'ok')).toBe(true);
    expect(sluice.clock.pendingTimers()).toEqual([]);
    await eventually(() => upstream.openConnections === 0, 'the connections to close');
  });

  it('keep their generations: a called run ends on the definition that it began with', async () => {
    const upstream = await shouting('late');
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await eventually(() => upstream.requests.length === 2, 'both calls');
    const serves = (): number => sluice.log.messages().filter((message) => message === 'pipeline serves').length;
    const before = serves();
    await changeFolder(
      sluice,
      () => sluice.save('shouter', { backends: { other: scriptedBackend([{ say: 'new' }]) } }),
      () => serves() > before,
    );
    upstream.release('late');
    expect(await answerOf(client)).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    expect(await answerOf(await ask(sluice, 'teller'))).toBe('new new');
    await eventually(() => sluice.metric('generations_live') === 2, 'the old generation to go');
  });
});
