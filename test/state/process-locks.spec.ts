import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NumberMeter } from '../../src/observability/meter.ts';
import { lockFolder, noLocks, ProcessLocks, type LockFolder } from '../../src/state/process-locks.ts';
import { LogCapture } from '../support/log-capture.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually } from '../support/turn.ts';

let clock: TestClock;
let log: LogCapture;
let meter: NumberMeter;

beforeEach(() => {
  clock = new TestClock();
  log = new LogCapture();
  meter = new NumberMeter();
});

const locksOf = (locks: LockFolder, random = 0): ProcessLocks =>
  new ProcessLocks({ locks, clock, log, meter, random: () => random });
const warnings = (): readonly string[] => log.messages('warn');
const failures = (): number => meter.value('secret_lock_failures');
const withoutLock = 'a kept secret is used without its lock';

describe('a lock that another process has', () => {
  /** Taken by somebody else as long as it is told to be. */
  function busy(): LockFolder & { isTaken: boolean; tries: number; held: number } {
    return {
      isTaken: true,
      tries: 0,
      held: 0,
      async take() {
        this.tries += 1;
        if (this.isTaken) return undefined;
        this.held += 1;
        return () => {
          this.held -= 1;
        };
      },
    };
  }

  it.each([
    [0, 20],
    [0.5, 60],
    [1, 100],
  ])('is asked for again after 20 to 100 ms: chance %d, %d ms', async (random, milliseconds) => {
    const folder = busy();
    const done = locksOf(folder, random).hold('a', async () => folder.held);
    for (const tries of [1, 2, 3]) {
      await clock.advance(milliseconds - 1);
      expect(folder.tries).toBe(tries);
      await clock.advance(1);
      expect(folder.tries).toBe(tries + 1);
    }
    folder.isTaken = false;
    await clock.advance(100);
    expect(await done).toBe(1);
    expect([folder.held, failures(), log.lines, clock.pending]).toEqual([0, 0, [], 0]);
  });

  it('is waited for 10 s; then the action goes on without it, which is told once and counted each time', async () => {
    const folder = busy();
    const locks = locksOf(folder, 0.3);
    let done = false;
    const hold = async (): Promise<void> => locks.hold('cell', async () => void (done = true));
    const first = hold();
    await clock.advance(9_999);
    expect(done).toBe(false);
    await clock.advance(1);
    await first;
    expect(log.lines).toMatchObject([
      {
        level: 'warn',
        message: withoutLock,
        fields: { cell: 'cell', reason: 'Error: another process has had it for 10000 ms' },
      },
    ]);
    expect([done, failures(), clock.pending]).toEqual([true, 1, 0]);
    // The other one may be frozen for hours.
    done = false;
    const second = hold();
    await clock.advance(999);
    expect(done).toBe(false);
    await clock.advance(1);
    await second;
    expect([done, failures(), warnings().length]).toEqual([true, 2, 1]);

    folder.isTaken = false;
    await hold();
    expect([log.messages('info'), failures()]).toEqual([['a kept secret has its lock again'], 2]);
    folder.isTaken = true;
    done = false;
    const last = hold();
    await clock.advance(9_999);
    expect(done).toBe(false);
    await clock.advance(1);
    await last;
    expect([failures(), warnings().length]).toEqual([3, 2]);
  });

  it('is another one for another name', async () => {
    const locks = locksOf({ take: async (name) => (name === 'free' ? () => undefined : undefined) });
    const waits = locks.hold('taken', async () => 'late');
    expect(await locks.hold('free', async () => 'now')).toBe('now');
    await clock.advance(10_000);
    expect(await waits).toBe('late');
  });
});

describe('a lock that can not be had', () => {
  it('is done without at once, whatever becomes of the action', async () => {
    const locks = locksOf({ take: () => Promise.reject(Object.assign(new Error('no'), { code: 'EROFS' })) });
    expect(await locks.hold('a', async () => 1)).toBe(1);
    await expect(locks.hold('a', () => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
    expect(await locks.hold('b', async () => 2)).toBe(2);
    expect(log.lines.map(({ fields }) => fields)).toEqual([
      { cell: 'a', reason: 'EROFS: no' },
      { cell: 'b', reason: 'EROFS: no' },
    ]);
    expect([failures(), clock.pending]).toEqual([3, 0]);
  });

  it('is waited for 2 s where the disk does not answer, and given back where it comes later', async () => {
    const late = Promise.withResolvers<() => void>();
    let held = 1;
    const done = locksOf({ take: () => late.promise }).hold('a', async () => 'done');
    await clock.advance(2_000);
    expect([await done, held, warnings()]).toEqual(['done', 1, [withoutLock]]);
    late.resolve(() => (held -= 1));
    await eventually(() => held === 0, 'the lock to be given back');
    expect(clock.pending).toBe(0);
  });

  it('is no matter where there are none', async () => {
    expect(await locksOf(noLocks).hold('a', async () => 1)).toBe(1);
    expect([failures(), log.lines]).toEqual([0, []]);
  });
});

describe('a folder of locks', () => {
  let root: string;
  let directory: string;

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sluice-locks-'));
    directory = join(root, 'below', 'state');
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('gives each lock to one at a time, and again when it is back', async () => {
    const [one, other] = [lockFolder(directory), lockFolder(directory)];
    const release = await one.take('a');
    expect([await other.take('a'), await one.take('a')]).toEqual([undefined, undefined]);
    (await other.take('b'))?.();
    release?.();
    const again = await other.take('a');
    expect([typeof again, await one.take('a')]).toEqual(['function', undefined]);
    again?.();
  });

  it('has one empty file for each, for this user alone', async () => {
    const folder = lockFolder(directory);
    const release = await folder.take('a');
    expect(readdirSync(directory)).toEqual(['a.lock']);
    release?.();
    (await folder.take('a'))?.();
    const { mode, size } = statSync(join(directory, 'a.lock'));
    expect([mode & 0o777, size, statSync(directory).mode & 0o777, readdirSync(directory)]).toEqual([
      0o600,
      0,
      0o700,
      ['a.lock'],
    ]);
  });

  it('has never two who hold one, however they come and go', async () => {
    const move = fc.record({ who: fc.nat(2), what: fc.constantFrom('a', 'b') });
    await fc.assert(
      fc.asyncProperty(fc.array(move, { maxLength: 30 }), async (moves) => {
        const folders = [0, 1, 2].map(() => lockFolder(directory));
        const held = new Map<string, { readonly who: number; readonly release: () => void }>();
        for (const { who, what } of moves) {
          const holder = held.get(what);
          if (holder?.who === who) {
            holder.release();
            held.delete(what);
            continue;
          }
          const release = await folders[who]?.take(what);
          expect(release === undefined).toBe(holder !== undefined);
          if (release !== undefined) held.set(what, { who, release });
        }
        for (const { release } of held.values()) release();
      }),
      { numRuns: 30 },
    );
  });

  it.each<readonly [string, (path: string) => unknown]>([
    ['a link to a file', (path) => symlinkSync(join(root, 'target'), path)],
    ['a link to nothing', (path) => symlinkSync(join(root, 'nothing'), path)],
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe', (path) => execFileSync('mkfifo', [path])],
    ['a file of something else', (path) => writeFileSync(path, 'no database '.repeat(100))],
  ])('goes without where %s is in its place, and leaves that alone', async (_what, make) => {
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(root, 'target'), 'as it was');
    make(join(directory, 'a.lock'));
    expect(await locksOf(lockFolder(directory)).hold('a', async () => 'done')).toBe('done');
    expect([failures(), warnings(), readdirSync(directory)]).toEqual([1, [withoutLock], ['a.lock']]);
    expect(statSync(join(root, 'target')).size).toBe(9);
    expect(log.text()).not.toContain('no database ');
  });

  it('goes without where a file is in the place of the folder, until it is gone', async () => {
    directory = join(root, 'file');
    writeFileSync(directory, '');
    const locks = locksOf(lockFolder(directory));
    for (const turn of [1, 2]) expect(await locks.hold('a', async () => turn)).toBe(turn);
    expect([failures(), warnings()]).toEqual([2, [withoutLock]]);
    rmSync(directory);
    await locks.hold('a', async () => undefined);
    expect([readdirSync(directory), log.messages('info')]).toEqual([['a.lock'], ['a kept secret has its lock again']]);
  });
});
