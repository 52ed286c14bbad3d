import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readEnvironment } from '../../src/config/environment.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import { discover } from '../../src/registry/discover.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { startServer, type SluiceServer } from '../../src/server.ts';
import { LogCapture } from './log-capture.ts';
import { TestClock } from './test-clock.ts';

export interface SluiceOptions {
  /** Definitions by name; `apiVersion` and `name` are filled in. */
  readonly pipelines?: Readonly<Record<string, object>>;
  /** Resources by `kind/name`. */
  readonly resources?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly clock?: Clock;
  readonly registry?: Registry;
}

export interface Sluice<C extends Clock = TestClock> extends SluiceServer {
  readonly clock: C;
  readonly log: LogCapture;
  readonly port: number;
  readonly folder: string;
  metric(name: string): number;
  /** Writes a definition, as an author saves a file. */
  save(name: string, definition: object): Promise<void>;
}

let registry: Promise<Registry> | undefined;

/** All components of the product, discovered once per test file. */
export function productRegistry(): Promise<Registry> {
  registry ??= discover(new URL('../../src/', import.meta.url));
  return registry;
}

/** Starts the whole engine on a free port, with a folder of its own. `close` removes everything. */
export async function startSluice<C extends Clock = TestClock>(
  options: SluiceOptions & { readonly clock?: C } = {},
): Promise<Sluice<C>> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-test-'));
  const save = (name: string, definition: object): Promise<void> =>
    write(join(folder, `${name}.json`), { apiVersion: 'sluice/v1', name, ...definition });
  for (const [name, definition] of Object.entries(options.pipelines ?? {})) await save(name, definition);
  for (const [path, resource] of Object.entries(options.resources ?? {}))
    await write(join(folder, 'resources', `${path}.json`), resource);
  const state = `${folder}-state`;
  const places = { SLUICE_PIPELINES_DIR: folder, SLUICE_STATE_DIR: state };
  const read = readEnvironment({ PORT: '0', ...places, ...options.environment });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  const clock = (options.clock ?? new TestClock()) as C;
  const log = new LogCapture();
  const server = await startServer({
    environment: read.environment,
    registry: options.registry ?? (await productRegistry()),
    clock,
    log,
  });
  return {
    ...server,
    clock,
    log,
    folder,
    port: Number(new URL(server.origin).port),
    metric: (name) => server.engine.metrics()[name] ?? 0,
    save,
    close: async () => {
      await server.close();
      for (const made of [folder, state]) await rm(made, { recursive: true, force: true });
    },
  };
}

async function write(file: string, value: unknown): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify(value));
}

/** A backend of the fault upstream: on loopback, without a credential, with the timers of the test. */
export function openAiBackend(origin: string, extra: object = {}): object {
  return {
    type: 'openai-chat',
    config: { baseUrl: `${origin}/v1`, model: 'test-model' },
    network: 'private',
    ...extra,
  };
}

/** A backend that plays a script and opens no socket. */
export function scriptedBackend(script: readonly object[], extra: object = {}): object {
  return {
    type: 'openai-chat',
    config: { baseUrl: 'https://provider.invalid/v1', model: 'test-model' },
    upstream: { script, ...extra },
  };
}
