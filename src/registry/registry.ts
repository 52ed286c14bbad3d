import type { AnyComponent, ComponentKind } from '../kernel/component.ts';

export type ComponentOf<K extends ComponentKind> = Extract<AnyComponent, { readonly kind: K }>;

export const componentKinds: readonly ComponentKind[] = [
  'parser',
  'processor',
  'token-provider',
  'backend',
  'modifier',
  'encoder',
];

/** All components that this process knows. Never changes after the start. */
export interface Registry {
  get<K extends ComponentKind>(kind: K, type: string): ComponentOf<K> | undefined;
  /** By type, in the order of the alphabet. */
  list<K extends ComponentKind>(kind: K): readonly ComponentOf<K>[];
  types(kind: ComponentKind): readonly string[];
}

/** A component and where it was found; the place shows in messages only. */
export interface FoundComponent {
  readonly component: AnyComponent;
  readonly file: string;
}

/**
 * Maps, not objects: a `type` of a definition is hostile text, and `constructor` must be as unknown as any other word.
 * Throws where two components of a kind have the same type.
 */
export function createRegistry(found: readonly FoundComponent[]): Registry {
  const byKind = new Map<ComponentKind, Map<string, FoundComponent>>(componentKinds.map((kind) => [kind, new Map()]));
  for (const entry of found.toSorted((one, other) => (one.component.type < other.component.type ? -1 : 1))) {
    const { kind, type } = entry.component;
    const ofKind = byKind.get(kind);
    if (ofKind === undefined) throw new TypeError(`${entry.file}: there is no component kind "${kind}"`);
    const first = ofKind.get(type);
    if (first !== undefined)
      throw new TypeError(`two ${kind} components have the type "${type}": ${first.file} and ${entry.file}`);
    ofKind.set(type, entry);
  }
  const list = <K extends ComponentKind>(kind: K): readonly ComponentOf<K>[] =>
    [...(byKind.get(kind)?.values() ?? [])].map((entry) => entry.component as ComponentOf<K>);
  return {
    get: <K extends ComponentKind>(kind: K, type: string) =>
      byKind.get(kind)?.get(type)?.component as ComponentOf<K> | undefined,
    list,
    types: (kind) => [...(byKind.get(kind)?.keys() ?? [])],
  };
}
