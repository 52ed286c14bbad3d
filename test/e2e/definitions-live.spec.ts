import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { probe, type ProbeResponse } from '../support/probe-client.ts';
import { scriptedBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { changeFolder } from './folder-changes.ts';
import { printTable } from './print.ts';

const messages = [{ role: 'user', content: 'hi' }];
const saying = (text: string): object => ({
  backends: { one: scriptedBackend([{ say: text, deltaCharacters: text.length }]) },
});
const SECOND = 1_000;

async function ask(sluice: Sluice, pipeline: string): Promise<ProbeResponse> {
  const client = await probe(
    { port: sluice.port },
    { path: `/pipelines/${pipeline}/v1/chat/completions`, body: { stream: true, messages } },
  );
  await client.end();
  client.destroy();
  return client.response();
}

/** The text of a good answer, or the status and the code of an error. */
async function answerOf(sluice: Sluice, pipeline: string): Promise<string> {
  const { status, body } = await ask(sluice, pipeline);
  if (status !== 200)
    return `${status} ${(JSON.parse(body.toString('utf8')) as { error: { code: string } }).error.code}`;
  const { text, done } = readOpenAiStream(body);
  return done ? text : `cut: ${text}`;
}

async function readiness(sluice: Sluice): Promise<unknown> {
  const client = await probe({ port: sluice.port }, { path: '/readyz' });
  const response = await client.response();
  await client.end();
  client.destroy();
  return { code: response.status, ...(response.json() as object) };
}

const rows: Record<string, string>[] = [];
afterAll(() => printTable('Definitions while the engine runs:', rows));

describe('a definition that is changed while the engine runs', () => {
  let sluice: Sluice;
  const file = (name: string): string => join(sluice.folder, `${name}.json`);
  const count = (message: string): number => sluice.log.messages().filter((line) => line === message).length;
  /** Changes the folder and waits until the engine has logged the outcome. */
  const change = (what: () => Promise<unknown>, outcome: 'pipeline serves' | 'definition refused'): Promise<void> => {
    const before = count(outcome);
    return changeFolder(sluice, what, () => count(outcome) > before);
  };
  const note = (step: string, answers: string): void => void rows.push({ step, answers });

  beforeEach(async () => {
    sluice = await startSluice({ pipelines: { edited: saying('one'), other: saying('other') } });
  });
  afterEach(async () => {
    await sluice.close();
    expect(sluice.clock.pendingTimers()).toEqual([]);
  });

  it.each([
    [
      'with a mistake in it',
      '{\n  "apiVersion": "sluice/v1",\n  "name": "edited",\n  "backend": {}\n}',
      /edited\.json:4:3  error  \S+  .*backends/,
    ],
    ['that is no JSON', '{\n  "apiVersion": "sluice/v1",\n  "name": \n}', /edited\.json:4:1  error /],
    ['that is empty', '', /edited\.json:1:1  error /],
    [
      'with two mistakes',
      '{\n  "apiVersion": "sluice/v1",\n  "name": "edited",\n  "backends": { "one": { "type": "openai-chatt", "config": {} } },\n  "limits": { "maxFrameBytes": -1 }\n}',
      /edited\.json:4:\d+  error .*\n?.*edited\.json:5:\d+  error /s,
    ],
  ])('goes on as it was when a version is saved %s', async (what, text, logged) => {
    await change(() => writeFile(file('edited'), text), 'definition refused');
    expect([await answerOf(sluice, 'edited'), await answerOf(sluice, 'other')]).toEqual(['one', 'other']);
    expect(await readiness(sluice)).toEqual({
      code: 200,
      status: 'ready',
      serving: ['edited', 'other'],
      degraded: ['edited'],
    });
    expect(sluice.log.messages('error').join('\n')).toMatch(logged);
    note(
      `saved ${what}`,
      `the last good version; degraded; log: ${/edited\.json:\d+:\d+/.exec(sluice.log.messages('error').join('\n'))?.[0] ?? '?'}`,
    );

    await change(() => sluice.save('edited', saying('two')), 'pipeline serves');
    expect(await answerOf(sluice, 'edited')).toBe('two');
    expect(await readiness(sluice)).toEqual({ code: 200, status: 'ready', serving: ['edited', 'other'], degraded: [] });
    expect(sluice.metric('generations_live')).toBe(2);
    note('corrected', 'the new version; not degraded');
  });

  it('is served for five seconds after it was deleted, and is unknown then', async () => {
    await changeFolder(
      sluice,
      () => rm(file('edited')),
      () => sluice.clock.pendingTimers().some(({ label }) => label.startsWith('pipelines.ts')),
    );
    await sluice.clock.advance(4.9 * SECOND);
    expect(await answerOf(sluice, 'edited')).toBe('one');
    await sluice.clock.advance(0.2 * SECOND);
    expect([await answerOf(sluice, 'edited'), await answerOf(sluice, 'other')]).toEqual([
      '404 PIPELINE_UNKNOWN',
      'other',
    ]);
    expect(await readiness(sluice)).toEqual({ code: 200, status: 'ready', serving: ['other'], degraded: [] });
    expect(sluice.metric('generations_live')).toBe(1);
    note('deleted', 'served for 5 s, then 404 PIPELINE_UNKNOWN');
  });

  it('is never unknown where an editor deletes it before it writes it anew', async () => {
    await changeFolder(
      sluice,
      () => rm(file('edited')),
      () => sluice.clock.pendingTimers().some(({ label }) => label.startsWith('pipelines.ts')),
    );
    await sluice.clock.advance(SECOND);
    expect(await answerOf(sluice, 'edited')).toBe('one');
    await change(() => sluice.save('edited', saying('two')), 'pipeline serves');
    expect(await answerOf(sluice, 'edited')).toBe('two');
    await sluice.clock.advance(10 * SECOND);
    expect(await answerOf(sluice, 'edited')).toBe('two');
    note('deleted and written anew', 'never unknown');
  });

  it('serves as soon as it is new', async () => {
    expect(await answerOf(sluice, 'fresh')).toBe('404 PIPELINE_UNKNOWN');
    await change(() => sluice.save('fresh', saying('new')), 'pipeline serves');
    expect(await answerOf(sluice, 'fresh')).toBe('new');
    note('new file', 'served');
  });

  it('is taken where another file is renamed over it', async () => {
    for (const version of ['two', 'three', 'four']) {
      const written = join(sluice.folder, '.edited.json.tmp');
      await writeFile(written, JSON.stringify({ apiVersion: 'sluice/v1', name: 'edited', ...saying(version) }));
      await change(() => rename(written, file('edited')), 'pipeline serves');
      expect(await answerOf(sluice, 'edited')).toBe(version);
    }
    note('renamed over, three times', 'the new version each time');
  });

  it('does not touch a stream that is running', async () => {
    await change(
      () =>
        sluice.save('edited', {
          backends: { one: scriptedBackend([{ say: 'begun ' }, { wait: '50s' }, { say: 'and finished' }]) },
        }),
      'pipeline serves',
    );
    const client = await probe(
      { port: sluice.port },
      { path: '/pipelines/edited/v1/chat/completions', body: { stream: true, messages } },
    );
    await client.until('begun');
    await change(() => writeFile(file('edited'), '{'), 'definition refused');
    await change(() => sluice.save('edited', saying('two')), 'pipeline serves');
    expect(sluice.metric('generations_live')).toBe(3);
    await changeFolder(
      sluice,
      () => rm(file('edited')),
      () => sluice.clock.pendingTimers().some(({ label }) => label.startsWith('pipelines.ts')),
    );
    await sluice.clock.advance(50 * SECOND);
    expect(await client.end()).toBe('complete');
    expect(readOpenAiStream(client.responses[0]?.body ?? Buffer.alloc(0)).text).toBe('begun and finished');
    expect(sluice.metric('generations_live')).toBe(1);
    note('broken, corrected, deleted under a stream', 'the stream ends as it began');
  });
});

describe('a start with one bad file among good ones', () => {
  it('serves the good ones, and says of the bad one that it is', async () => {
    const sluice = await startSluice({ pipelines: { good: saying('good'), bad: { backends: {} } } });
    try {
      expect([await answerOf(sluice, 'good'), await answerOf(sluice, 'bad')]).toEqual([
        'good',
        '503 DEFINITION_INVALID',
      ]);
      expect(await readiness(sluice)).toEqual({ code: 200, status: 'ready', serving: ['good'], degraded: ['bad'] });
      expect(sluice.log.messages('error').join('\n')).toMatch(/bad\.json:\d+:\d+  error /);
      rows.push({ step: 'bad at the start', answers: '503 DEFINITION_INVALID; all others are served' });
      const before = sluice.log.messages().length;
      await changeFolder(
        sluice,
        () => sluice.save('bad', saying('better')),
        () => sluice.log.messages().slice(before).includes('pipeline serves'),
      );
      expect(await answerOf(sluice, 'bad')).toBe('better');
    } finally {
      await sluice.close();
    }
  });
});
