import type { Credential, Refusal, TokenLink, TokenRun } from '../../src/kernel/tokens/token-provider.ts';

export type Outcome = 'accepted' | 'refused' | 'failed';

/** A link that a test holds in its hand: it gives what `give` says and remembers what it is told. */
export interface FakeLink extends TokenLink {
  give: (run: TokenRun) => Credential | Promise<Credential>;
  /** How often it was asked. */
  asked: number;
  readonly refusals: (readonly [Credential, Refusal['reason']])[];
  readonly outcomes: Outcome[];
  readonly accepts: Credential[];
}

/** A credential that shows what it is called, where a test fails. */
export function fakeCredential(token: string): Credential & { readonly token: string } {
  return { token, origins: '*', apply: (request) => void (request.headers['authorization'] = `Bearer ${token}`) };
}

/** Gives one and the same credential of its name, unless the test says something else. */
export function fakeLink(
  name: string,
  options: Partial<Pick<FakeLink, 'give' | 'spares' | 'others' | 'subject'>> = {},
): FakeLink {
  const credential = fakeCredential(name);
  const link: FakeLink = {
    name,
    type: 'fake',
    spares: 1,
    others: 0,
    give: () => credential,
    ...options,
    asked: 0,
    refusals: [],
    outcomes: [],
    accepts: [],
    getToken(run) {
      link.asked += 1;
      return link.give(run);
    },
    invalidate: (refused, { reason }) => void link.refusals.push([refused, reason]),
    accepted: (taken) => void link.accepts.push(taken),
    settled: (_credential, outcome) => void link.outcomes.push(outcome),
    state: () => ({ name, type: 'fake' }),
  };
  return link;
}

/** What a credential of `fakeCredential` is called. */
export function tokenOf(credential: Credential): string {
  return String(Reflect.get(credential, 'token'));
}
