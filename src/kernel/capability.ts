import type { Clock } from './clock.ts';
import type { Log, Meter } from './run.ts';
import type { Ticker } from './ticker.ts';

/**
 * What the process offers to components. A component lists the names in `needs` and gets exactly those in `create`;
 * `app.module` fills the object from the container, a test or a bench from a plain object.
 */
export interface Capabilities {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly ticker: Ticker;
}

export type CapabilityName = keyof Capabilities;
export const capabilityNames: readonly CapabilityName[] = ['clock', 'log', 'meter', 'ticker'];
