import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PipelineFolder, type Snapshot } from '../../src/definitions/pipeline-folder.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually, PATIENCE_MILLISECONDS } from '../support/turn.ts';

let root: string;
let directory: string;
let clock: TestClock;
let folder: PipelineFolder;
let snapshots: Snapshot[];
let notify: () => void;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-folder-')));
  directory = join(root, 'pipelines');
  mkdirSync(directory);
  clock = new TestClock();
  snapshots = [];
  notify = () => undefined;
  folder = new PipelineFolder({
    directory,
    clock,
    watch: (_directory, onChange) => {
      notify = onChange;
      return { close: async () => undefined };
    },
  });
});
afterEach(async () => {
  await folder.close();
  expect(clock.pending).toBe(0);
  rmSync(root, { recursive: true });
});

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(directory, path)), { recursive: true });
  writeFileSync(join(directory, path), text);
}

async function watchFrom(): Promise<Snapshot> {
  folder.snapshots().subscribe((snapshot) => snapshots.push(snapshot));
  return folder.read();
}

/** Moves the clock in small steps until there are `count` snapshots. */
async function untilSnapshots(count: number): Promise<Snapshot> {
  await advanceUntil(() => snapshots.length >= count);
  const last = snapshots.at(-1);
  if (last === undefined || snapshots.length !== count)
    throw new Error(`${snapshots.length} snapshots in place of ${count}`);
  return last;
}

/** However slow the disk is: what is read takes real time. */
async function advanceUntil(predicate: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MILLISECONDS;
  while (!predicate() && performance.now() < deadline) await clock.advance(50);
  expect(predicate()).toBe(true);
}

const texts = ({ pipelines, resources }: Snapshot): Record<string, string> =>
  Object.fromEntries([...pipelines, ...resources].map(([key, { text }]) => [key, text]));
const problems = (snapshot: Snapshot): string[] =>
  snapshot.problems.map(({ code, file }) => `${code} ${file.slice(directory.length + 1)}`);

describe('the folder, read once', () => {
  it('holds pipelines by name and resources by kind and name', async () => {
    write('support.json', '{"a":1}');
    write('sales.jsonc', '{} // text');
    write('resources/word-list/secrets.json', '[]');
    write('resources/backend/eu.jsonc', '{}');
    write('notes.md', 'not read');
    write('.hidden.json', 'not read');
    write('.support.json.swp', 'not read');
    const snapshot = await folder.read();
    expect(texts(snapshot)).toEqual({
      support: '{"a":1}',
      sales: '{} // text',
      'word-list/secrets': '[]',
      'backend/eu': '{}',
    });
    expect(snapshot.pipelines.get('support')?.file).toBe(join(directory, 'support.json'));
    expect(snapshot.problems).toEqual([]);
  });

  it.each<[what: string, make: (path: string) => void, code: string]>([
    ['a pipe', (path) => void execFileSync('mkfifo', [path]), 'file.notRegular'],
    ['a folder', (path) => mkdirSync(path), 'file.notRegular'],
    ['a device behind a link', (path) => symlinkSync('/dev/zero', path), 'file.outside'],
    ['a link to a place outside', (path) => symlinkSync('/etc/passwd', path), 'file.outside'],
    ['a link to itself', (path) => symlinkSync(path, path), 'file.unreadable'],
    [
      'a file of 1 GB',
      (path) => {
        writeFileSync(path, '');
        truncateSync(path, 2 ** 30);
      },
      'json.tooLarge',
    ],
    ['a file that is no UTF-8', (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d])), 'json.encoding'],
  ])('refuses %s, and reads the others', async (_what, make, code) => {
    make(join(directory, 'bad.json'));
    write('good.json', '{}');
    const snapshot = await folder.read();
    expect(texts(snapshot)).toEqual({ bad: '', good: '{}' });
    expect(problems(snapshot)).toEqual([`${code} bad.json`]);
    expect(snapshot.pipelines.get('bad')?.problem).toEqual(snapshot.problems[0]);
  });

  it('refuses names that are none, a name with two files, and kinds that are none', async () => {
    write('Support.json', '{}');
    write('a b.json', '{}');
    write('two.json', '{}');
    write('two.jsonc', '{}');
    write('resources/words/a.json', '[]');
    const snapshot = await folder.read();
    expect(problems(snapshot).sort()).toEqual([
      'folder.unknownKind resources/words',
      'name.ambiguous two.jsonc',
      'name.invalid Support.json',
      'name.invalid a b.json',
    ]);
    expect([...snapshot.pipelines.keys()]).toEqual(['two']);
  });

  it('does not follow a folder that leads outside', async () => {
    mkdirSync(join(root, 'elsewhere', 'word-list'), { recursive: true });
    writeFileSync(join(root, 'elsewhere', 'word-list', 'a.json'), '[]');
    symlinkSync(join(root, 'elsewhere'), join(directory, 'resources'));
    const snapshot = await folder.read();
    expect(snapshot.resources.size).toBe(0);
    expect(problems(snapshot)).toEqual(['file.outside resources']);
  });

  it('may be missing, and may be a link itself', async () => {
    const missing = new PipelineFolder({ directory: join(root, 'none'), clock });
    expect(await missing.read()).toMatchObject({ pipelines: new Map(), problems: [{ code: 'folder.missing' }] });
    write('a.json', '{}');
    symlinkSync(directory, join(root, 'link'));
    expect(texts(await new PipelineFolder({ directory: join(root, 'link'), clock }).read())).toEqual({ a: '{}' });
  });
});

describe('the folder, watched', () => {
  it.each<[what: string, change: () => void, expected: Record<string, string>]>([
    ['a rewritten file', () => write('a.json', '{"new":1}'), { a: '{"new":1}' }],
    ['a file of the same size', () => write('a.json', '{"b":0}'), { a: '{"b":0}' }],
    [
      'a file renamed over another',
      () => {
        write('a.tmp', '{"new":1}');
        renameSync(join(directory, 'a.tmp'), join(directory, 'a.json'));
      },
      { a: '{"new":1}' },
    ],
    ['a new file', () => write('b.json', '{}'), { a: '{"a":0}', b: '{}' }],
    ['a new resource', () => write('resources/word-list/w.json', '[]'), { a: '{"a":0}', 'word-list/w': '[]' }],
    ['a deleted file', () => rmSync(join(directory, 'a.json')), {}],
    [
      'a file that was deleted and made again',
      () => {
        rmSync(join(directory, 'a.json'));
        write('a.json', '{"new":1}');
      },
      { a: '{"new":1}' },
    ],
    [
      'a file with another ending',
      () => renameSync(join(directory, 'a.json'), join(directory, 'a.jsonc')),
      { a: '{"a":0}' },
    ],
  ])('tells of %s, once', async (_what, change, expected) => {
    write('a.json', '{"a":0}');
    await watchFrom();
    change();
    notify();
    notify();
    expect(texts(await untilSnapshots(1))).toEqual(expected);
    notify();
    await clock.advance(30_000);
    expect(snapshots).toHaveLength(1);
  });

  it('says nothing where only the time stamp changed', async () => {
    write('a.json', '{}');
    const before = await watchFrom();
    utimesSync(join(directory, 'a.json'), 1, 1);
    notify();
    await clock.advance(30_000);
    expect(snapshots).toEqual([]);
    write('b.json', '{}');
    notify();
    expect((await untilSnapshots(1)).pipelines.get('a')).toBe(before.pipelines.get('a'));
  });

  it('looks by itself where the file system tells nothing', async () => {
    await watchFrom();
    write('a.json', '{}');
    await clock.advance(9_000);
    expect(snapshots).toEqual([]);
    expect(texts(await untilSnapshots(1))).toEqual({ a: '{}' });
  });

  it('looks also while notifications never end', async () => {
    await watchFrom();
    write('a.json', '{}');
    await advanceUntil(() => {
      notify();
      return snapshots.length > 0;
    });
  });

  it('tells of each look, and of what it found before that', async () => {
    const told: string[] = [];
    folder.snapshots().subscribe(() => told.push('snapshot'));
    folder.looks().subscribe(() => told.push('look'));
    await watchFrom();
    await advanceUntil(() => told.length > 1);
    expect(new Set(told.splice(0))).toEqual(new Set(['look']));
    write('a.json', '{}');
    notify();
    await advanceUntil(() => told.includes('snapshot'));
    expect(told.splice(0).slice(-2)).toEqual(['snapshot', 'look']);
    await advanceUntil(() => told.length > 1);
    expect(new Set(told)).toEqual(new Set(['look']));
  });

  it('does not take a half-written file for a definition', async () => {
    write('a.json', '{"a":0}');
    await watchFrom();
    write('a.json', '{"half":');
    notify();
    for (let step = 0; step < 8; step += 1) {
      appendFileSync(join(directory, 'a.json'), ' ');
      await clock.advance(100);
    }
    expect(snapshots).toEqual([]);
    appendFileSync(join(directory, 'a.json'), '1}');
    expect(texts(await untilSnapshots(1))['a']).toMatch(/^\{"half": *1\}$/);
  });

  it('does not wait for ever for a file that never settles, and keeps what that file held', async () => {
    write('log.json', '{}');
    await watchFrom();
    write('a.json', '{"new":1}');
    notify();
    await advanceUntil(() => {
      appendFileSync(join(directory, 'log.json'), ' ');
      return snapshots.length > 0;
    });
    expect(texts(snapshots[0] ?? (await folder.read()))).toEqual({ a: '{"new":1}', log: '{}' });
  });

  it('sees the swap of the link that a mounted ConfigMap is', async () => {
    for (const version of ['..v1', '..v2']) write(`${version}/a.json`, JSON.stringify({ version }));
    symlinkSync('..v1', join(directory, '..data'));
    symlinkSync('..data/a.json', join(directory, 'a.json'));
    expect(texts(await watchFrom())).toEqual({ a: '{"version":"..v1"}' });
    symlinkSync('..v2', join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
    notify();
    expect(texts(await untilSnapshots(1))).toEqual({ a: '{"version":"..v2"}' });
  });

  it('tells of a file that became unreadable, and of its recovery', async () => {
    write('a.json', '{}');
    await watchFrom();
    write('a.json', Buffer.from([0xff]));
    notify();
    expect(problems(await untilSnapshots(1))).toEqual(['json.encoding a.json']);
    write('a.json', '{}');
    notify();
    expect((await untilSnapshots(2)).problems).toEqual([]);
  });

  it('ends with close, also in the middle of a look', async () => {
    let isComplete = false;
    folder.snapshots().subscribe({ next: (snapshot) => snapshots.push(snapshot), complete: () => (isComplete = true) });
    await folder.read();
    write('a.json', '{}');
    notify();
    await clock.advance(310);
    await folder.close();
    notify();
    await clock.advance(30_000);
    expect(isComplete).toBe(true);
    expect(snapshots).toEqual([]);
  });
});

describe('the notifications of the file system', () => {
  it('reach the folder: for a file, for a resource, for a swapped link', async () => {
    for (const version of ['..v1', '..v2']) write(`${version}/linked.json`, JSON.stringify({ version }));
    symlinkSync('..v1', join(directory, '..data'));
    symlinkSync('..data/linked.json', join(directory, 'linked.json'));
    write('resources/word-list/w.json', '[]');
    // Without the poll: only notifications start these timers.
    const quiet = new TestClock();
    const watched = new PipelineFolder({
      directory,
      clock: {
        now: () => quiet.now(),
        wallTime: () => quiet.wallTime(),
        after: (delay, callback) => quiet.after(delay, callback),
        every: () => ({ cancel: () => undefined }),
      },
    });
    const seen: Record<string, string>[] = [];
    watched.snapshots().subscribe((snapshot) => seen.push(texts(snapshot)));
    await watched.read();
    const next = async (change: () => void): Promise<Record<string, string> | undefined> => {
      const { length } = seen;
      change();
      let turns = 0;
      await eventually(() => {
        turns += 1;
        if (quiet.pending > 0 && turns % 50 === 0) void quiet.advance(400).catch(() => undefined);
        return seen.length > length;
      }, 'a notification');
      return seen.at(-1);
    };
    try {
      expect(await next(() => write('a.json', '{}'))).toMatchObject({ a: '{}' });
      expect(await next(() => write('resources/word-list/w.json', '["x"]'))).toMatchObject({ 'word-list/w': '["x"]' });
      expect(
        await next(() => {
          symlinkSync('..v2', join(directory, '..data_tmp'));
          renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
        }),
      ).toMatchObject({ linked: '{"version":"..v2"}' });
    } finally {
      await watched.close();
    }
  });
});
