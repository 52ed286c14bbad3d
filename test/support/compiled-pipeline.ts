import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import type { CompiledBackend, CompiledPipeline } from '../../src/compile/compiled-pipeline.ts';
import { planOf } from '../../src/compile/plan.ts';
import type { Transport } from '../../src/kernel/upstream.ts';
import { testRun } from './test-run.ts';

const config = {
  baseUrl: 'https://provider.invalid/v1',
  model: 'm',
  includeUsage: true,
  maxTokensField: 'max_tokens',
} as const;
const timeouts = {
  connect: 5_000,
  headers: 60_000,
  firstToken: 90_000,
  idle: 60_000,
  progress: 120_000,
  total: 900_000,
};

/** Never answers. */
export const silentTransport: Transport = {
  send: () => ({ pause: () => undefined, resume: () => undefined, abort: () => undefined }),
  close: () => Promise.resolve(),
};

export function compiledBackend(overrides: Partial<CompiledBackend> = {}): CompiledBackend {
  const backend = openaiChatBackend.create(config, testRun().capabilities);
  return {
    name: 'one',
    type: 'openai-chat',
    backend,
    transport: silentTransport,
    token: undefined,
    timeouts,
    ...overrides,
  };
}

/** A pipeline as `compile` makes it, with one backend, no steps, and the defaults of a definition. */
export function compiledPipeline(overrides: Partial<CompiledPipeline> = {}): CompiledPipeline {
  const defaultBackend = overrides.defaultBackend ?? compiledBackend();
  return {
    name: 'test',
    revision: 'r1',
    formats: ['native', 'openai-chat'],
    maxBodyBytes: 1_048_576,
    unknownModel: 'refuse',
    unknownFields: 'forward',
    params: (given) => given,
    processors: () => [],
    backends: new Map([[defaultBackend.name, defaultBackend]]),
    defaultBackend,
    modifiers: () => [],
    plan: planOf([]),
    output: { heartbeat: 15_000, commitAfter: 10_000, clientStall: 30_000, debug: false },
    limits: { concurrentStreams: 100, maxStreamDuration: 900_000, maxFrameBytes: 1_048_576, maxAnswerBytes: 8_388_608 },
    counters: { pass: 0, scan: 0, splice: 0, slow: 0 },
    dispose: () => Promise.resolve(),
    ...overrides,
  };
}
