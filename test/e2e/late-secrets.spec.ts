import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { probe } from '../support/probe-client.ts';
import { scriptedBackend, startSluice, type Sluice, type SluiceOptions } from '../support/sluice.ts';
import { eventually } from '../support/turn.ts';
import { changeFolder } from './folder-changes.ts';

const POLL = 10_000;
const CHANGED = 'a secret file has changed, its definition is checked again';
const backend = (token: unknown, say = 'hello'): object => ({ ...scriptedBackend([{ say }]), token });
const keyIn = (path: string): object => ({ type: 'static', config: { token: { $file: path } } });

describe('a secret file that is not there at the start', () => {
  let root: string;
  let secrets: string;
  let sluice: Sluice;
  beforeEach(async () => {
    root = await realpath(await mkdtemp(join(tmpdir(), 'sluice-late-')));
    secrets = join(root, 'secrets');
    await mkdir(secrets);
  });
  afterEach(async () => {
    await sluice.close();
    expect(sluice.clock.pendingTimers()).toEqual([]);
    await rm(root, { recursive: true, force: true });
  });

  const start = async (options: Omit<SluiceOptions, 'clock'>): Promise<void> => {
    const environment = { SLUICE_SECRETS_DIR: secrets, SPARE_API_KEY: 'spare', ...options.environment };
    sluice = await startSluice({ ...options, environment });
  };
  const count = (message: string): number => sluice.log.messages().filter((line) => line === message).length;
  /** The next look at the folder, and the work that it brings. */
  const polled = async (isDone: () => boolean): Promise<void> => {
    await sluice.clock.advance(POLL);
    await eventually(isDone, 'the outcome of a look');
  };
  const statusOf = async (pipeline: string): Promise<number | undefined> => {
    const client = await probe(
      { port: sluice.port },
      { path: `/pipelines/${pipeline}/v1/chat/completions`, body: { messages: [{ role: 'user', content: 'hi' }] } },
    );
    const { status } = await client.response();
    await client.end();
    client.destroy();
    return status;
  };
  const statuses = (...names: string[]): Promise<unknown[]> => Promise.all(names.map(statusOf));

  it('lets its definitions serve when it has come: alone, in a chain, of a shared resource', async () => {
    const key = join(secrets, 'late');
    const spare = { type: 'static', config: { token: { $env: 'SPARE_API_KEY' } } };
    await start({
      pipelines: {
        alone: { backends: { one: backend(keyIn(key)) } },
        chain: { backends: { one: backend({ type: 'chained', config: { providers: [keyIn(key), spare] } }) } },
        first: { backends: { one: backend('shared') } },
        second: { backends: { one: backend('shared') } },
        good: { backends: { one: backend(spare) } },
      },
      resources: { 'token-provider/shared': keyIn(key) },
    });
    expect(await statuses('alone', 'chain', 'first', 'second', 'good')).toEqual([503, 503, 503, 503, 200]);
    const errors = sluice.log.messages('error');
    const what = `secret.missing  the secret file ${JSON.stringify(key)} does not exist; a running engine looks at it again`;
    expect(errors.filter((line) => line.includes(what))).toHaveLength(4);
    for (const file of ['alone.json', 'chain.json', join('token-provider', 'shared.json')])
      expect(errors.join('\n')).toMatch(new RegExp(`${file}:1:\\d+ {2}error {2}secret\\.missing`));
    for (let polls = 0; polls < 3; polls += 1) await sluice.clock.advance(POLL);
    expect([count('definition refused'), count(CHANGED)]).toEqual([4, 0]);

    await writeFile(key, 'key-1\n');
    await polled(() => count('pipeline serves') === 5);
    expect(await statuses('alone', 'chain', 'first', 'second', 'good')).toEqual([200, 200, 200, 200, 200]);
    expect([count('definition refused'), count(CHANGED), sluice.log.messages('error').length]).toEqual([
      4,
      4,
      errors.length,
    ]);
    for (let polls = 0; polls < 3; polls += 1) await sluice.clock.advance(POLL);
    expect([count(CHANGED), sluice.metric('generations_live')]).toEqual([4, 5]);
  });

  it('is told of where, in a definition with another mistake too', async () => {
    const key = join(secrets, 'late');
    const spare = { type: 'static', config: { token: { $env: 'UNSET_API_KEY' } } };
    await start({
      pipelines: {
        chain: { backends: { one: backend({ type: 'chained', config: { providers: [keyIn(key), spare] } }) } },
      },
    });
    const missing = (): string[] =>
      sluice.log
        .messages('error')
        .flatMap((line) => /chain\.json:1:\d+ {2}error {2}secret\.missing {2}the (\w+)/.exec(line)?.[1] ?? []);
    expect(missing()).toEqual(['secret', 'environment']);
    await writeFile(key, 'key-1');
    await polled(() => count('definition refused') === 2);
    expect([missing().slice(2), await statuses('chain')]).toEqual([['environment'], [503]]);
  });

  it.each<[what: string, spoil: (path: string) => Promise<unknown>]>([
    ['is empty', (path) => writeFile(path, '')],
    ['is too large', (path) => writeFile(path, 'x'.repeat(65_537))],
    ['is a folder', (path) => mkdir(path)],
    ['is a link to nothing', (path) => symlink('..data/key', path)],
    ['lies in a folder that is not there', (path) => rm(join(path, '..'), { recursive: true })],
  ])('counts as missing while it %s', async (_what, spoil) => {
    const key = join(secrets, 'mount', 'key');
    await mkdir(join(secrets, 'mount'));
    await spoil(key);
    await start({ pipelines: { one: { backends: { one: backend(keyIn(key)) } } } });
    await sluice.clock.advance(POLL);
    expect(await statuses('one')).toEqual([503]);
    await rm(join(secrets, 'mount'), { recursive: true, force: true });
    await mkdir(join(secrets, 'mount'));
    await writeFile(key, 'key-1');
    await polled(() => count('pipeline serves') === 1);
    expect(await statuses('one')).toEqual([200]);
  });

  it('is seen through the links that a mounted secret is made of', async () => {
    const key = join(secrets, 'key');
    await start({ pipelines: { one: { backends: { one: backend(keyIn(key)) } } } });
    await symlink('..data/key', key);
    await mkdir(join(secrets, '..v1'));
    await writeFile(join(secrets, '..v1', 'key'), 'key-1');
    await symlink('..v1', join(secrets, '..tmp'));
    await rename(join(secrets, '..tmp'), join(secrets, '..data'));
    await polled(() => count('pipeline serves') === 1);
    expect(await statuses('one')).toEqual([200]);
  });

  it('is not looked for outside of the folders that may be read, nor where a link leads out of them', async () => {
    const [outside, link] = [join(root, 'outside'), join(secrets, 'link')];
    await writeFile(join(root, 'elsewhere'), 'key-1');
    await symlink(join(root, 'elsewhere'), link);
    const late = join(secrets, 'late');
    await start({
      pipelines: {
        outside: { backends: { one: backend(keyIn(outside)) } },
        link: { backends: { one: backend(keyIn(link)) } },
        dangling: { backends: { one: backend(keyIn(late)) } },
      },
    });
    expect(sluice.log.messages('error').filter((line) => line.includes('looks at it again'))).toHaveLength(1);
    await writeFile(outside, 'key-1');
    await symlink(outside, late);
    for (let polls = 0; polls < 3; polls += 1) await sluice.clock.advance(POLL);
    expect([await statuses('outside', 'link', 'dangling'), count(CHANGED)]).toEqual([[503, 503, 503], 0]);
  });

  it('leaves the last good definition in service, also where it went away from under it', async () => {
    const [first, second] = [join(secrets, 'first'), join(secrets, 'second')];
    await writeFile(first, 'key-1');
    await start({ pipelines: { one: { backends: { one: backend(keyIn(first)) } } } });
    await rm(first);
    for (let polls = 0; polls < 2; polls += 1) await sluice.clock.advance(POLL);
    expect([await statuses('one'), count('definition refused')]).toEqual([[200], 0]);

    await changeFolder(
      sluice,
      () => sluice.save('one', { backends: { one: backend(keyIn(second)) } }),
      () => count('definition refused') === 1,
    );
    expect(await statuses('one')).toEqual([200]);
    expect(sluice.engine.pipelines()).toEqual({ serving: ['one'], degraded: ['one'] });
    await writeFile(second, 'key-2');
    await polled(() => count('pipeline serves') === 2);
    expect(await statuses('one')).toEqual([200]);
    expect(sluice.engine.pipelines()).toEqual({ serving: ['one'], degraded: [] });
    expect(sluice.metric('generations_live')).toBe(1);
  });

  it('may be there and half written, so that a component refuses what it holds', async () => {
    const key = join(secrets, 'hash');
    await writeFile(key, 'short');
    const hide = { type: 'patterns', config: { patterns: ['email'], action: 'hash', key: { $file: key } } };
    await start({ pipelines: { one: { processors: [hide], backends: { one: scriptedBackend([{ say: 'hello' }]) } } } });
    expect(sluice.log.messages('error').join('\n')).toContain('build.failed');
    await sluice.clock.advance(POLL);
    expect([await statuses('one'), count(CHANGED)]).toEqual([[503], 0]);
    await writeFile(key, 'a key of sixteen characters');
    await polled(() => count('pipeline serves') === 1);
    expect(await statuses('one')).toEqual([200]);
  });
});
