import Type from 'typebox';
import type { Channel } from './modifier.ts';
import { defaulted } from './schema.ts';

/** Texts that people read; the arguments of a tool are read by a program. */
export const proseChannels = ['text', 'reasoning', 'refusal'] as const satisfies readonly Channel[];

/** The config field `channels` of a modifier: some of `from`; `chosen` when left out. */
export function channelOption<C extends Channel>(from: readonly C[], description: string, chosen: readonly C[] = from) {
  const list = Type.Array(Type.Enum([...from]), { minItems: 1, uniqueItems: true, description });
  return defaulted(list, [...chosen]);
}
