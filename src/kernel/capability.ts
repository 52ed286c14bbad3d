import type { Clock } from './clock.ts';
import type { Expressions } from './expression.ts';
import type { HttpCaller } from './http-caller.ts';
import type { PipelineCaller } from './pipeline-caller.ts';
import type { Log, Meter } from './run.ts';
import type { SecretStore } from './secret-store.ts';
import type { Ticker } from './ticker.ts';
import type { Workload } from './workload.ts';

/**
 * What the process offers to components. A component lists the names in `needs` and gets exactly those in `create`;
 * `app.module` fills the object from the container, a test or a bench from a plain object.
 */
export interface Capabilities {
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly ticker: Ticker;
  readonly expressions: Expressions;
  readonly http: HttpCaller;
  readonly pipelines: PipelineCaller;
  readonly secretStore: SecretStore;
  readonly workload: Workload;
}

export type CapabilityName = keyof Capabilities;
export const capabilityNames: readonly CapabilityName[] = [
  'clock',
  'log',
  'meter',
  'ticker',
  'expressions',
  'http',
  'pipelines',
  'secretStore',
  'workload',
];
