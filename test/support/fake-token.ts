import { tokenCredential } from '../../src/kernel/tokens/token-credential.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, TokenLink, TokenProvider, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import type { TestRun } from './test-run.ts';

export interface FakeToken {
  readonly link: TokenLink;
  /** What was called, in order, such as `get`, `invalidate one rejected`, `settled one refused`. */
  readonly calls: string[];
}

/**
 * A token provider that gives these tokens one after another, each when the one before was refused, and the last for ever.
 * `wait` makes each of them come later.
 */
export function fakeToken(
  tokens: readonly string[],
  { clock, log }: Pick<TestRun, 'clock' | 'log'>,
  options: Partial<TokenProvider> & { readonly wait?: (run: TokenRun) => Promise<void> } = {},
): FakeToken {
  const { wait, ...overrides } = options;
  const calls: string[] = [];
  const credentials = tokens.map((token) => tokenCredential(token, { header: 'authorization', scheme: 'Bearer' }));
  const nameOf = (credential: Credential): string => tokens[credentials.indexOf(credential)] ?? 'unknown';
  let place = 0;
  const current = (): Credential => {
    const credential = credentials[place];
    if (credential === undefined) throw new Error('the fake has no token');
    return credential;
  };
  const provider: TokenProvider = {
    getToken(run) {
      calls.push('get');
      return wait === undefined ? current() : wait(run).then(current);
    },
    invalidate(credential, refusal) {
      calls.push(`invalidate ${nameOf(credential)} ${refusal.reason} ${refusal.retryAfterMilliseconds ?? ''}`.trim());
      if (credential === credentials[place] && place + 1 < credentials.length) place += 1;
    },
    accepted: (credential) => void calls.push(`accepted ${nameOf(credential)}`),
    settled: (credential, outcome) => void calls.push(`settled ${nameOf(credential)} ${outcome}`),
    ...overrides,
  };
  return { link: linkOf({ name: 'keys', type: 'fake', provider }, { clock, log }), calls };
}
