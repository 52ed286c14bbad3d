import Type from 'typebox';
import { defineModifier, defineProcessor, defineTokenProvider, type AnyComponent } from '../../src/kernel/component.ts';
import type { EventModifier } from '../../src/kernel/modifier.ts';
import { strictObject } from '../../src/kernel/schema.ts';
import { componentKinds, createRegistry, type Registry } from '../../src/registry/registry.ts';
import { productRegistry } from '../support/sluice.ts';

/** The components of the product and some more. */
export async function registryWith(...extra: readonly AnyComponent[]): Promise<Registry> {
  const product = await productRegistry();
  const components = [...componentKinds.flatMap((kind): readonly AnyComponent[] => product.list(kind)), ...extra];
  return createRegistry(components.map((component) => ({ component, file: `${component.kind}/${component.type}` })));
}

/** Counts the waits of components that wait until their run is over, as every well-behaved one does. */
export class HeldWaits {
  /** Waits that go on. */
  pending = 0;

  until(signal: AbortSignal): Promise<never> {
    this.pending += 1;
    return new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        this.pending -= 1;
        reject(signal.reason as Error);
      });
    });
  }
}

const config = strictObject({ note: Type.Optional(Type.String()) });

/** A processor, a token provider and a modifier that keep every run waiting until it is over. */
export function heldComponents(waits: HeldWaits): readonly AnyComponent[] {
  return [
    defineProcessor({
      type: 'held-processor',
      summary: 'Waits for the end of the run.',
      guard: false,
      needs: [],
      examples: [],
      config,
      create: () => ({ processRequest: (_request, _output, run) => waits.until(run.signal) }),
    }),
    defineTokenProvider({
      type: 'held-token',
      summary: 'Waits for the end of the run.',
      needs: [],
      examples: [],
      config,
      create: () => ({ getToken: (run) => waits.until(run.signal), invalidate: () => undefined }),
    }),
    defineModifier({
      type: 'held-flush',
      summary: 'Keeps the tail of the answer until the end of the run.',
      guard: false,
      needs: [],
      examples: [],
      config,
      create: (): EventModifier => ({
        effect: 'events',
        policy: { mode: 'buffer' },
        open: () => ({
          modify: (event, emit) => emit(event),
          flush: (_emit, run) => waits.until(run.signal),
        }),
      }),
    }),
  ];
}
