import type { Refusal, TokenLink, TokenState } from '../token-provider.ts';

/** Why one of several providers is left out. `unavailable`: it gave no credential. */
export type CoolingReason = Refusal['reason'] | 'unavailable';

/** That a provider is left out for a while. */
export interface Cooling {
  readonly reason: CoolingReason;
  /** Monotonic milliseconds. */
  readonly until: number;
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
