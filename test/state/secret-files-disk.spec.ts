import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { hashOf } from '../../src/kernel/tokens/hash-of.ts';
import { NumberMeter } from '../../src/observability/meter.ts';
import { maxValueBytes, secretFolder, type KeptValue, type SecretDisk } from '../../src/state/secret-disk.ts';
import { SecretFiles } from '../../src/state/secret-files.ts';
import { LogCapture } from '../support/log-capture.ts';
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

describe('a disk that refuses', () => {
  /** Fails as long as it is told to. */
  function flaky(): SecretDisk & { reason: string | undefined; tries: number } {
    const inner = secretFolder(directory, clock);
    return {
      reason: 'ENOSPC',
      tries: 0,
      read(name, known) {
        return inner.read(name, known);
      },
      async write(name, value) {
        this.tries += 1;
        if (this.reason !== undefined) throw Object.assign(new Error('the disk'), { code: this.reason });
        return inner.write(name, value);
      },
    };
  }

  it('is tried again after 1 s, then twice as long each time, up to a minute', async () => {
    const disk = flaky();
    const cell = store(disk).open('a');
    await cell.write('t');
    expect([disk.tries, await cell.read()]).toEqual([1, 't']);
    for (const [seconds, tries] of [1, 2, 4, 8, 16, 32, 60, 60].entries()) {
      await clock.advance(tries * 1_000 - 1);
      expect(disk.tries).toBe(seconds + 1);
      await clock.advance(1);
      expect(disk.tries).toBe(seconds + 2);
    }
    expect([failures(), problems()]).toEqual([9, ['a secret can not be kept']]);
    disk.reason = undefined;
    await clock.advance(60_000);
    await eventually(() => log.messages('info').length > 0, 'the news');
    expect(await store().open('a').read()).toBe('t');
    expect(log.lines.at(-1)).toMatchObject({ level: 'info', message: 'secrets are kept again' });
    expect(JSON.stringify(log.lines)).not.toContain('"t"');
  });

  it('that fails anew is tried again after 1 s', async () => {
    const disk = flaky();
    const cell = store(disk).open('a');
    await cell.write('one');
    await clock.advance(1_000);
    disk.reason = undefined;
    await cell.write('two');
    disk.reason = 'ENOSPC';
    await cell.write('three');
    const { tries } = disk;
    await clock.advance(1_000);
    expect(disk.tries).toBe(tries + 1);
  });

  it('is said to work again when it has the newest value', async () => {
    const writes: PromiseWithResolvers<KeptValue>[] = [];
    const write = (): Promise<KeptValue> => {
      const next = Promise.withResolvers<KeptValue>();
      writes.push(next);
      return next.promise;
    };
    const cell = store({ read: async () => undefined, write }).open('a');
    const written = ['one', 'two', 'three'].map((value) => cell.write(value));
    await eventually(() => writes.length === 1, 'the first write');
    writes[0]?.reject(new Error('the disk'));
    await eventually(() => writes.length === 2, 'the second write');
    // The last value is in it already, but another one comes before it is there.
    const last = cell.write('four');
    writes[1]?.resolve({ value: 'three', stamp: '3' });
    await eventually(() => writes.length === 3, 'the third write');
    expect(log.messages('info')).toEqual([]);
    writes[2]?.resolve({ value: 'four', stamp: '4' });
    await Promise.all([...written, last]);
    expect(log.messages('info')).toEqual(['secrets are kept again']);
  });

  it('gets the newest value when it works again, at once when there is one', async () => {
    const disk = flaky();
    const cell = store(disk).open('a');
    await cell.write('one');
    await cell.write('two');
    disk.reason = undefined;
    await cell.write('three');
    expect([clock.pending, disk.tries, await store().open('a').read()]).toEqual([0, 3, 'three']);
  });

  it('is tried once more at the end', async () => {
    const disk = flaky();
    const files = store(disk);
    await files.open('a').write('t');
    disk.reason = undefined;
    await files.close();
    expect([await store().open('a').read(), clock.pending]).toEqual(['t', 0]);
  });

  it('to the end is told', async () => {
    const files = store(flaky());
    await files.open('a').write('t');
    await files.flush();
    await files.close();
    expect(problems()).toEqual(['a secret can not be kept', 'a secret is lost with the process']);
    expect(clock.pending).toBe(0);
  });

  it('is left alone after the end, when it refuses late', async () => {
    const late = Promise.withResolvers<never>();
    const files = store({ read: async () => undefined, write: () => late.promise });
    const written = files.open('a').write('t');
    const closed = files.close();
    await clock.advance(2_000);
    await Promise.all([written, closed]);
    late.reject(new Error('the disk'));
    await eventually(() => failures() > 1, 'the refusal');
    expect(clock.pending).toBe(0);
  });

  it('is left alone after the end, when what it refused was replaced by what is too large for it', async () => {
    const files = store(flaky());
    const cell = files.open('a');
    await cell.write('t');
    await cell.write('x'.repeat(maxValueBytes + 1));
    await files.close();
    expect(clock.pending).toBe(0);
  });

  it('is left without a half of a file where a folder stands in place of the file', async () => {
    mkdirSync(join(fileOf('a'), 'below'), { recursive: true });
    await store().open('a').write('t');
    expect([readdirSync(directory), problems()]).toEqual([[hashOf('a')], ['a secret can not be kept']]);
  });

  it('where a file stands in place of the folder too', async () => {
    directory = join(root, 'file');
    writeFileSync(directory, '');
    const cell = store().open('a');
    await cell.write('t');
    expect([await cell.read(), problems()]).toEqual(['t', ['a secret can not be kept']]);
    rmSync(directory);
    await clock.advance(1_000);
    await eventually(() => log.messages('info').length > 0, 'the news');
    expect(await store().open('a').read()).toBe('t');
  });
});

describe('a disk that does not answer', () => {
  interface Frozen extends SecretDisk {
    thaw(): void;
  }

  function frozen(kept?: KeptValue): Frozen {
    const waiting: (() => void)[] = [];
    const stop = (): Promise<void> => new Promise((resolve) => waiting.push(resolve));
    return {
      read: async () => stop().then(() => kept),
      write: async (_name, value) => stop().then(() => ({ value, stamp: value })),
      thaw: () => {
        for (const go of waiting.splice(0)) go();
      },
    };
  }

  it('keeps nobody who writes longer than two seconds', async () => {
    const disk = frozen();
    const cell = store(disk).open('a');
    const written = cell.write('t');
    await clock.advance(2_000);
    await written;
    expect([await cell.read(), failures(), problems()]).toEqual(['t', 1, ['a secret can not be kept']]);
    disk.thaw();
    await eventually(() => log.messages('info').length > 0, 'the news');
    expect(clock.pending).toBe(0);
  });

  it('keeps nobody who reads longer, with what memory has or with an error', async () => {
    const disk = frozen({ value: 'kept', stamp: '1' });
    const cell = store(disk).open('a');
    const early = expect(cell.read()).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    await clock.advance(2_000);
    await early;
    disk.thaw();
    const later = cell.read();
    disk.thaw();
    expect(await later).toBe('kept');
    const last = cell.read();
    await clock.advance(2_000);
    expect(await last).toBe('kept');
  });

  it('does not undo what is too large for it, when an older value arrives late', async () => {
    const disk = frozen();
    const cell = store(disk).open('a');
    const written = cell.write('old');
    await eventually(() => clock.pending === 1, 'the write');
    const large = 'x'.repeat(maxValueBytes + 1);
    await cell.write(large);
    disk.thaw();
    await written;
    const reading = cell.read();
    disk.thaw();
    expect((await reading)?.length).toBe(large.length);
  });

  it('does not undo what was written while it was read', async () => {
    const disk = frozen({ value: 'old', stamp: 'old' });
    const cell = store(disk).open('a');
    const reading = cell.read();
    const written = cell.write('new');
    await eventually(() => clock.pending === 2, 'both to wait');
    disk.thaw();
    await written;
    expect([await reading, failures()]).toEqual(['new', 0]);
  });
});
