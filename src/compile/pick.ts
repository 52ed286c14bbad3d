import type { Capabilities, CapabilityName } from '../kernel/capability.ts';

/** What a component named in `needs`, and nothing else. */
export function pick(capabilities: Capabilities, names: readonly CapabilityName[]): Partial<Capabilities> {
  return Object.fromEntries(names.map((name) => [name, capabilities[name]]));
}
