import type { Modifier, ReadModifier, TextModifier } from './modifier.ts';
import { asSluiceError, describeCause } from './errors.ts';
import type { FinishReason } from './event.ts';
import type { Run } from './run.ts';

/** A modifier of a pipeline together with what the definition says of it. */
export interface Bound<M> {
  readonly name: string;
  readonly guard: boolean;
  readonly onError: 'fail' | 'skip';
  readonly modifier: M;
  /** Of one that acts at the end: decides, when it is known why a choice ended, whether it acts. */
  readonly endCondition?: (finish: FinishReason) => boolean;
}
export type BoundText = Bound<ReadModifier | TextModifier>;

/**
 * What a failure of a modifier means: a guard ends the stream, and so does any other that the author did not allow to be
 * skipped. Returns where it may be left out of this run.
 */
export function leaveOut({ name, guard, onError }: Bound<Modifier>, run: Run, error: unknown): void {
  if (guard || onError === 'fail') throw asSluiceError(error, 'MODIFIER_FAILED', { modifier: name });
  run.log.warn('modifier failed and is left out of this run', { modifier: name, error: describeCause(error) });
  run.meter.count('modifiers_skipped');
}

export function readsText({ modifier }: BoundText): boolean {
  return modifier.channels.includes('text');
}

export function actsAtEnd({ modifier }: BoundText): boolean {
  return modifier.effect === 'text' && modifier.actsAtEnd === true;
}

/** Those that can have a part in a text that begins with what is put at its end. */
export function fromFirstAtEnd(modifiers: readonly BoundText[]): readonly BoundText[] {
  const first = modifiers.findIndex((bound) => actsAtEnd(bound));
  return first === -1 ? [] : modifiers.slice(first);
}
