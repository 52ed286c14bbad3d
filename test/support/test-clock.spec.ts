import { AsyncLocalStorage } from 'node:async_hooks';
import { createServer, connect, type AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { sleep } from '../../src/kernel/clock.ts';
import { Ticker } from '../../src/kernel/ticker.ts';
import { TestClock } from './test-clock.ts';

describe('TestClock', () => {
  it('fires what falls due, in order, with the time that each was due at', async () => {
    const clock = new TestClock({ start: 0 });
    const fired: string[] = [];
    const note = (name: string) => (): void => void fired.push(`${name} ${clock.now()}`);
    clock.after(30, note('c'));
    clock.after(10, note('a'));
    clock.after(10, note('b'));
    clock.after(31, note('later'));
    const pulse = clock.every(12, note('pulse'));
    await clock.advance(30);
    expect(fired).toEqual(['a 10', 'b 10', 'pulse 12', 'pulse 24', 'c 30']);
    pulse.cancel();
    expect(clock.pending).toBe(1);
    await clock.advance(1);
    expect(fired.at(-1)).toBe('later 31');
    expect(clock.pending).toBe(0);
  });

  it('fires every timer once and never early, however time is cut', async () => {
    const delays = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 20 });
    const cuts = fc.array(fc.integer({ min: 0, max: 200 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(delays, cuts, async (list, steps) => {
        const clock = new TestClock({ start: 0, turns: 1 });
        const fired: number[] = [];
        list.forEach((delay, index) =>
          clock.after(delay, () => {
            expect(clock.now()).toBe(Math.max(1, delay));
            fired.push(index);
          }),
        );
        for (const step of steps) await clock.advance(step);
        const end = steps.reduce((sum, step) => sum + step, 0);
        const due = [...list.keys()].filter((index) => Math.max(1, list[index] ?? 0) <= end);
        expect(fired).toEqual(
          due.sort((left, right) => Math.max(1, list[left] ?? 0) - Math.max(1, list[right] ?? 0) || left - right),
        );
        expect(clock.pending).toBe(list.length - due.length);
        expect(clock.now()).toBe(end);
      }),
      { numRuns: 25 },
    );
  });

  it('fires timers that a timer starts, and not one that a timer of the same time cancels', async () => {
    const clock = new TestClock();
    const fired: string[] = [];
    clock.after(10, () => {
      fired.push('first');
      second.cancel();
      clock.after(5, () => void fired.push('started by the first'));
    });
    const second = clock.after(10, () => void fired.push('second'));
    await clock.advance(15);
    expect(fired).toEqual(['first', 'started by the first']);
  });

  it('lets promises settle between two timers of one time', async () => {
    const clock = new TestClock();
    const order: string[] = [];
    void sleep(clock, 10, new AbortController().signal)
      .then(() => order.push('slept'))
      .then(() => order.push('went on'));
    clock.after(10, () => void order.push('timer'));
    await clock.advance(10);
    expect(order).toEqual(['slept', 'went on', 'timer']);
  });

  it('lets sockets be served before time moves, so that a timer which an answer sets is counted from then', async () => {
    const clock = new TestClock({ start: 0 });
    const times: number[] = [];
    const server = createServer((socket) => socket.on('data', () => clock.after(100, () => socket.end('late'))));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1', () => client.write('now'));
    client.on('data', () => times.push(clock.now()));
    await clock.advance(99);
    expect(times).toEqual([]);
    await clock.advance(1);
    expect(times).toEqual([100]);
    server.close();
  });

  it('names the place that started a pending timer', async () => {
    const clock = new TestClock({ start: 0 });
    const ticker = new Ticker(clock);
    const stop = new AbortController();
    const slept = sleep(clock, 5_000, stop.signal).catch(() => 'woken');
    const watched = { onTick: (): void => undefined, onTickFailure: (): void => undefined };
    ticker.watch(watched);
    expect(clock.pendingTimers()).toEqual([
      { kind: 'every', dueAt: 100, label: expect.stringMatching(/^ticker\.ts:\d+$/) },
      { kind: 'after', dueAt: 5_000, label: expect.stringMatching(/^test-clock\.spec\.ts:\d+$/) },
    ]);
    ticker.unwatch(watched);
    stop.abort();
    await slept;
    expect(clock.pending).toBe(0);
  });

  it('runs a callback in the async context that started it', async () => {
    const clock = new TestClock();
    const context = new AsyncLocalStorage<string>();
    const seen: (string | undefined)[] = [];
    for (const name of ['a', 'b']) context.run(name, () => clock.after(1, () => void seen.push(context.getStore())));
    await context.run('the test', () => clock.advance(1));
    expect(seen).toEqual(['a', 'b']);
  });

  it('moves the wall clock alone when it jumps', async () => {
    const clock = new TestClock({ start: 5, wallTime: 1_000_000 });
    let fired = false;
    clock.after(1_000, () => (fired = true));
    clock.jump(3_600_000);
    await clock.advance(0);
    expect([clock.now(), clock.wallTime(), fired]).toEqual([5, 4_600_000, false]);
    clock.jump(-7_200_000);
    await clock.advance(10);
    expect([clock.now(), clock.wallTime()]).toEqual([15, 1_000_000 + 10 - 3_600_000]);
  });

  it('steps until a condition holds, and says what waits when it never does', async () => {
    const clock = new TestClock();
    let ready = false;
    clock.after(250, () => (ready = true));
    expect(await clock.advanceUntil(() => ready, 100, 1_000)).toBe(300);
    clock.after(9_000, () => undefined);
    await expect(clock.advanceUntil(() => false, 100, 250)).rejects.toThrow(
      /after 250 ms; pending: after test-clock\.spec\.ts:\d+ in \d+ ms/,
    );
  });

  it('hands on what a callback throws, after the others have fired', async () => {
    const clock = new TestClock();
    let fired = false;
    clock.after(1, () => {
      throw new Error('broken');
    });
    clock.after(2, () => (fired = true));
    await expect(clock.advance(5)).rejects.toThrow('broken');
    expect(fired).toBe(true);

    const thrown: unknown[] = [];
    const lenient = new TestClock({ onThrow: (error) => thrown.push(error) });
    lenient.after(1, () => {
      throw new Error('noted');
    });
    await lenient.advance(1);
    expect(thrown).toEqual([new Error('noted')]);
  });

  it.each([
    ['a delay that Node would cut to 1 ms', (clock: TestClock) => clock.after(2 ** 31, () => undefined), RangeError],
    ['a delay that is no number', (clock: TestClock) => clock.every(Number.NaN, () => undefined), RangeError],
  ])('refuses %s', (_name, act, type) => {
    expect(() => act(new TestClock())).toThrow(type);
  });

  it('refuses to be moved twice at once, or backwards', async () => {
    const clock = new TestClock();
    const first = clock.advance(1);
    await expect(clock.advance(1)).rejects.toThrow('already being moved');
    await first;
    await expect(clock.advance(-1)).rejects.toThrow(RangeError);
  });
});
