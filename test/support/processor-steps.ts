import type { Processor } from '../../src/kernel/component.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { RequestEvent } from '../../src/kernel/event.ts';
import { lastUserText, type ChatRequest } from '../../src/kernel/request.ts';
import { runProcessors, type ProcessedRequest, type ProcessorStep } from '../../src/kernel/request-chain.ts';
import { anonymousCaller, type Run } from '../../src/kernel/run.ts';
import { LogCapture, MeterCapture } from './log-capture.ts';
import { TestClock } from './test-clock.ts';

/** A request of one user message. */
export const say = (text: string): ChatRequest => ({
  dialect: 'native',
  stream: true,
  settings: {},
  tools: [],
  metadata: {},
  params: {},
  messages: [{ role: 'user', content: [{ kind: 'text', text }] }],
});

export type StepOptions = Partial<Omit<ProcessorStep, 'processor'>>;
export const stepOf = (processor: Processor, options: StepOptions = {}): ProcessorStep => ({
  name: 'step',
  guard: false,
  onError: 'fail',
  timeoutMilliseconds: 1_000,
  ...options,
  processor,
});
/** A step that works on events. */
export const events = (process: NonNullable<Processor['process']>, options?: StepOptions): ProcessorStep =>
  stepOf({ process }, options);
/** A step that works on the whole. */
export const whole = (processRequest: NonNullable<Processor['processRequest']>, options?: StepOptions): ProcessorStep =>
  stepOf({ processRequest }, options);

export const passThrough = (): ProcessorStep => events((event, output) => output.push(event));
export const rewrite = (change: (text: string) => string): ProcessorStep =>
  events((event, output) => output.push(event.type === 'text.delta' ? { ...event, text: change(event.text) } : event));

/** A run, and a chain to send requests through. */
export function runSetUp() {
  const clock = new TestClock();
  const meter = new MeterCapture();
  const log = new LogCapture();
  const abort = new AbortController();
  const shown: string[] = [];
  const run: Run = {
    id: 'run-1',
    pipeline: 'p',
    revision: 'r',
    caller: anonymousCaller,
    params: {},
    signal: abort.signal,
    deadline: Number.POSITIVE_INFINITY,
    clock,
    log,
    meter,
    notes: new Map(),
    presented: () => undefined,
    lose: () => undefined,
    progress: (name, message) => shown.push(`progress ${name} ${message}`),
  };
  const hooks = {
    onWait: (name: string) => shown.push(`wait ${name}`),
    onWaitEnd: (name: string) => shown.push(`end ${name}`),
    onStep: () => undefined,
  };
  const process = (
    steps: readonly ProcessorStep[],
    request: ChatRequest = say('hi'),
  ): ProcessedRequest | Promise<ProcessedRequest> => runProcessors(steps, request, run, hooks);
  return { clock, meter, log, abort, shown, process };
}

export const textOf = (result: ProcessedRequest): string =>
  'request' in result ? lastUserText(result.request) : `answer: ${JSON.stringify(result.answer)}`;
/** The error of a chain, thrown or rejected. */
export async function failureOf(work: () => unknown): Promise<SluiceError> {
  try {
    await work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('It did not fail.');
}

/** The events of a request of one user message. */
export function unfolded(text: string): RequestEvent[] {
  return [
    { type: 'request.start', dialect: 'native', stream: true, settings: {}, tools: [], metadata: {}, params: {} },
    { type: 'message.start', role: 'user' },
    { type: 'block.start', blockId: `new-${text}`, kind: 'text', role: 'user' },
    { type: 'text.delta', blockId: `new-${text}`, role: 'user', text },
    { type: 'block.end', blockId: `new-${text}` },
    { type: 'message.end' },
    { type: 'request.end' },
  ];
}
