import type { Run } from '../../src/kernel/run.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { fakeRun } from './chat-run.ts';

/** A run of a client that sent these headers, in lower case. */
export function presenting(headers: Readonly<Record<string, string>>, overrides: Partial<Run> = {}): Run {
  return fakeRun({
    presented(name) {
      const value = headers[name];
      return value === undefined ? undefined : new Secret(name, () => value);
    },
    ...overrides,
  });
}
