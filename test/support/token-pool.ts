import { SluiceError } from '../../src/kernel/errors.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { Credential, Refusal, TokenLink, TokenRun } from '../../src/kernel/tokens/token-provider.ts';
import { poolTokenProvider } from '../../src/tokens/pool.ts';
import { fakeLink, tokenOf, type FakeLink } from './fake-link.ts';
import { testRun, type TestRun } from './test-run.ts';

export interface Pool extends TestRun {
  readonly pool: TokenLink;
}

type PoolConfig = Parameters<typeof poolTokenProvider.create>[0];
export type KeyOf = FakeLink | { readonly link: FakeLink; readonly weight?: number; readonly drain?: boolean };

export function poolOf(
  keys: readonly KeyOf[],
  config: Partial<Omit<PoolConfig, 'keys'>> = {},
  test: TestRun = testRun(),
): Pool {
  const options = keys.map((key) => {
    if ('getToken' in key) return { provider: key };
    const { link, ...rest } = key;
    return { provider: link, ...rest };
  });
  const provider = poolTokenProvider.create(
    { strategy: 'round-robin', coolDowns: {}, ...config, keys: options },
    test.capabilities,
  );
  return { ...test, pool: linkOf({ name: 'pool', type: 'pool', provider }, test.capabilities) };
}

export const linksOf = (...names: string[]): FakeLink[] => names.map((name) => fakeLink(name, { spares: 0 }));
export const tokenServerDown = (retryAfterSeconds?: number): SluiceError =>
  new SluiceError('TOKEN_UNAVAILABLE', {
    context: { reason: 'down' },
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
export const failingLink = (name: string, error: Error = tokenServerDown()): FakeLink =>
  fakeLink(name, {
    give: () => {
      throw error;
    },
  });
export const callerRun = (run: TokenRun, id: string): TokenRun => ({ ...run, caller: { id, tier: '', scopes: [] } });

export async function nextToken({ pool, run }: Pool, taker: TokenRun = run): Promise<string> {
  return tokenOf(await pool.getToken(taker));
}

export async function severalTokens(test: Pool, count: number): Promise<string> {
  const tokens: string[] = [];
  for (let index = 0; index < count; index += 1) tokens.push(await nextToken(test));
  return tokens.join('');
}

export function refuseKey({ pool }: Pool, credential: Credential, refusal: Refusal = { reason: 'rejected' }): void {
  pool.settled(credential, 'refused');
  pool.invalidate(credential, refusal);
}

export async function failureOf({ pool, run }: Pool): Promise<SluiceError> {
  try {
    await pool.getToken(run);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('it did not fail');
}

/** The state of each key in short, such as `a cooling 30 rejected`. */
export function keyStates({ pool }: Pool): (string | undefined)[] {
  return (pool.state().links ?? []).map(({ name, status, coolingForSeconds, reason }) =>
    [name, status, coolingForSeconds, reason].filter((part) => part !== undefined).join(' '),
  );
}
