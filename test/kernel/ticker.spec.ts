import { describe, expect, it } from '@jest/globals';
import { currentRun, type RunScope } from '../../src/kernel/run.ts';
import { Ticker, type Watched } from '../../src/kernel/ticker.ts';
import { TestClock } from '../support/test-clock.ts';

const scope = (runId: string): RunScope => ({ runId, fail: () => undefined });

interface Told extends Watched {
  readonly ticks: number[];
  readonly failures: unknown[];
}

/** Notes what it is told; `onTick` may do more. */
function watching(onTick: () => void = () => undefined): Told {
  const ticks: number[] = [];
  const failures: unknown[] = [];
  return {
    ticks,
    failures,
    onTick(now) {
      ticks.push(now);
      onTick();
    },
    onTickFailure: (error) => void failures.push(error),
  };
}

function failing(error: Error): Told {
  return watching(() => {
    throw error;
  });
}

describe('one interval for all deadlines', () => {
  it('runs while something is watched, with the time of the clock', async () => {
    const clock = new TestClock({ start: 1_000 });
    const ticker = new Ticker(clock);
    const one = watching();
    const other = watching();
    ticker.watch(one);
    ticker.watch(other);
    expect(clock.pendingTimers().map(({ kind, dueAt }) => [kind, dueAt])).toEqual([['every', 1_100]]);
    await clock.advance(250);
    ticker.unwatch(one);
    await clock.advance(100);
    expect([one.ticks, other.ticks]).toEqual([
      [1_100, 1_200],
      [1_100, 1_200, 1_300],
    ]);
    ticker.unwatch(other);
    expect([clock.pending, ticker.size]).toEqual([0, 0]);
  });

  it('begins anew for the next one, and takes an end twice', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const watched = watching();
    for (let round = 0; round < 3; round += 1) {
      ticker.watch(watched);
      await clock.advance(100);
      ticker.unwatch(watched);
      ticker.unwatch(watched);
    }
    expect([watched.ticks.length, clock.pending]).toEqual([3, 0]);
  });

  it('may be left, and joined, during a tick', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const late = watching();
    const leaving: Told = watching(() => {
      ticker.unwatch(leaving);
      ticker.watch(late);
    });
    ticker.watch(leaving);
    await clock.advance(300);
    expect(leaving.ticks.length).toBe(1);
    expect(late.ticks.length).toBeGreaterThanOrEqual(2);
  });
});

describe('a tick that throws', () => {
  const broken = new Error('broken');

  it.each([0, 1, 2])('does not keep the others from theirs (place %d of 3)', async (place) => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const bad = failing(broken);
    const good = [watching(), watching()];
    for (const watched of good.toSpliced(place, 0, bad)) ticker.watch(watched);
    await clock.advance(300);
    expect(good.map(({ ticks, failures }) => [ticks.length, failures])).toEqual([
      [3, []],
      [3, []],
    ]);
    expect([bad.ticks.length, bad.failures]).toEqual([1, [broken]]);
    expect(ticker.size).toBe(2);
  });

  it('is told to each that failed, and to nobody else', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const errors = [new Error('first'), new Error('second')];
    const failed = errors.map(failing);
    for (const watched of failed) ticker.watch(watched);
    await clock.advance(100);
    expect(failed.map(({ failures }) => failures)).toEqual(errors.map((error) => [error]));
  });

  it('leaves no timer behind when it was the last one', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const bad = failing(broken);
    ticker.watch(bad);
    await clock.advance(1_000);
    expect([bad.ticks.length, bad.failures.length, clock.pending]).toEqual([1, 1, 0]);
  });
});

describe('the context of a tick', () => {
  it('is that of no run, though a run started the interval', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const seen: (string | undefined)[] = [];
    const note = (): void => void seen.push(currentRun.getStore()?.runId);
    currentRun.run(scope('first'), () => ticker.watch(watching(note)));
    currentRun.run(scope('second'), () => ticker.watch(watching(note)));
    await clock.advance(100);
    expect(seen).toEqual([undefined, undefined]);
  });

  it('is that of no run either when a run was the first after a rest', async () => {
    const clock = new TestClock();
    const ticker = new Ticker(clock);
    const seen: (string | undefined)[] = [];
    for (const run of ['one', 'two']) {
      const watched = watching(() => void seen.push(currentRun.getStore()?.runId));
      currentRun.run(scope(run), () => ticker.watch(watched));
      await clock.advance(100);
      ticker.unwatch(watched);
    }
    expect(seen).toEqual([undefined, undefined]);
  });
});
