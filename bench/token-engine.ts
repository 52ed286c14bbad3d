import { createCompile } from '../src/compile/compile.ts';
import { createExpressions } from '../src/compile/expressions.ts';
import { PipelineCalls } from '../src/compile/pipeline-calls.ts';
import type { CompiledBackend } from '../src/compile/compiled-pipeline.ts';
import { readEnvironment } from '../src/config/environment.ts';
import { formatDiagnostic } from '../src/definitions/diagnostic.ts';
import { HttpForwarder } from '../src/forward/http-forwarder.ts';
import type { Capabilities } from '../src/kernel/capability.ts';
import { systemClock, type Clock } from '../src/kernel/clock.ts';
import type { Log } from '../src/kernel/run.ts';
import { Ticker } from '../src/kernel/ticker.ts';
import type { TokenLink } from '../src/kernel/tokens/token-provider.ts';
import { NumberMeter } from '../src/observability/meter.ts';
import { discover } from '../src/registry/discover.ts';
import type { Registry } from '../src/registry/registry.ts';

/** A token provider as it stands in a definition. */
export interface TokenDefinition {
  readonly type: string;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Seconds that a token of the token server lives. */
export const tokenSeconds = 36_000;
/** Characters of a token, of the token server or of a caller: a JSON Web Token has as many. */
export const tokenLength = 800;

export interface TokenEngine {
  readonly clock: Clock;
  readonly log: Log;
  /** Requests to the token server so far; each is answered in a later turn of the loop. */
  calls(): number;
  /** Moves the clock. */
  advance(milliseconds: number): void;
  /** A backend with this token provider. Throws with what is wrong about it. */
  backend(token: TokenDefinition): CompiledBackend & { readonly token: TokenLink };
}

const silent = (): void => undefined;
const log: Log = { debug: silent, info: silent, warn: silent, error: silent };
/** Nothing here is kept or read. */
const nothingElse: Pick<Capabilities, 'secretStore' | 'workload'> = {
  secretStore: {
    open: () => {
      throw new TypeError('the bench keeps no secrets');
    },
  },
  workload: { variable: () => undefined, file: () => undefined },
};

/** A token server in the same process: no bytes, but the answer of one. */
function tokenServer(): { readonly http: Capabilities['http']; readonly calls: () => number } {
  let calls = 0;
  const call = async (): ReturnType<Capabilities['http']['call']> => {
    calls += 1;
    const answer = {
      access_token: `bench-${calls}`.padEnd(tokenLength, '.'),
      token_type: 'Bearer',
      expires_in: tokenSeconds,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    };
    await new Promise((resolve) => setImmediate(resolve));
    return { status: 200, headers: { 'content-type': 'application/json' }, body: JSON.stringify(answer) };
  };
  return { http: { call }, calls: () => calls };
}

function readBenchEnvironment(variables: Readonly<Record<string, string>>) {
  const read = readEnvironment(variables);
  if ('problems' in read) throw new TypeError(read.problems.join('; '));
  return read.environment;
}

/** All components of the product, and the definitions of token providers made with the function that loads them. */
export async function tokenEngine(variables: Readonly<Record<string, string>>): Promise<TokenEngine> {
  const registry: Registry = await discover(new URL('../src/', import.meta.url));
  const environment = readBenchEnvironment(variables);
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const { http, calls } = tokenServer();
  const ticker = new Ticker(clock);
  const expressions = createExpressions();
  const meter = new NumberMeter();
  const pipelines = new PipelineCalls();
  const capabilities = { clock, log, meter, ticker, expressions, http, pipelines, ...nothingElse };
  const forwarder = new HttpForwarder(clock, ticker);
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const compile = createCompile({ registry, environment, capabilities, forwarder, counters });
  return {
    clock,
    log,
    calls,
    advance: (milliseconds) => {
      ahead += milliseconds;
    },
    backend(token) {
      const name = 'tokens';
      const config = { baseUrl: 'https://provider.invalid/v1', model: 'mock' };
      const backends = { mock: { type: 'openai-chat', config, token } };
      const text = JSON.stringify({ apiVersion: 'sluice/v1', name, backends });
      const sources = new Map([[name, { file: `${name}.json`, text }]]);
      const { pipeline, diagnostics } = compile(name, { pipelines: sources, resources: new Map(), problems: [] });
      const backend = pipeline?.defaultBackend;
      if (backend?.token === undefined) throw new TypeError(diagnostics.map(formatDiagnostic).join('; '));
      return { ...backend, token: backend.token };
    },
  };
}
