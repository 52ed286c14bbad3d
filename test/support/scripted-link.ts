import type { Clock } from '../../src/kernel/clock.ts';
import type { Log } from '../../src/kernel/run.ts';
import { bearer, tokenCredential } from '../../src/kernel/tokens/token-credential.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type {
  Credential,
  Refusal,
  TokenLink,
  TokenProvider,
  TokenRun,
} from '../../src/kernel/tokens/token-provider.ts';

/** One `getToken` that waits for the test to answer it. */
export interface ScriptedCall {
  readonly run: TokenRun;
  /** When it was made. */
  readonly at: number;
  readonly isOpen: boolean;
  /** Gives a token that ends in `lifetime` milliseconds from the call, or when nobody knows. */
  give(lifetime?: number): Credential;
  giveThis(credential: Credential): void;
  fail(error: Error): void;
}

export interface ScriptedLink {
  readonly link: TokenLink;
  readonly calls: readonly ScriptedCall[];
  /** The newest call. */
  readonly call: ScriptedCall;
  /** Calls that wait right now. */
  readonly open: readonly ScriptedCall[];
  readonly refusals: readonly { readonly credential: Credential; readonly refusal: Refusal }[];
}

/** A provider whose answers are given by hand; a call ends by itself when its signal is aborted. */
export function scriptedLink(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  more: Partial<TokenProvider> = {},
): ScriptedLink {
  const calls: ScriptedCall[] = [];
  const refusals: { credential: Credential; refusal: Refusal }[] = [];
  const provider: TokenProvider = {
    getToken(run) {
      const { promise, resolve, reject } = Promise.withResolvers<Credential>();
      calls.push(scriptedCall(run, clock, resolve, reject));
      return promise;
    },
    invalidate: (credential, refusal) => void refusals.push({ credential, refusal }),
    ...more,
  };
  return {
    link: linkOf({ name: 'inner', type: 'scripted', provider }, { clock, log }),
    calls,
    get call() {
      const last = calls.at(-1);
      if (last === undefined) throw new Error('the provider was not asked');
      return last;
    },
    get open() {
      return calls.filter(({ isOpen }) => isOpen);
    },
    refusals,
  };
}

let count = 0;

/** A credential that no other one equals. */
export function newCredential(expiresAt?: number): Credential {
  count += 1;
  return tokenCredential(`token-${count}`, bearer, expiresAt);
}

function scriptedCall(
  run: TokenRun,
  clock: Clock,
  resolve: (credential: Credential) => void,
  reject: (error: Error) => void,
): ScriptedCall {
  const at = clock.now();
  let isOpen = true;
  const giveThis = (credential: Credential): void => {
    isOpen = false;
    resolve(credential);
  };
  const fail = (error: Error): void => {
    isOpen = false;
    reject(error);
  };
  run.signal.addEventListener('abort', () => fail(run.signal.reason as Error));
  return {
    run,
    at,
    get isOpen() {
      return isOpen;
    },
    give(lifetime) {
      const credential = newCredential(lifetime === undefined ? undefined : at + lifetime);
      giveThis(credential);
      return credential;
    },
    giveThis,
    fail,
  };
}
