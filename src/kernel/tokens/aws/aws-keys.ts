import { isPromise } from '../../supervise.ts';
import { tokenInvalid } from '../token-failure.ts';
import type { TokenRun } from '../token-provider.ts';

/** Keys that requests to AWS are signed with. The session token belongs to temporary ones. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  /** Monotonic milliseconds, or undefined where nobody said. */
  readonly expiresAt?: number;
}

/** Why a place holds no keys, in a few fixed words; another place may. */
export interface NoKeys {
  readonly absent: string;
}

export type FoundKeys = AwsKeys | NoKeys;

/** A place where keys may be. It fails where it should have some and can't give them. */
export interface KeySource {
  readonly name: string;
  /** At once, without a promise, where nobody must be asked. */
  find(run: Pick<TokenRun, 'signal'>): FoundKeys | Promise<FoundKeys>;
  /** Looks at files anew, however short ago it last did: what they held was refused. */
  refresh?(): void;
}

/** Characters of a key; those of AWS have 20 and 40. Session tokens are long. */
const maxKeyLength = 256;
const maxSessionTokenLength = 16_384;
/** What can stand in the authorization header without being taken for a part of it. */
const usableKey = /^[\w+/=.-]+$/;

/** What may be keys, from wherever it comes. */
export interface RawKeys {
  readonly accessKeyId: unknown;
  readonly secretAccessKey: unknown;
  readonly sessionToken?: unknown;
}

/** The keys, or TOKEN_INVALID with the one that is none; never shows it. */
export function checkedKeys(raw: RawKeys, expiresAt?: number): AwsKeys {
  return {
    accessKeyId: checkedKey(raw.accessKeyId, 'access key id', maxKeyLength),
    secretAccessKey: checkedKey(raw.secretAccessKey, 'secret access key', maxKeyLength),
    ...(raw.sessionToken !== undefined && {
      sessionToken: checkedKey(raw.sessionToken, 'session token', maxSessionTokenLength),
    }),
    ...(expiresAt !== undefined && { expiresAt }),
  };
}

function checkedKey(value: unknown, what: string, maxLength: number): string {
  if (typeof value !== 'string' || value === '') throw tokenInvalid(`the ${what} is missing`);
  if (value.length > maxLength || !usableKey.test(value)) throw tokenInvalid(`the ${what} is not usable`);
  return value;
}

export function isAbsent(found: FoundKeys): found is NoKeys {
  return 'absent' in found;
}

/** Goes on with a value, at once where it is there already. */
export function andThen<T, R>(value: T | Promise<T>, next: (value: T) => R | Promise<R>): R | Promise<R> {
  return isPromise(value) ? Promise.resolve(value).then(next) : next(value);
}

/** The first of the places that has keys; else the reason of each. A place that fails ends the search. */
export function firstOf(sources: readonly KeySource[]): KeySource {
  return { name: 'chain', find: (run) => search(sources, run, []) };
}

function search(
  sources: readonly KeySource[],
  run: Pick<TokenRun, 'signal'>,
  reasons: readonly string[],
): FoundKeys | Promise<FoundKeys> {
  const [source, ...others] = sources;
  if (source === undefined) return { absent: reasons.join('; ') };
  return andThen(source.find(run), (found) =>
    isAbsent(found) ? search(others, run, [...reasons, `${source.name}: ${found.absent}`]) : found,
  );
}
