import { SluiceError } from '../../errors.ts';
import type { ErrorCode } from '../../error-table.ts';
import { refusalOf } from '../refusal-of.ts';
import type { Refusal, TokenLink, TokenState } from '../token-provider.ts';

/** Why one of several providers is left out. `unavailable`: it gave no credential. */
export type CoolingReason = Refusal['reason'] | 'unavailable';

/** That a provider is left out for a while. */
export interface Cooling {
  readonly reason: CoolingReason;
  /** Monotonic milliseconds. */
  readonly until: number;
  /** The link itself gave no credential: that says nothing about one that it gives. */
  readonly isFailing: boolean;
}

/** As what the client hears of a reason: what the provider of the model said would be told in the same way. */
const codes: Readonly<Record<CoolingReason, ErrorCode>> = {
  rejected: 'UPSTREAM_AUTH',
  'rate-limited': 'UPSTREAM_RATE_LIMITED',
  quota: 'UPSTREAM_ERROR',
  unavailable: 'TOKEN_UNAVAILABLE',
};

/** Why a link that fails can give nothing: a pool in it may have keys that were refused. */
export function reasonOfFailure(error: SluiceError): CoolingReason {
  return refusalOf(error)?.reason ?? 'unavailable';
}

/** The failure of a link that is left out for this reason. */
export function failureFor(reason: CoolingReason): SluiceError {
  return new SluiceError(codes[reason], { context: { reason, ...(reason === 'quota' && { exhausted: true }) } });
}

/** The time that somebody else asks for, where it is one, and not more than `longest`. All in milliseconds. */
export function restFor(told: number | undefined, usual: number, longest: number): number {
  return told !== undefined && told >= 0 ? Math.min(told, longest) : usual;
}

/** True for a link whose tokens differ by caller: what happens to one of them says nothing about the others. */
export function isPerCaller(link: TokenLink): boolean {
  return link.subject !== undefined;
}

/** What an operator sees of a link that is left out. */
export function withCooling(state: TokenState, { reason, until }: Cooling, now: number): TokenState {
  return { ...state, status: 'cooling', coolingForSeconds: Math.ceil((until - now) / 1_000), reason };
}
