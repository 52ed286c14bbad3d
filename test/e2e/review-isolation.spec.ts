import type { EventEmitter } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { AnyComponent } from '../../src/kernel/component.ts';
import { currentRun } from '../../src/kernel/run.ts';
import { seenBy, streams, type Form } from '../faults/seen.ts';
import { startFaultUpstream } from '../support/fault-upstream.ts';
import { doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { watchProcess } from '../support/process-watch.ts';
import { streaming } from '../support/scenario.ts';
import { openAiBackend, scriptedBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { eventually, turn } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';
import { eventModifier, modifier, processor, registryWith } from './review-components.ts';

/** What a test has opened, to be closed in reverse. */
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** The listeners of the true process, which Jest keeps from a test, are replaced: an error that escapes is told to `laidTo`. */
function catchEscapes(): readonly (string | undefined)[] {
  const process = runInThisContext('process') as EventEmitter;
  const laidTo: (string | undefined)[] = [];
  const onEscaped = (error: unknown): void => {
    const run = currentRun.getStore();
    laidTo.push(run?.runId);
    run?.fail(error);
  };
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    const others = process.listeners(event) as ((...given: unknown[]) => void)[];
    process.removeAllListeners(event);
    process.on(event, onEscaped);
    open.push(() => {
      process.off(event, onEscaped);
      for (const other of others) process.on(event, other);
    });
  }
  return laidTo;
}

function ask(sluice: Sluice, pipeline: string, form: Form): Promise<ProbeClient> {
  const path = `/pipelines/${pipeline}/${form.startsWith('native') ? 'chat' : 'v1/chat/completions'}`;
  return probe(
    { port: sluice.port, clock: sluice.clock },
    { path, body: { stream: true, messages: [{ role: 'user', content: 'hi' }] } },
  );
}

const recordOf = (sluice: Sluice, pipeline: string): Readonly<Record<string, unknown>> | undefined =>
  sluice.log.lines.find(({ message, fields }) => message === 'run ended' && fields['pipeline'] === pipeline)?.fields;

describe('a component that throws when its run is over', () => {
  /** Waits for the end of the run, and then throws out of the listener. */
  const listens = processor('listens', () => ({
    processRequest: (_request, _output, run) =>
      new Promise((_resolve, reject) => {
        run.signal.addEventListener('abort', () => {
          reject(run.signal.reason as Error);
          throw new Error('thrown by a listener');
        });
      }),
  }));
  /** The same in the middle of a stream, with a promise that nobody waits for. */
  const rejects = eventModifier('rejects', () => ({
    modify(event, emit, run) {
      if (event.type === 'response.meta')
        run.signal.addEventListener('abort', () => void Promise.reject(new Error('a loose end')));
      emit(event);
    },
  }));

  async function openTwo(): Promise<{ readonly sluice: Sluice; readonly release: () => void }> {
    const upstream = await startFaultUpstream(
      streaming(
        [roleFrame(), textFrame('begun ')],
        [{ wait: 'rest' }, { write: { text: textFrame('done') + finishFrame() + doneFrame } }],
      ),
    );
    open.push(() => upstream.close());
    const backends = { one: openAiBackend(upstream.origin, { timeouts: { idle: '1h', progress: '1h' } }) };
    const limits = { maxStreamDuration: '5s' };
    const sluice = await startSluice({
      registry: await registryWith(listens, rejects),
      pipelines: {
        good: { backends },
        listening: { backends, limits, processors: [{ type: 'listens', config: {} }] },
        rejecting: { backends, limits, modifiers: [{ type: 'rejects', config: {} }] },
      },
    });
    open.push(() => sluice.close());
    return { sluice, release: () => upstream.release('rest') };
  }

  const endings = {
    'because it took too long': (sluice: Sluice): Promise<void> => sluice.clock.advance(6_000),
    'because its client left': async (_sluice: Sluice, client: ProbeClient): Promise<void> => client.destroy(),
  };

  for (const [why, end] of Object.entries(endings)) {
    for (const bad of ['listening', 'rejecting'] as const) {
      const orders = streams.flatMap((form) => [
        { form, names: ['good', bad] as const },
        { form, names: [bad, 'good'] as const },
      ]);
      it.each(orders)(`harms no other stream, ${why}: ${bad} ($form, $names.0 first)`, async ({ form, names }) => {
        const laidTo = catchEscapes();
        const { sluice, release } = await openTwo();
        const clients = new Map<string, ProbeClient>();
        for (const name of names) {
          const client = await ask(sluice, name, form);
          clients.set(name, client);
          if (name !== 'listening') await client.until('begun ');
          else await eventually(() => sluice.metric('streams_opened') === clients.size, 'the run to begin');
        }
        const [good, other] = [clients.get('good'), clients.get(bad)];
        if (good === undefined || other === undefined) throw new Error('there are two clients');
        await end(sluice, other);
        await eventually(() => recordOf(sluice, bad) !== undefined && laidTo.length > 0, 'the end of the bad run');
        await turn(8);
        expect(laidTo).toEqual([recordOf(sluice, bad)?.['run']]);
        expect(recordOf(sluice, 'good')).toBeUndefined();
        release();
        expect(await seenBy(good, form)).toMatchObject({ end: 'ok', text: 'begun done' });
        await eventually(() => sluice.metric('streams_live') === 0, 'the end of all runs');
        expect([sluice.metric('runs_ok'), sluice.metric('streams_opened'), sluice.metric('streams_ended')]).toEqual([
          1, 2, 2,
        ]);
        for (const client of clients.values()) client.destroy();
      });
    }
  }
});

describe('a component that can not let go', () => {
  const disposals: string[] = [];
  const stubborn =
    (kind: string, how: 'throws' | 'rejects'): (() => Promise<void>) =>
    () => {
      disposals.push(kind);
      if (how === 'throws') throw new Error(`${kind} will not close`);
      return Promise.reject(new Error(`${kind} will not close`));
    };
  const components = (how: 'throws' | 'rejects'): readonly AnyComponent[] => [
    processor('stubborn', () => ({ processRequest: (request) => request, dispose: stubborn('processor', how) })),
    modifier('stubborn', () => ({
      effect: 'read',
      channels: ['text'],
      policy: { mode: 'live' },
      open: () => ({ read: () => undefined }),
      dispose: stubborn('modifier', how),
    })),
  ];
  const backends = { one: scriptedBackend([{ say: 'the plan' }, { finish: 'stop' }, { done: true }]) };
  const steps = { processors: [{ type: 'stubborn', config: {} }], modifiers: [{ type: 'stubborn', config: {} }] };
  const served = (sluice: Sluice, pipeline: string): number =>
    sluice.log.lines.filter(({ message, fields }) => message === 'pipeline serves' && fields['pipeline'] === pipeline)
      .length;

  async function openStubborn(
    how: 'throws' | 'rejects',
  ): Promise<{ readonly sluice: Sluice; readonly escaped: readonly string[] }> {
    const watch = watchProcess();
    open.push(() => watch.stop());
    disposals.length = 0;
    const masks = { modifiers: [{ type: 'mask-words', config: { words: 'words' } }] };
    const sluice = await startSluice({
      registry: await registryWith(...components(how)),
      pipelines: { held: { description: 'first', backends, ...steps }, other: { backends, ...masks } },
      resources: { 'word-list/words': ['secret'] },
    });
    open.push(() => sluice.close());
    return { sluice, escaped: watch.escaped };
  }

  const textOf = async (sluice: Sluice, pipeline: string): Promise<string> => {
    const client = await ask(sluice, pipeline, 'openai stream');
    const { text } = await seenBy(client, 'openai stream');
    client.destroy();
    return text;
  };

  it.each(['throws', 'rejects'] as const)(
    'keeps no pipeline from a new definition, its own neither: it %s',
    async (how) => {
      const { sluice, escaped } = await openStubborn(how);
      await changeFolder(
        sluice,
        () => sluice.save('held', { description: 'second', backends, ...steps }),
        () => served(sluice, 'held') === 2,
      );
      await turn(8);
      expect(disposals.toSorted()).toEqual(['modifier', 'processor']);
      expect(sluice.log.messages('error')).toEqual(['a generation was not disposed cleanly']);
      expect([await textOf(sluice, 'held'), await textOf(sluice, 'other')]).toEqual(['the plan', 'the plan']);
      await sluice.close();
      await turn(8);
      expect([escaped, sluice.metric('generations_live')]).toEqual([[], 0]);
    },
  );

  it.each(['throws', 'rejects'] as const)('keeps no pipeline from a resource that was edited: it %s', async (how) => {
    const { sluice, escaped } = await openStubborn(how);
    const file = join(sluice.folder, 'resources', 'word-list', 'words.json');
    await mkdir(join(file, '..'), { recursive: true });
    await changeFolder(
      sluice,
      () => writeFile(file, JSON.stringify(['plan'])),
      () => served(sluice, 'other') === 2,
    );
    await turn(8);
    expect([await textOf(sluice, 'other'), await textOf(sluice, 'held')]).toEqual(['the ***', 'the plan']);
    expect([served(sluice, 'held'), sluice.metric('generations_live'), escaped]).toEqual([1, 2, []]);
  });
});
