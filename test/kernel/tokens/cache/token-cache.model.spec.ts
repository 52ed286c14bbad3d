import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Clock } from '../../../../src/kernel/clock.ts';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { anonymousCaller } from '../../../../src/kernel/run.ts';
import { TokenCache } from '../../../../src/kernel/tokens/cache/token-cache.ts';
import { tokenUnavailable } from '../../../../src/kernel/tokens/token-failure.ts';
import type { Credential } from '../../../../src/kernel/tokens/token-provider.ts';
import { scriptedLink, type ScriptedLink } from '../../../support/scripted-link.ts';
import { LogCapture, MeterCapture } from '../../../support/log-capture.ts';
import { turn } from '../../../support/turn.ts';

/*
 * A token cache under everything that can happen to it, in any order: what must hold is looked at after each step. The
 * model knows no states of the cache, only what was given, refused and asked, and when.
 */

const failureTtl = 1_000;
const longestCall = 25_000;

interface Given {
  readonly credential: Credential;
  /** When it came; not when it was asked for. */
  readonly at: number;
}

interface Waiting {
  outcome: 'open' | 'token' | 'failure' | 'left';
}

interface Model {
  /** The newest token that was given, unless it was rightly let go. */
  newest: Given | undefined;
  isDisposed: boolean;
}

/** The cache of one subject with its provider, and all that was seen. */
class Subject {
  now = 1_000;
  timer: { readonly dueAt: number; readonly callback: () => void } | undefined;
  readonly meter = new MeterCapture();
  readonly script: ScriptedLink;
  readonly ending = new AbortController();
  readonly cache: TokenCache;
  readonly waiting: Waiting[] = [];
  readonly failedAt: number[] = [];
  readonly old: Credential[] = [];
  /** What was found wrong where no step waits for it. */
  readonly errors: unknown[] = [];

  constructor(ttl: number | undefined, random: number) {
    const after: Clock['after'] = (delay, callback) => {
      // Nothing else happens in a cache by itself.
      expect([delay, this.timer]).toEqual([longestCall, undefined]);
      this.timer = { dueAt: this.now + delay, callback };
      return { cancel: () => void (this.timer = undefined) };
    };
    const every = (): never => {
      throw new Error('a timer was started');
    };
    const clock: Clock = { now: () => this.now, wallTime: () => 0, after, every };
    this.script = scriptedLink({ clock, log: new LogCapture() });
    this.cache = new TokenCache({
      link: this.script.link,
      rules: { skew: 60_000, refreshAt: 0.8, failureTtl, ...(ttl !== undefined && { ttl }) },
      clock,
      meter: this.meter,
      signal: this.ending.signal,
      inNoRun: AsyncLocalStorage.snapshot(),
      random: () => random,
    });
  }

  isAlive({ credential, at }: Given, ttl: number | undefined): boolean {
    const ends = [credential.expiresAt ?? at + (ttl ?? 300_000), ttl === undefined ? Infinity : at + ttl];
    return this.now < Math.min(...ends);
  }
}

interface Real {
  readonly subjects: readonly Subject[];
  readonly ttl: number | undefined;
}

interface SharedModel {
  readonly subjects: readonly Model[];
}

type Step = fc.AsyncCommand<SharedModel, Real>;
type Act = (subject: Subject, model: Model, ttl: number | undefined) => void | Promise<void>;

/** A step of one subject, with all that must hold after it for both. */
function step(name: string, index: number, act: Act): Step {
  return {
    check: () => true,
    async run(model, real) {
      const subject = real.subjects[index];
      const own = model.subjects[index];
      if (subject === undefined || own === undefined) throw new Error('there is no such subject');
      await act(subject, own, real.ttl);
      await turn();
      real.subjects.forEach(checkAlways);
    },
    toString: () => `${name}#${index}`,
  };
}

function checkAlways({ script, waiting, failedAt, timer }: Subject): void {
  const open = script.open.length;
  expect(timer !== undefined).toBe(open > 0);
  expect(open).toBeLessThanOrEqual(1);
  // Whoever waits does so for a call that is under way.
  expect(open === 0 && waiting.some(({ outcome }) => outcome === 'open')).toBe(false);
  // Behind a failure there is quiet.
  const newest = script.calls.at(-1)?.at ?? 0;
  expect(failedAt.some((at) => newest > at && newest < at + failureTtl)).toBe(false);
}

const ask =
  (signal: AbortSignal): Act =>
  async (subject, model, ttl) => {
    const { cache, waiting, script, failedAt } = subject;
    const isAlive = (): boolean => model.newest !== undefined && subject.isAlive(model.newest, ttl);
    const callsBefore = script.calls.length;
    const isQuiet = failedAt.some((at) => subject.now - at < failureTtl);
    const entry: Waiting = { outcome: 'open' };
    waiting.push(entry);
    const settle = (credential: Credential): void => {
      entry.outcome = 'token';
      expect(subject.now).toBeLessThan(credential.expiresAt ?? Infinity);
      // Never one that was let go, or that a newer one has replaced.
      expect(credential).toBe(model.newest?.credential);
    };
    const fail = (error: unknown): void => {
      entry.outcome = signal.aborted ? 'left' : 'failure';
      expect(error).toBeInstanceOf(SluiceError);
      // A token that lives is not lost through a failure.
      expect(isAlive() && !signal.aborted && !model.isDisposed).toBe(false);
    };
    try {
      const answer = cache.getToken({ caller: anonymousCaller, presented: () => undefined, signal });
      if (answer instanceof Promise) answer.then(settle, fail).catch((error: unknown) => subject.errors.push(error));
      else settle(answer);
    } catch (error) {
      fail(error);
    }
    expect(script.calls.length - callsBefore).toBeLessThanOrEqual(model.isDisposed ? 0 : 1);
    // As soon as it may be, the provider is asked.
    if (!isAlive() && !isQuiet && !model.isDisposed) expect(script.open).toHaveLength(1);
    await turn();
  };

const stays = new AbortController().signal;

const answer =
  (lifetime: number | undefined): Act =>
  (subject, model) => {
    const [call] = subject.script.open;
    if (call === undefined) return;
    const credential = call.give(lifetime);
    const at = subject.now;
    if (credential.expiresAt !== undefined && credential.expiresAt <= at) {
      subject.failedAt.push(at);
      return;
    }
    if (model.newest !== undefined) subject.old.push(model.newest.credential);
    model.newest = { credential, at };
  };

const fail: Act = (subject) => {
  const [call] = subject.script.open;
  if (call === undefined) return;
  subject.failedAt.push(subject.now);
  call.fail(tokenUnavailable('the token server refused'));
};

const advance =
  (milliseconds: number): Act =>
  async (subject) => {
    const end = subject.now + milliseconds;
    const due = subject.timer;
    if (due !== undefined && due.dueAt <= end) {
      subject.now = due.dueAt;
      subject.failedAt.push(subject.now);
      due.callback();
      await turn();
    }
    subject.now = end;
  };

const refuseNewest: Act = (subject, model) => {
  if (model.newest === undefined) return;
  const { credential, at } = model.newest;
  const outcome = subject.cache.refuse(credential);
  if (subject.now - at < failureTtl) return expect(outcome).toBe('kept');
  expect(outcome).toBe('dropped');
  subject.old.push(credential);
  model.newest = undefined;
};

const refuseOld: Act = ({ cache, old }) => {
  for (const credential of old) expect(cache.refuse(credential)).toBe('other');
};

const leave: Act = async (subject, model, ttl) => {
  const leaving = new AbortController();
  await ask(leaving.signal)(subject, model, ttl);
  const { open } = subject.script;
  leaving.abort(new SluiceError('CLIENT_GONE'));
  await turn();
  expect(subject.script.open).toEqual(open);
};

const dispose: Act = (subject, model) => {
  model.isDisposed = true;
  subject.ending.abort(new SluiceError('DRAINING'));
};

const index = fc.nat({ max: 1 });
const lifetimes = fc.oneof(
  fc.constant(undefined),
  fc.integer({ min: 1, max: 5_000 }),
  fc.integer({ min: 1, max: 4_000_000 }),
);
const spans = fc.oneof(
  fc.integer({ min: 0, max: 2_000 }),
  fc.integer({ min: 0, max: 90_000 }),
  fc.integer({ min: 0, max: 4_000_000 }),
);
const always = (name: string, act: Act): fc.Arbitrary<Step> => index.map((at) => step(name, at, act));
const steps = [
  always('ask', ask(stays)),
  always('ask', ask(stays)),
  fc.tuple(index, lifetimes).map(([at, lifetime]) => step(`answer(${lifetime})`, at, answer(lifetime))),
  fc.tuple(index, lifetimes).map(([at, lifetime]) => step(`answer(${lifetime})`, at, answer(lifetime))),
  fc.tuple(index, spans).map(([at, span]) => step(`advance(${span})`, at, advance(span))),
  fc.tuple(index, spans).map(([at, span]) => step(`advance(${span})`, at, advance(span))),
  always('fail', fail),
  always('refuse the newest', refuseNewest),
  always('refuse old ones', refuseOld),
  always('leave', leave),
  fc
    .tuple(index, fc.nat({ max: 9 }))
    .map(([at, luck]) => (luck === 0 ? step('dispose', at, dispose) : step('ask', at, ask(stays)))),
];

/** What is still open ends with the cache. */
async function checkEnd(subject: Subject): Promise<void> {
  const { ending, waiting, script, meter, errors } = subject;
  ending.abort(new SluiceError('DRAINING'));
  await turn();
  expect(waiting.filter(({ outcome }) => outcome === 'open')).toEqual([]);
  expect(script.open).toEqual([]);
  expect(meter.value('token_refreshes')).toBe(script.calls.length);
  expect(meter.value('token_refresh_failures')).toBe(subject.failedAt.length);
  expect(errors).toEqual([]);
}

const newModel = (): Model => ({ newest: undefined, isDisposed: false });

describe('a token cache', () => {
  it('holds its promises whatever happens in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.commands(steps, { maxCommands: 100, size: 'max' }),
        fc.option(fc.integer({ min: 1_000, max: 600_000 }), { nil: undefined }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        async (commands, ttl, random) => {
          const subjects = [new Subject(ttl, random), new Subject(ttl, random)];
          const real = { subjects, ttl };
          await fc.asyncModelRun(
            () => ({
              model: { subjects: subjects.map(newModel) },
              real,
            }),
            commands,
          );
          for (const subject of subjects) await checkEnd(subject);
        },
      ),
    );
  }, 120_000);
});
