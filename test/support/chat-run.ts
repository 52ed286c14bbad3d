import type { EncodeContext } from '../../src/kernel/component.ts';
import type { ChatRequest } from '../../src/kernel/request.ts';
import { anonymousCaller, type Log, type Run } from '../../src/kernel/run.ts';
import { TestClock } from './test-clock.ts';

const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A run that does nothing, for components that are tested alone. */
export function fakeRun(overrides: Partial<Run> = {}): Run {
  return {
    id: 'run-1',
    pipeline: 'support',
    revision: 'r1',
    caller: anonymousCaller,
    params: {},
    signal: new AbortController().signal,
    deadline: 900_000,
    clock: new TestClock(),
    log: silentLog,
    meter: { count: () => {} },
    notes: new Map(),
    presented: () => undefined,
    lose: () => {},
    progress: () => {},
    ...overrides,
  };
}

/** A request with one question. */
export function chatRequest(overrides: Partial<ChatRequest> = {}): ChatRequest {
  return {
    dialect: 'openai-chat',
    stream: true,
    settings: {},
    tools: [],
    messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hello' }] }],
    metadata: {},
    params: {},
    ...overrides,
  };
}

export function encodeContext(request: ChatRequest = chatRequest(), run: Run = fakeRun()): EncodeContext {
  return { run, request, created: 1_700_000_000 };
}
