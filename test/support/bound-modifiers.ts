import type {
  Channel,
  EventModifier,
  EventRewriter,
  Modifier,
  ReadModifier,
  TextModifier,
  TextReader,
  TextRewriter,
} from '../../src/kernel/modifier.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { maskWords } from '../../src/modifiers/mask-words.ts';

type Steps = Partial<Pick<Bound<Modifier>, 'guard' | 'onError'>>;
const everyChannel: readonly Channel[] = ['text', 'reasoning', 'refusal'];

/** A step that works on whole events; `open` makes what one stream has of it. */
export function eventStep(name: string, open: EventModifier['open'], step: Steps = {}): Bound<EventModifier> {
  return bound(name, step, { effect: 'events', policy: { mode: 'live' }, open });
}

/** The same, of a function alone. */
export function modifying(name: string, modify: EventRewriter['modify'], step: Steps = {}): Bound<EventModifier> {
  return eventStep(name, () => ({ modify }), step);
}

export function textStep(name: string, open: () => TextRewriter, step: Steps = {}): Bound<TextModifier> {
  return bound(name, step, { effect: 'text', channels: everyChannel, policy: { mode: 'live' }, open });
}

export function readStep(name: string, open: () => TextReader, step: Steps = {}): Bound<ReadModifier> {
  return bound(name, step, { effect: 'read', channels: everyChannel, policy: { mode: 'live' }, open });
}

/** The mask of the product: a guard. */
export function maskStep(words: readonly string[], name = 'mask'): Bound<TextModifier> {
  const config = {
    words: [...words],
    action: 'mask' as const,
    match: 'substring' as const,
    caseSensitive: false,
    channels: [...everyChannel],
  };
  return bound(name, { guard: true }, maskWords.create(config, {}) as TextModifier);
}

function bound<M extends Modifier>(name: string, { guard = false, onError = 'fail' }: Steps, modifier: M): Bound<M> {
  return { name, guard, onError, modifier };
}
