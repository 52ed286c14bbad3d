import { beforeAll } from '@jest/globals';
import type { Registry } from '../../src/registry/registry.ts';
import { watchEngine, openEngineTimers, type WatchedEngine } from '../support/engine-view.ts';
import { startFaultUpstream, type FaultUpstream, type ScenarioSource } from '../support/fault-upstream.ts';
import { checkInvariants, type InvariantInput } from '../support/invariants.ts';
import type { LogCapture, LogLine } from '../support/log-capture.ts';
import { probe, type ProbeClient, type ProbeRequest } from '../support/probe-client.ts';
import { watchProcess, type ProcessWatch } from '../support/process-watch.ts';
import { openAiBackend, productRegistry, startSluice, type Sluice } from '../support/sluice.ts';
import type { ClientDialect } from '../support/terminals.ts';
import { TestClock } from '../support/test-clock.ts';
import type { Form } from './seen.ts';

/** Secrets of every stage: the key that is sent upstream, and what the client says. None may be logged. */
export const keyCanary = 'Zk9QwXn3Tb7Lr2Vd5Hs8';
export const promptCanary = 'the prompt canary Vr83hQ0pLm';

export interface StageOptions {
  /** What the provider does. Absent: there is none, and `origin` says where the backend looks for it. */
  readonly upstream?: ScenarioSource;
  /** In place of the upstream's own. */
  readonly origin?: string;
  readonly timeouts?: object;
  readonly output?: object;
  readonly limits?: object;
  /** Where the credential comes from; a static key when absent. */
  readonly token?: object | string;
  /** Further members of the definition. */
  readonly definition?: object;
  /** Further pipelines, by name. */
  readonly pipelines?: Readonly<Record<string, object>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Further secrets that must not be told to anybody. */
  readonly canaries?: readonly string[];
  /** The product's own when absent. */
  readonly registry?: Registry;
  /** False where the definition is refused, so that nothing serves. */
  readonly serves?: boolean;
}

/** Where a fault is played: an engine with the pipeline `support`, its provider, and one clock for all. */
export interface Stage {
  readonly clock: TestClock;
  readonly sluice: Sluice;
  readonly upstream: FaultUpstream;
  /** Sends one question; the answer comes in the form that is asked for. */
  ask(form: Form, overrides?: Partial<ProbeRequest>): Promise<ProbeClient>;
  /** Any request. What it gets is checked at the end as that of `dialect`. */
  send(request: ProbeRequest, dialect?: ClientDialect): Promise<ProbeClient>;
  /** Takes a probe that was opened elsewhere into the checks. */
  watch(client: ProbeClient, dialect: ClientDialect): void;
  /** All clients so far. */
  outputs(): readonly ProbeClient[];
  /** The lines `run ended` so far. */
  ended(): readonly LogLine[];
  /** Checks every invariant while the engine is open, then closes all and checks that nothing is left. */
  close(): Promise<void>;
}

const open: Stage[] = [];
// To discover all components takes its time on a busy machine.
beforeAll(() => productRegistry(), 60_000);

export async function openStage(options: StageOptions = {}): Promise<Stage> {
  const clock = new TestClock();
  const process = watchProcess();
  const upstream = await startFaultUpstream(options.upstream ?? ['stall'], { clock });
  const { pipelines = {}, environment = {}, canaries = [] } = options;
  const sluice = await startSluice({
    clock,
    environment: { FAULT_API_KEY: keyCanary, ...environment },
    pipelines: { support: definitionOf(options, upstream), ...pipelines },
    ...(options.registry !== undefined && { registry: options.registry }),
  });
  if (options.serves !== false) expectServed(sluice.log);
  const served = Object.keys(pipelines).length + (options.serves === false ? 0 : 1);
  const stage = new FaultStage(clock, watchEngine(sluice, served), sluice, upstream, process, canaries);
  open.push(stage);
  return stage;
}

/** A mistake in a definition would be seen as failures of all that is played with it. */
function expectServed({ lines }: LogCapture): void {
  const refused = lines.filter(({ message }) => message === 'definition refused');
  if (refused.length > 0)
    throw new Error(`The definition does not serve: ${refused.map(({ text }) => text).join('; ')}`);
}

/** For `afterEach`: closes what a test opened, with all checks. */
export async function closeStages(): Promise<void> {
  const results = await Promise.allSettled(open.splice(0).map((stage) => stage.close()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

function definitionOf(options: StageOptions, upstream: FaultUpstream): object {
  const { timeouts = {}, output = {}, limits = {}, definition = {} } = options;
  const { token = { type: 'static', config: { token: { $env: 'FAULT_API_KEY' } } } } = options;
  const backend = openAiBackend(options.origin ?? upstream.origin, { token, timeouts });
  return { backends: { provider: backend }, output, limits, ...definition };
}

/** The question in the words of a form. */
export function questionOf(form: Form): ProbeRequest {
  const isNative = form.startsWith('native');
  const body = { messages: [{ role: 'user', content: promptCanary }], stream: form.endsWith('stream') };
  return { path: `/pipelines/support/${isNative ? 'chat' : 'v1/chat/completions'}`, body };
}

/** Lets time pass from the moment at which the provider has the request. */
export function afterSeconds(seconds: number): (stage: Stage) => Promise<void> {
  return async (stage) => {
    await stage.upstream.nextRequest();
    await stage.clock.advance(seconds * 1_000);
  };
}

class FaultStage implements Stage {
  readonly clock: TestClock;
  readonly sluice: Sluice;
  readonly upstream: FaultUpstream;
  readonly #engine: WatchedEngine;
  readonly #process: ProcessWatch;
  readonly #canaries: readonly string[];
  readonly #outputs: { readonly probe: ProbeClient; readonly dialect: ClientDialect }[] = [];

  constructor(
    clock: TestClock,
    engine: WatchedEngine,
    sluice: Sluice,
    upstream: FaultUpstream,
    process: ProcessWatch,
    canaries: readonly string[],
  ) {
    this.clock = clock;
    this.sluice = sluice;
    this.upstream = upstream;
    this.#engine = engine;
    this.#process = process;
    this.#canaries = canaries;
  }

  ask(form: Form, overrides: Partial<ProbeRequest> = {}): Promise<ProbeClient> {
    return this.send({ ...questionOf(form), ...overrides }, form.startsWith('native') ? 'native' : 'openai-chat');
  }

  async send(request: ProbeRequest, dialect: ClientDialect = 'openai-chat'): Promise<ProbeClient> {
    const client = await probe({ port: this.sluice.port, clock: this.clock }, request);
    this.watch(client, dialect);
    return client;
  }

  watch(client: ProbeClient, dialect: ClientDialect): void {
    this.#outputs.push({ probe: client, dialect });
  }

  outputs(): readonly ProbeClient[] {
    return this.#outputs.map(({ probe: client }) => client);
  }

  ended(): readonly LogLine[] {
    return this.sluice.log.lines.filter(({ message }) => message === 'run ended');
  }

  async close(): Promise<void> {
    const input: InvariantInput = {
      engine: this.#engine,
      upstreams: [this.upstream],
      clock: this.clock,
      allowedTimers: openEngineTimers,
      outputs: this.#outputs,
      logs: [this.sluice.log],
      canaries: [keyCanary, promptCanary, ...this.#canaries],
      watch: this.#process,
    };
    try {
      await checkInvariants(input);
      for (const { probe: client } of this.#outputs) client.destroy();
      await this.sluice.close();
      this.#engine.markClosed();
      await checkInvariants(input);
    } finally {
      for (const { probe: client } of this.#outputs) client.destroy();
      if (!this.#engine.closed) await this.sluice.close();
      await this.upstream.close();
      this.#process.stop();
    }
  }
}
