import { describe, expect, it } from '@jest/globals';
import fc, { type Scheduler } from 'fast-check';
import type { HttpCall, HttpCaller } from '../../../../src/kernel/http-caller.ts';
import type { SecretStore } from '../../../../src/kernel/secret-store.ts';
import type { TokenProvider } from '../../../../src/kernel/tokens/token-provider.ts';
import { oauth2RefreshTokenTokenProvider } from '../../../../src/tokens/oauth2-refresh-token.ts';
import { fakeRun } from '../../../support/chat-run.ts';
import { TestClock } from '../../../support/test-clock.ts';
import { secretOf } from '../../../support/token-outcomes.ts';

/*
 * Refresh tokens that count once, in every order in which requests, answers, reads and writes may come to pass: a
 * token that has a successor is never sent by somebody who could know, and the newest is never lost.
 */

/**
 * What the server does with a good refresh token. `useless`: the access token is no token, but the refresh token is
 * new. `lost`: it rotates, and the answer never arrives.
 */
type Outcome = 'rotates' | 'keeps' | 'is down' | 'useless' | 'lost';
const outcomes = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant<Outcome>('rotates') },
    { weight: 4, arbitrary: fc.constantFrom<Outcome>('keeps', 'is down', 'useless') },
    { weight: 1, arbitrary: fc.constant<Outcome>('lost') },
  ),
  { maxLength: 24 },
);

interface Sent {
  readonly process: number;
  readonly token: string;
  /** The newest that any answer had brought when it was sent. */
  readonly newest: string;
}

const nameOf = (generation: number): string => (generation === 0 ? 'first' : `rotated-${generation}`);
const generationOf = (token: string | undefined): number =>
  token === undefined || token === 'first' ? 0 : Number(token.slice('rotated-'.length));

/** A token server that gives away a refresh token once. */
class OneTimeServer {
  readonly sent: Sent[] = [];
  readonly together: number[] = [];
  /** The newest refresh token that arrived at anybody. */
  newest = 'first';
  readonly #scheduler: Scheduler;
  readonly #script: Outcome[];
  readonly #underWay = new Map<number, number>();
  #generation = 0;

  constructor(scheduler: Scheduler, script: readonly Outcome[]) {
    this.#scheduler = scheduler;
    this.#script = [...script];
  }

  reachedFrom(process: number): HttpCaller {
    return {
      call: async ({ body = '' }: HttpCall) => {
        const token = new URLSearchParams(body).get('refresh_token') ?? '';
        const underWay = (this.#underWay.get(process) ?? 0) + 1;
        this.#underWay.set(process, underWay);
        this.together.push(underWay);
        this.sent.push({ process, token, newest: this.newest });
        await this.#scheduler.schedule(Promise.resolve(), 'request');
        const answer = this.#decide(token);
        await this.#scheduler.schedule(Promise.resolve(), 'answer');
        this.#underWay.set(process, underWay - 1);
        if (answer === undefined) throw new Error('reset');
        const { refresh_token: next } = answer.json;
        if (next !== undefined) this.newest = next;
        return { status: answer.status, headers: {}, body: JSON.stringify(answer.json) };
      },
    };
  }

  #decide(token: string): { status: number; json: { [name: string]: unknown; refresh_token?: string } } | undefined {
    if (token !== nameOf(this.#generation)) return { status: 400, json: { error: 'invalid_grant' } };
    const outcome = this.#script.shift() ?? 'rotates';
    if (outcome === 'is down') return { status: 503, json: {} };
    if (outcome === 'keeps') return { status: 200, json: { access_token: `access-${this.#generation}` } };
    this.#generation += 1;
    if (outcome === 'lost') return undefined;
    const access = outcome === 'useless' ? 'no\ntoken' : `access-${this.#generation}`;
    return { status: 200, json: { access_token: access, refresh_token: nameOf(this.#generation) } };
  }
}

/** What several processes keep in one folder, each with its own memory. */
class Folder {
  readonly written: string[] = [];
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get kept(): string | undefined {
    return this.written.at(-1);
  }

  store(): SecretStore {
    let last: Promise<unknown> = Promise.resolve();
    let memory: string | undefined;
    const cell = {
      read: async () => {
        await this.#scheduler.schedule(Promise.resolve(), 'read');
        return generationOf(memory) > generationOf(this.kept) ? memory : this.kept;
      },
      write: async (value: string) => {
        memory = value;
        await this.#scheduler.schedule(Promise.resolve(), 'write');
        this.written.push(value);
      },
      exclusive: <T>(action: () => Promise<T>): Promise<T> => {
        const turn = last.then(action, action);
        last = turn.catch(() => undefined);
        return turn;
      },
    };
    return { open: () => cell };
  }
}

const actions = fc.array(fc.record({ instance: fc.nat(2), leaves: fc.boolean() }), { minLength: 1, maxLength: 14 });

interface Play {
  readonly scheduler: Scheduler;
  readonly script: readonly Outcome[];
  readonly asks: readonly { readonly instance: number; readonly leaves: boolean }[];
  /** The process of each of three instances of the provider. */
  readonly processes: readonly number[];
}

async function play({ scheduler, script, asks, processes }: Play): Promise<{ server: OneTimeServer; folder: Folder }> {
  const server = new OneTimeServer(scheduler, script);
  const folder = new Folder(scheduler);
  const stores = [folder.store(), folder.store()];
  const clock = new TestClock();
  const providers = processes.map((process): TokenProvider => {
    const secretStore = stores[process] ?? folder.store();
    return oauth2RefreshTokenTokenProvider.create(
      {
        tokenUrl: 'https://login.example.com/token',
        network: 'public',
        timeout: '5s',
        clientId: 'sluice',
        authentication: 'none',
        refreshToken: secretOf('first'),
        header: 'authorization',
        scheme: 'Bearer',
      },
      { http: server.reachedFrom(process), clock, secretStore },
    );
  });
  const ask = async ({ instance, leaves }: Play['asks'][number]): Promise<void> => {
    await scheduler.schedule(Promise.resolve(), 'ask');
    const leaving = new AbortController();
    const waiting = Promise.allSettled([providers[instance]?.getToken(fakeRun({ signal: leaving.signal }))]);
    if (leaves) {
      await scheduler.schedule(Promise.resolve(), 'leave');
      leaving.abort(new Error('client gone'));
    }
    await waiting;
  };
  const all = async (): Promise<void> => {
    await Promise.all(asks.map(ask));
    await Promise.all(providers.map(async (provider) => provider.dispose?.()));
  };
  await scheduler.waitFor(all());
  expect(clock.pending).toBe(0);
  return { server, folder };
}

const climbs = (tokens: readonly string[]): boolean =>
  tokens.every((token, place) => generationOf(token) >= generationOf(tokens[place - 1]));

describe('a refresh token that counts once', () => {
  it('is never sent again by instances of one process, and the newest is kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), outcomes, actions, async (scheduler, script, asks) => {
        const { server, folder } = await play({ scheduler, script, asks, processes: [0, 0, 0] });
        expect(server.sent.filter(({ token, newest }) => token !== newest)).toEqual([]);
        expect(Math.max(0, ...server.together)).toBeLessThanOrEqual(1);
        expect(folder.kept ?? 'first').toBe(server.newest);
        expect(climbs(folder.written)).toBe(true);
      }),
    );
  }, 120_000);

  it('is never lost by two processes, of which none goes back behind what it knew', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), outcomes, actions, async (scheduler, script, asks) => {
        const { server, folder } = await play({ scheduler, script, asks, processes: [0, 1, 0] });
        for (const process of [0, 1])
          expect(climbs(server.sent.filter((sent) => sent.process === process).map(({ token }) => token))).toBe(true);
        expect(Math.max(0, ...server.together)).toBeLessThanOrEqual(1);
        expect(folder.kept ?? 'first').toBe(server.newest);
        expect(climbs(folder.written)).toBe(true);
      }),
    );
  }, 120_000);
});
