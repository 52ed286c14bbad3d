import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashOf } from '../../src/kernel/tokens/hash-of.ts';
import { NumberMeter } from '../../src/observability/meter.ts';
import { maxValueBytes, type SecretDisk } from '../../src/state/secret-disk.ts';
import { SecretFiles } from '../../src/state/secret-files.ts';
import { LogCapture } from '../support/log-capture.ts';
import { startSluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually } from '../support/turn.ts';

let root: string;
let directory: string;
let clock: TestClock;
let log: LogCapture;
let meter: NumberMeter;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sluice-state-'));
  directory = join(root, 'below', 'state');
  clock = new TestClock({ wallTime: Date.now() });
  log = new LogCapture();
  meter = new NumberMeter();
});
afterEach(() => rmSync(root, { recursive: true }));

const store = (disk?: SecretDisk): SecretFiles =>
  new SecretFiles({ directory, clock, log, meter, ...(disk && { disk }) });
const fileOf = (key: string): string => join(directory, hashOf(key));
const failures = (): number => meter.value('secret_store_failures');
const problems = (): readonly string[] => log.messages('error');

describe('a kept secret', () => {
  it('is there for the next process', async () => {
    const cell = store().open('a key');
    expect(await cell.read()).toBeUndefined();
    await cell.write('töken');
    expect(await cell.read()).toBe('töken');
    expect(await store().open('a key').read()).toBe('töken');
    expect(await store().open('another key').read()).toBeUndefined();
    expect([failures(), problems()]).toEqual([0, []]);
  });

  it('is one cell for one key', () => {
    const files = store();
    expect(files.open('a')).toBe(files.open('a'));
    expect(files.open('a')).not.toBe(files.open('b'));
  });

  it('lies in a file for this user alone, whose name tells nothing', async () => {
    await store().open('https://login.example/ client-1').write('t');
    const names = readdirSync(directory);
    expect(names).toEqual([hashOf('https://login.example/ client-1')]);
    expect(names[0]).toMatch(/^[0-9a-f]{64}$/);
    const modes = [directory, join(root, 'below'), join(directory, names[0] ?? '')].map(
      (path) => statSync(path).mode & 0o777,
    );
    expect(modes).toEqual([0o700, 0o700, 0o600]);
  });

  it('makes nothing on disk before it is written, or held against other processes', async () => {
    const cell = store().open('a');
    await cell.read();
    expect(existsSync(join(root, 'below'))).toBe(false);
    await cell.exclusive(async () => undefined);
    expect(readdirSync(directory)).toEqual([`${hashOf('a')}.lock`]);
  });

  it('of another process counts from the next read', async () => {
    const [one, other] = [store().open('a'), store().open('a')];
    await one.write('first');
    expect(await other.read()).toBe('first');
    await other.write('later');
    expect(await one.read()).toBe('later');
    await one.write('x'.repeat(5));
    expect(await other.read()).toBe('xxxxx');
  });

  it('stays when its file is removed', async () => {
    const cell = store().open('a');
    await cell.write('t');
    rmSync(directory, { recursive: true });
    expect(await cell.read()).toBe('t');
    await cell.write('u');
    expect(await store().open('a').read()).toBe('u');
  });

  it('may be as large as the cap; a larger one serves this process alone', async () => {
    const cell = store().open('a');
    const largest = 'x'.repeat(maxValueBytes);
    await cell.write(largest);
    expect(await store().open('a').read()).toBe(largest);
    await cell.write(`${largest}y`);
    expect((await cell.read())?.length).toBe(maxValueBytes + 1);
    expect(await store().open('a').read()).toBe(largest);
    expect([failures(), problems()]).toEqual([1, ['a secret can not be kept']]);
    expect(clock.pending).toBe(0);
  });

  it('is measured in bytes', async () => {
    const cell = store().open('a');
    await cell.write('ö'.repeat(maxValueBytes / 2));
    expect(problems()).toEqual([]);
    await cell.write('ö'.repeat(maxValueBytes / 2 + 1));
    expect(problems()).toEqual(['a secret can not be kept']);
    expect(await store().open('a').read()).toBe('ö'.repeat(maxValueBytes / 2));
  });

  it('that was written many times at once is the last one', async () => {
    const cell = store().open('a');
    await Promise.all(Array.from({ length: 50 }, (_, index) => cell.write(`value ${index}`)));
    expect(await cell.read()).toBe('value 49');
    expect(await store().open('a').read()).toBe('value 49');
    expect(readdirSync(directory)).toHaveLength(1);
  });
});

describe('a file that is none', () => {
  const secretsBelow = (): string => {
    mkdirSync(directory, { recursive: true });
    const target = join(root, 'target');
    writeFileSync(target, 'canary');
    return target;
  };

  it.each<readonly [string, (path: string, target: string) => unknown]>([
    ['a link', (path, target) => symlinkSync(target, path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe that nobody writes to', (path) => execFileSync('mkfifo', [path])],
    ['too large', (path) => writeFileSync(path, 'canary'.repeat(20_000))],
  ])('is not read: %s', async (_what, make) => {
    make(fileOf('a'), secretsBelow());
    const cell = store().open('a');
    await expect(cell.read()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { cell: hashOf('a') } });
    await expect(cell.read()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    expect([failures(), problems()]).toEqual([2, ['a kept secret can not be read']]);
    expect(JSON.stringify(log.lines)).not.toContain('canary');
  });

  it('is not followed where it is a link: its place is taken', async () => {
    const target = secretsBelow();
    symlinkSync(target, fileOf('a'));
    await store().open('a').write('t');
    expect([readFileSync(target, 'utf8'), await store().open('a').read()]).toEqual(['canary', 't']);
  });
});

describe('exclusive', () => {
  it('lets one in at a time, over all who opened the cell, whatever becomes of the one before', async () => {
    const files = store();
    const order: string[] = [];
    let release: () => void = () => undefined;
    const first = files.open('a').exclusive(async () => {
      order.push('first in');
      await new Promise<void>((resolve) => (release = resolve));
      order.push('first out');
      throw new Error('no');
    });
    const second = files.open('a').exclusive(async () => order.push('second'));
    await eventually(() => order.length === 1, 'the first to be in');
    const elsewhere = files.open('b').exclusive(async () => order.push('elsewhere'));
    await elsewhere;
    release();
    await expect(first).rejects.toThrow('no');
    expect(await second).toBe(4);
    expect(order).toEqual(['first in', 'elsewhere', 'first out', 'second']);
  });
});

describe('a process that is killed', () => {
  /** The number of a value, over and over: one that is not whole, or made of two, is told at once. */
  const digits = 8;
  const times = 7_500;

  /** Writes value after value, and says so; killed as soon as it said so `count` times, in the middle of the next. */
  async function writeUntilKilled(count: number): Promise<void> {
    const module = JSON.stringify(new URL('../../src/state/secret-disk.ts', import.meta.url).href);
    const script = `
      import { secretFolder } from ${module};
      const disk = secretFolder(${JSON.stringify(directory)}, { wallTime: () => Date.now() });
      for (let turn = 0; ; turn += 1) {
        const value = String(turn).padStart(${digits}, '0').repeat(${times});
        await disk.write(${JSON.stringify(hashOf('a'))}, value);
        process.stdout.write('written\\n');
      }`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const gone = new Promise((resolve) => child.once('exit', resolve));
    let seen = 0;
    createInterface({ input: child.stdout }).on('line', () => {
      seen += 1;
      if (seen === count) child.kill('SIGKILL');
    });
    await gone;
    expect(child.signalCode).toBe('SIGKILL');
  }

  it('leaves a whole value, however often', async () => {
    for (const count of [1, 2, 3, 5, 8]) {
      await writeUntilKilled(count);
      const value = (await store().open('a').read()) ?? '';
      const number = value.slice(0, digits);
      expect(value).toBe(number.repeat(times));
      // At least as new as the last that was told; before the signal comes, any number of others may be written.
      expect(Number(number)).toBeGreaterThanOrEqual(count - 1);
    }
  });

  it('leaves nothing that stays: what is ten minutes old is removed', async () => {
    mkdirSync(directory, { recursive: true });
    const half = `${createHash('sha256').digest('hex')}.0123456789abcdef.tmp`;
    const [old, young, foreign] = [half, half.replace('0123', '4567'), 'notes.tmp'].map((name) =>
      join(directory, name),
    );
    for (const path of [old, young, foreign]) writeFileSync(path ?? '', 'half');
    const eleven = new Date(clock.wallTime() - 660_000);
    for (const path of [old, foreign]) utimesSync(path ?? '', eleven, eleven);
    await store().open('a').write('t');
    expect([old, young, foreign].map((path) => existsSync(path ?? ''))).toEqual([false, true, true]);
  });
});

it('a server that only starts and ends keeps no state', async () => {
  const sluice = await startSluice();
  const state = `${sluice.folder}-state`;
  await sluice.drain();
  expect(existsSync(state)).toBe(false);
  await sluice.close().catch(() => undefined);
});
