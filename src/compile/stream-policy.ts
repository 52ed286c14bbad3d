import type { Modifier } from '../kernel/component.ts';
import { chainMode, type ChainMode } from '../kernel/answer-chain.ts';
import type { Bound } from '../kernel/bound-modifier.ts';

/** What the modifiers of a pipeline cost a stream, known when it is loaded. */
export interface ChainPolicy {
  readonly mode: ChainMode;
  /** The most text, in UTF-16 code units, that is held back at any time; `whole` where a modifier wants the whole answer. */
  readonly maxHeldCharacters: number | 'whole';
}

/** Each modifier may hold what the one before it let go, so the bounds add up. */
export function foldPolicies(modifiers: readonly Bound<Modifier>[]): ChainPolicy {
  let held = 0;
  for (const { modifier } of modifiers) {
    if (modifier.policy.mode === 'buffer') return { mode: chainMode(modifiers), maxHeldCharacters: 'whole' };
    if (modifier.policy.mode === 'window') held += modifier.policy.maxHeldCharacters;
  }
  return { mode: chainMode(modifiers), maxHeldCharacters: held };
}
