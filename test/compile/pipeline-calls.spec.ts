import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import { changeFolder } from '../e2e/folder-changes.ts';
import type { RequestRecord } from '../support/fault-connection.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { answerBody } from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { answering, type Step } from '../support/scenario.ts';
import { openAiBackend, scriptedBackend, startSluice, type Sluice, type SluiceOptions } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';

const messages = [{ role: 'user', content: 'hi' }];
const story = [{ say: 'The cat sleeps. The dog barks.' }];

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of cleanup.splice(0).toReversed()) await step();
});

/** The model that translates: it shouts. A gate makes it wait. */
async function shouting(gate?: string): Promise<FaultUpstream> {
  const upstream = await startFaultUpstream(({ bodyText }) => {
    const { messages: asked } = JSON.parse(bodyText) as { messages: readonly { role: string; content: string }[] };
    const text = asked.find(({ role }) => role === 'user')?.content ?? '';
    const wait: readonly Step[] = gate === undefined ? [] : [{ wait: gate }];
    return [...wait, ...answering(200, answerBody({ text: [text.toUpperCase()] }))];
  });
  cleanup.push(() => upstream.close());
  return upstream;
}

async function start(options: Omit<SluiceOptions, 'clock'>): Promise<Sluice> {
  const sluice = await startSluice(options);
  cleanup.push(() => sluice.close().catch(() => undefined));
  return sluice;
}

const translate = (pipeline: string, config: object = {}): object => ({
  type: 'translate',
  config: { pipeline, language: 'German', ...config },
});
const telling = (...modifiers: readonly object[]): object => ({
  backends: { story: scriptedBackend(story) },
  modifiers,
});

function ask(sluice: Sluice, name: string, body: object = {}): Promise<ProbeClient> {
  const path = `/pipelines/${name}/v1/chat/completions`;
  return probe({ port: sluice.port }, { path, body: { stream: true, messages, ...body } });
}

/** The whole text, or the code of the error, of a stream. */
async function answerOf(client: ProbeClient): Promise<string> {
  await client.end();
  client.destroy();
  const { status, body, text: raw } = await client.response();
  if (status !== 200) return `${status} ${(JSON.parse(raw) as { error: { message: string } }).error.message}`;
  const { text, done, error } = readOpenAiStream(body);
  return error === undefined ? `${text}${done ? '' : ' (cut)'}` : `${text} (${String(error['message'])})`;
}

interface Sent {
  readonly stream?: boolean;
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}
const sent = ({ bodyText }: RequestRecord): Sent => JSON.parse(bodyText) as Sent;

const recordsOf = (sluice: Sluice): readonly Readonly<Record<string, unknown>>[] =>
  sluice.log.lines.filter(({ message }) => message === 'run ended').map(({ fields }) => fields);

/** Nothing is left of any run. */
async function expectNothingLeft(sluice: Sluice): Promise<void> {
  await eventually(() => sluice.metric('streams_live') === 0, 'the runs to end');
  expect(sluice.metric('streams_opened')).toBe(sluice.metric('streams_ended'));
  expect(sluice.metric('upstream_calls_live')).toBe(0);
  expect(sluice.clock.pendingTimers().filter(({ label }) => !label.startsWith('pipeline-folder.ts'))).toEqual([]);
}

describe('a pipeline that translates through another', () => {
  it('shows what the other one answers, in order', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    expect(upstream.requests.map((request) => sent(request).messages.at(-1)?.content).toSorted()).toEqual([
      'The cat sleeps.',
      'The dog barks.',
    ]);
    const [{ stream, messages: [instruction] = [] } = { messages: [] }] = upstream.requests.map(sent);
    expect([stream ?? false, instruction]).toEqual([
      false,
      { role: 'system', content: expect.stringContaining('into German') },
    ]);
    await expectNothingLeft(sluice);
  });

  it('records both runs, and the id of the called one begins with that of its caller', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: { backends: { loud: openAiBackend(upstream.origin) } },
      },
    });
    const client = await ask(sluice, 'teller');
    await answerOf(client);
    const id = (await client.response()).headers['x-sluice-run'];
    const records = recordsOf(sluice);
    expect(records.map(({ run, pipeline, outcome, backend }) => [run, pipeline, outcome, backend])).toEqual([
      [`${id}.1`, 'shouter', 'ok', 'loud'],
      [`${id}.2`, 'shouter', 'ok', 'loud'],
      [id, 'teller', 'ok', 'story'],
    ]);
    expect(sluice.metric('streams_opened')).toBe(3);
  });

  it('works for a document too, and through more than one pipeline', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('middle')),
        middle: { backends: { loud: openAiBackend(upstream.origin) }, modifiers: [translate('end')] },
        end: { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } },
      },
    });
    const client = await ask(sluice, 'teller', { stream: false });
    await client.end();
    const { choices } = (await client.response()).json() as { choices: [{ message: { content: string } }] };
    client.destroy();
    expect(choices[0].message.content).toBe('<THE CAT SLEEPS.> <THE DOG BARKS.>');
    const ids = recordsOf(sluice).map(({ run }) => String(run));
    expect(ids.filter((id) => /\.\d+\.\d+$/.test(id))).toHaveLength(2);
    await expectNothingLeft(sluice);
  });

  it('has its guard: what the other one hides stays hidden', async () => {
    const upstream = await shouting();
    const sluice = await start({
      pipelines: {
        teller: telling(translate('shouter')),
        shouter: {
          backends: { loud: openAiBackend(upstream.origin) },
          modifiers: [{ type: 'mask-words', config: { words: ['CAT'], with: '***' } }],
        },
      },
    });
    expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE *** SLEEPS. THE DOG BARKS.');
  });

  it('gives it the parameters that it declares, and those only', async () => {
    const shouter = {
      params: { target: { type: 'string', enum: ['German', 'French'] } },
      backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) },
    };
    const fail = { onFailure: 'fail' };
    const sluice = await start({
      pipelines: {
        known: telling(translate('shouter', { ...fail, params: { target: '{language}' } })),
        unknown: telling(translate('shouter', { ...fail, params: { tone: 'formal' } })),
        shouter,
      },
    });
    expect(await answerOf(await ask(sluice, 'known'))).toBe('<The cat sleeps.> <The dog barks.>');
    expect(await answerOf(await ask(sluice, 'unknown'))).toContain('tone');
    await expectNothingLeft(sluice);
  });
});

describe('a called pipeline that fails', () => {
  it.each<readonly [string, object, string]>([
    ['its provider is busy', { backends: { one: scriptedBackend([{ status: 429 }]) } }, 'UPSTREAM_RATE_LIMITED'],
    ['its provider breaks off', { backends: { one: scriptedBackend([{ reset: true }]) } }, 'UPSTREAM_RESET'],
    [
      'its rule blocks the text',
      {
        backends: { one: scriptedBackend([{ say: 'x' }]) },
        processors: [{ type: 'sensitive-words', config: { words: ['cat', 'dog'], action: 'block' } }],
      },
      'REQUEST_BLOCKED',
    ],
    ['it has a mistake', { backends: {} }, 'DEFINITION_INVALID'],
  ])('fails the run or leaves its text as it was: %s', async (_why, called, code) => {
    const sluice = await start({
      pipelines: {
        strict: telling(translate('called', { onFailure: 'fail' })),
        lenient: telling(translate('called')),
        called,
      },
    });
    const lenient = await ask(sluice, 'lenient');
    const told = (): boolean => sluice.log.lines.some(({ message }) => message === 'a sentence is not translated');
    await eventually(told, 'the failure of the call');
    expect(await answerOf(lenient)).toBe('The cat sleeps. The dog barks.');
    const strict = await ask(sluice, 'strict');
    await eventually(() => recordsOf(sluice).some(({ pipeline }) => pipeline === 'strict'), 'the end of the run');
    await strict.end();
    strict.destroy();
    expect(recordsOf(sluice).find(({ pipeline }) => pipeline === 'strict')).toMatchObject({ outcome: 'error', code });
    await expectNothingLeft(sluice);
  });
});

describe('the limit of a called pipeline', () => {
  const pipelines = (upstream: FaultUpstream, parallel: number): Readonly<Record<string, object>> => ({
    teller: telling(translate('shouter', { parallel })),
    shouter: { backends: { loud: openAiBackend(upstream.origin) }, limits: { concurrentStreams: 1 } },
  });

  it('counts its calls: one too many is refused', async () => {
    const upstream = await shouting('late');
    const sluice = await start({ pipelines: pipelines(upstream, 2) });
    const client = await ask(sluice, 'teller');
    const refused = (): boolean => sluice.log.lines.some(({ fields }) => fields['code'] === 'OVERLOADED');
    await eventually(refused, 'the refusal of the second call');
    const outside = await ask(sluice, 'shouter');
    expect(await answerOf(outside)).toContain('503');
    upstream.release('late');
    expect(await answerOf(client)).toBe('THE CAT SLEEPS. The dog barks.');
    expect(upstream.requests).toHaveLength(1);
    await expectNothingLeft(sluice);
  });

  it('is free again after each call', async () => {
    const sluice = await start({ pipelines: pipelines(await shouting(), 1) });
    for (let times = 0; times < 3; times += 1)
      expect(await answerOf(await ask(sluice, 'teller'))).toBe('THE CAT SLEEPS. THE DOG BARKS.');
    await expectNothingLeft(sluice);
  });
});

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
    expect(
      recordsOf(sluice)
        .map(({ pipeline, outcome }) => [pipeline, outcome])
        .toSorted(),
    ).toEqual([
      ['shouter', 'client-gone'],
      ['shouter', 'client-gone'],
      ['teller', 'client-gone'],
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

describe('a circle of calls', () => {
  const isDegraded = (sluice: Sluice, ...names: readonly string[]): boolean =>
    sluice.engine.pipelines().degraded.toSorted().join() === names.join();

  it('serves nobody, and is mended by an edit of any of its pipelines', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({
      pipelines: { a: telling(translate('b')), b: telling(translate('c')), c: telling(translate('a')), other: end },
    });
    expect(sluice.engine.pipelines()).toEqual({ serving: ['other'], degraded: ['a', 'b', 'c'] });
    await changeFolder(
      sluice,
      () => sluice.save('c', end),
      () => isDegraded(sluice),
    );
    expect(sluice.engine.pipelines()).toEqual({
      serving: expect.arrayContaining(['a', 'b', 'c', 'other']),
      degraded: [],
    });
    expect(await answerOf(await ask(sluice, 'b'))).toBe('<The cat sleeps.> <The dog barks.>');
  });

  it('that an edit closes degrades all of its pipelines, and the last good ones go on', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b')), b: end } });
    await changeFolder(
      sluice,
      () => sluice.save('b', telling(translate('a'))),
      () => isDegraded(sluice, 'a', 'b'),
    );
    expect(await answerOf(await ask(sluice, 'a'))).toBe('<The cat sleeps.> <The dog barks.>');
    await changeFolder(
      sluice,
      () => sluice.save('b', end),
      () => isDegraded(sluice),
    );
  });

  it('that no check has seen ends at its first step: an old definition may still be in it', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b', { onFailure: 'fail' })), b: end } });
    await changeFolder(
      sluice,
      () => sluice.save('a', { backends: {} }),
      () => isDegraded(sluice, 'a'),
    );
    const revision = sluice.log.messages().filter((message) => message === 'pipeline serves').length;
    await changeFolder(
      sluice,
      () => sluice.save('b', telling(translate('a', { onFailure: 'fail' }))),
      () => sluice.log.messages().filter((message) => message === 'pipeline serves').length > revision,
    );
    await answerOf(await ask(sluice, 'a'));
    await expectNothingLeft(sluice);
    const reason = 'these pipelines call each other for ever: a -> b -> a';
    expect(recordsOf(sluice).find(({ pipeline }) => pipeline === 'b')).toMatchObject({
      code: 'DEFINITION_INVALID',
      reason,
    });
    // Two sentences of the story, and none of the calls calls again.
    expect(sluice.metric('streams_opened')).toBeLessThanOrEqual(3);
  });

  it('is told of a pipeline that is called and deleted, and forgotten when it comes back', async () => {
    const end = { backends: { end: scriptedBackend([{ say: '<{{lastUserText}}>' }]) } };
    const sluice = await start({ pipelines: { a: telling(translate('b')), b: end } });
    await changeFolder(
      sluice,
      () => rm(`${sluice.folder}/b.json`),
      () => isDegraded(sluice, 'a'),
    );
    await changeFolder(
      sluice,
      () => sluice.save('b', end),
      () => isDegraded(sluice),
    );
    expect(await answerOf(await ask(sluice, 'a'))).toBe('<The cat sleeps.> <The dog barks.>');
  });
});
