import Type from 'typebox';
import {
  defineEncoder,
  defineModifier,
  defineProcessor,
  type AnyComponent,
  type EncoderComponent,
  type Processor,
  type StreamEncoder,
} from '../../src/kernel/component.ts';
import type { Channel, EventRewriter, Modifier } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { strictObject } from '../../src/kernel/schema.ts';
import { componentKinds, createRegistry, type Registry } from '../../src/registry/registry.ts';
import { productRegistry } from '../support/sluice.ts';
import { turn } from '../support/turn.ts';

/*
 * Components as somebody else might write them. They are given to an engine beside those of the product.
 */

const config = strictObject({ note: Type.Optional(Type.String()) });
const everyChannel: readonly Channel[] = ['text', 'reasoning', 'refusal'];

/** The product's components and these; one of the same kind and type stands in place of the product's. */
export async function registryWith(...components: readonly AnyComponent[]): Promise<Registry> {
  const product = await productRegistry();
  const isReplaced = ({ kind, type }: AnyComponent): boolean =>
    components.some((own) => own.kind === kind && own.type === type);
  const kept = componentKinds
    .flatMap((kind): readonly AnyComponent[] => product.list(kind))
    .filter((component) => !isReplaced(component));
  return createRegistry(
    [...kept, ...components].map((component) => ({ component, file: `${component.kind}/${component.type}` })),
  );
}

export function processor(type: string, create: () => Processor, guard = false): AnyComponent {
  return defineProcessor({ type, summary: 'Made for a test.', guard, needs: [], examples: [], config, create });
}

export function modifier(type: string, create: () => Modifier, guard = false): AnyComponent {
  return defineModifier({ type, summary: 'Made for a test.', guard, needs: [], examples: [], config, create });
}

/** A modifier of whole events. */
export function eventModifier(type: string, open: () => EventRewriter, guard = false): AnyComponent {
  return modifier(type, () => ({ effect: 'events', policy: { mode: 'live' }, open }), guard);
}

/** A modifier of text that does `text` to every piece. */
export function textModifier(type: string, text: (chunk: string) => string, guard = false): AnyComponent {
  return modifier(
    type,
    () => ({
      effect: 'text',
      channels: everyChannel,
      policy: { mode: 'live' },
      open: () => ({ text, flush: () => '' }),
    }),
    guard,
  );
}

/** Reads everything, changes nothing, and protects. */
export const readGuard = modifier(
  'read-guard',
  () => ({ effect: 'read', channels: everyChannel, policy: { mode: 'live' }, open: () => ({ read: () => undefined }) }),
  true,
);

/** Hands every event on, a turn later. */
export const waitingModifier = eventModifier('waits', () => ({
  async modify(event, emit) {
    await turn();
    emit(event);
  },
}));

/** Hands every event on at once. */
export const passingModifier = eventModifier('passes', () => ({ modify: (event, emit) => emit(event) }));

/** Holds every event until a reason to finish, or the end, comes. */
export const holdingModifier = eventModifier('holds', () => {
  const held: AnswerEvent[] = [];
  return {
    modify(event, emit) {
      held.push(event);
      if (event.type !== 'finish' && event.type !== 'stream.end') return;
      for (const one of held.splice(0)) emit(one);
    },
  };
});

/** An encoder of the product of which each stream has some of its methods replaced. */
export function encoderWith(product: EncoderComponent, part: Partial<StreamEncoder>): AnyComponent {
  const create = (): ReturnType<EncoderComponent['create']> => {
    const encoder = product.create({}, {} as never);
    return { ...encoder, open: (context) => Object.assign(encoder.open(context), part) };
  };
  return defineEncoder({
    type: product.type,
    summary: product.summary,
    config: strictObject({}),
    needs: [],
    examples: [],
    create,
  });
}
