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
/** So long before the end of a token a call that is under way may be waited for. */
const lastPart = 1_000;

interface Given {
  readonly credential: Credential;
  readonly askedAt: number;
  /** When it came. */
  readonly at: number;
  /** It is not used then or later. */
  readonly end: number;
  /** It came in the place of a refused one. */
  readonly isExchanged: boolean;
}

interface Waiting {
  /** What lived when it was asked for. */
  readonly old: Given | undefined;
  outcome: 'open' | 'token' | 'failure' | 'left';
}

interface ModelTimer {
  readonly isOfCall: boolean;
  readonly dueAt: number;
  readonly callback: () => void;
}

interface Model {
  /** The newest token that was given, unless it was rightly let go. */
  newest: Given | undefined;
  /** The last token was refused, so that the next one comes in its place. */
  isRefused: boolean;
  isDisposed: boolean;
}

/** The cache of one subject with its provider, and all that was seen. */
class Subject {
  now = 1_000;
  timers: ModelTimer[] = [];
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
      const isOfCall = delay === longestCall;
      // Nothing else happens in a cache by itself.
      expect(isOfCall ? this.timers.some((timer) => timer.isOfCall) : delay < 1 || delay > lastPart).toBe(false);
      const timer: ModelTimer = { isOfCall, dueAt: this.now + Math.trunc(delay), callback };
      this.timers.push(timer);
      return { cancel: () => this.take(timer) };
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

  take(taken: ModelTimer): void {
    this.timers = this.timers.filter((timer) => timer !== taken);
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
      real.subjects.forEach((one, at) => checkAlways(one, model.subjects[at]));
    },
    toString: () => `${name}#${index}`,
  };
}

function checkAlways({ script, waiting, failedAt, timers, now }: Subject, model: Model | undefined): void {
  const open = script.open.length;
  const waits = waiting.filter(({ outcome }) => outcome === 'open');
  expect(timers.filter(({ isOfCall }) => isOfCall)).toHaveLength(open);
  expect(timers.length - open).toBeLessThanOrEqual(waits.length);
  expect(open).toBeLessThanOrEqual(1);
  // Whoever waits does so for a call that is under way,
  expect(open === 0 && waits.length > 0).toBe(false);
  // and with a token that lives not to its end.
  expect(waits.some(({ old }) => old !== undefined && old === model?.newest && now >= old.end)).toBe(false);
  // Behind a failure there is quiet.
  const newest = script.calls.at(-1)?.at ?? 0;
  expect(failedAt.some((at) => newest > at && newest < at + failureTtl)).toBe(false);
}

const ask =
  (signal: AbortSignal): Act =>
  async (subject, model) => {
    const { cache, waiting, script, failedAt } = subject;
    const isAlive = (): boolean => model.newest !== undefined && subject.now < model.newest.end;
    const callsBefore = script.calls.length;
    const isQuiet = failedAt.some((at) => subject.now - at < failureTtl);
    const old = isAlive() ? model.newest : undefined;
    const entry: Waiting = { old, outcome: 'open' };
    waiting.push(entry);
    const settle = (credential: Credential): void => {
      entry.outcome = 'token';
      // Never one that was let go, that a newer one has replaced, or that is over.
      expect(credential).toBe(model.newest?.credential);
      expect(isAlive()).toBe(true);
    };
    const fail = (error: unknown): void => {
      entry.outcome = signal.aborted ? 'left' : 'failure';
      expect(error).toBeInstanceOf(SluiceError);
      // A token that lives is not lost through a failure.
      expect(isAlive() && !signal.aborted && !model.isDisposed).toBe(false);
    };
    let answer: Credential | Promise<Credential> | undefined;
    try {
      answer = cache.getToken({ caller: anonymousCaller, presented: () => undefined, signal });
      if (answer instanceof Promise) answer.then(settle, fail).catch((error: unknown) => subject.errors.push(error));
      else settle(answer);
    } catch (error) {
      fail(error);
    }
    // A token that lives is there at once: only in its last part may there be a wait.
    if (
      old !== undefined &&
      !model.isDisposed &&
      old.end - subject.now > Math.min(lastPart, (old.end - old.askedAt) / 2)
    )
      expect(answer).toBe(old.credential);
    expect(script.calls.length - callsBefore).toBeLessThanOrEqual(model.isDisposed ? 0 : 1);
    // As soon as it may be, the provider is asked.
    if (!isAlive() && !isQuiet && !model.isDisposed) expect(script.open).toHaveLength(1);
    await turn();
  };

const stays = new AbortController().signal;

const answer =
  (lifetime: number | undefined): Act =>
  (subject, model, ttl) => {
    const [call] = subject.script.open;
    if (call === undefined) return;
    const credential = call.give(lifetime);
    const at = subject.now;
    const end = Math.min(credential.expiresAt ?? at + (ttl ?? 300_000), at + (ttl ?? Infinity));
    if (credential.expiresAt !== undefined && credential.expiresAt <= at) {
      subject.failedAt.push(at);
      return;
    }
    if (model.newest !== undefined) subject.old.push(model.newest.credential);
    model.newest = { credential, askedAt: call.at, at, end, isExchanged: model.isRefused };
    model.isRefused = false;
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
    for (;;) {
      const [due] = subject.timers.toSorted((one, other) => one.dueAt - other.dueAt);
      if (due === undefined || due.dueAt > end) break;
      subject.take(due);
      subject.now = due.dueAt;
      if (due.isOfCall) subject.failedAt.push(subject.now);
      due.callback();
      await turn();
    }
    subject.now = end;
  };

/** Moves to so many milliseconds before the end of the token. */
const approach =
  (left: number): Act =>
  async (subject, model, ttl) => {
    const wait = (model.newest?.end ?? 0) - left - subject.now;
    if (wait >= 0) await advance(wait)(subject, model, ttl);
  };

const refuseNewest: Act = (subject, model) => {
  if (model.newest === undefined) return;
  const { credential, at, isExchanged } = model.newest;
  const outcome = subject.cache.refuse(credential);
  model.isRefused = true;
  if (isExchanged && subject.now - at < failureTtl) return expect(outcome).toBe('kept');
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
  fc.integer({ min: 0, max: 300 }),
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
  fc
    .tuple(index, fc.integer({ min: 0, max: 2_000 }))
    .map(([at, left]) => step(`approach(${left})`, at, approach(left))),
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

const newModel = (): Model => ({ newest: undefined, isRefused: false, isDisposed: false });

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
