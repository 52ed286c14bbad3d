import type { Processor } from './component.ts';
import { asSluiceError, describeCause, SluiceError } from './errors.ts';
import type { AnswerEvent } from './event.ts';
import type { ChatRequest } from './request.ts';
import { RequestForm } from './dialects/request-form.ts';
import type { Run } from './run.ts';
import { eventsSize, requestSize, StepOutput } from './step-output.ts';
import { StepRun } from './step-run.ts';
import { isPromise, supervise } from './supervise.ts';

/** A processor of a pipeline with what the engine knows about it. */
export interface ProcessorStep {
  readonly name: string;
  /** It protects: it is never skipped, and its condition counts as true when it fails. */
  readonly guard: boolean;
  /** `skip` hands on what the step was given when it fails. */
  readonly onError: 'fail' | 'skip';
  readonly timeoutMilliseconds: number;
  /** Without it the step always runs. */
  readonly when?: (request: ChatRequest) => boolean;
  readonly processor: Processor;
}

/** The request for the backend, or the answer in its place. */
export type ProcessedRequest = { readonly request: ChatRequest } | { readonly answer: readonly AnswerEvent[] };

/** What a step did to the request; `left-out` where its condition was false. */
export type StepResult = 'unchanged' | 'changed' | 'answered' | 'left-out';

export interface RequestChainHooks {
  /** A step is over and did not fail. */
  onStep(step: string, result: StepResult): void;
  /** A step returned a promise: the run waits for it. */
  onWait(step: string): void;
  /** The wait is over, for whatever reason. */
  onWaitEnd(step: string): void;
}

/** These are the answer of a step to the client, not its failure. */
const verdicts: ReadonlySet<string> = new Set(['REQUEST_BLOCKED', 'REQUEST_INVALID']);

/**
 * Runs a request through the processors, in order. Everything is synchronous until a step returns a promise. Fails
 * with a SluiceError: that of the step, PROCESSOR_FAILED, PROCESSOR_TIMEOUT or PROCESSOR_FLOOD, or the reason of
 * `run.signal`.
 */
export function runProcessors(
  steps: readonly ProcessorStep[],
  request: ChatRequest,
  run: Run,
  hooks: RequestChainHooks,
): ProcessedRequest | Promise<ProcessedRequest> {
  return runFrom(0, RequestForm.whole(request), { steps, run, hooks });
}

interface Chain {
  readonly steps: readonly ProcessorStep[];
  readonly run: Run;
  readonly hooks: RequestChainHooks;
}

type StepOutcome = RequestForm | { readonly answer: readonly AnswerEvent[] };

function runFrom(first: number, given: RequestForm, chain: Chain): ProcessedRequest | Promise<ProcessedRequest> {
  let form = given;
  for (let index = first; index < chain.steps.length; index += 1) {
    const step = chain.steps[index];
    if (step === undefined) continue;
    if (!applies(step, form, chain.run)) {
      chain.hooks.onStep(step.name, 'left-out');
      continue;
    }
    const outcome = runStep(step, form, chain);
    if (outcome instanceof Promise) {
      const before = form;
      return outcome.then((settled) => {
        chain.hooks.onStep(step.name, resultOf(before, settled));
        return 'answer' in settled ? settled : runFrom(index + 1, settled, chain);
      });
    }
    chain.hooks.onStep(step.name, resultOf(form, outcome));
    if ('answer' in outcome) return outcome;
    form = outcome;
  }
  return { request: form.request };
}

function resultOf(before: RequestForm, outcome: StepOutcome): StepResult {
  if ('answer' in outcome) return 'answered';
  return outcome === before ? 'unchanged' : 'changed';
}

function applies({ when, guard, name }: ProcessorStep, form: RequestForm, run: Run): boolean {
  if (when === undefined) return true;
  const { request } = form;
  try {
    return when(request);
  } catch (error) {
    run.log.warn('The condition of a processor failed', {
      processor: name,
      run: run.id,
      pipeline: run.pipeline,
      cause: describeCause(error),
    });
    return guard;
  }
}

function runStep(step: ProcessorStep, form: RequestForm, { run, hooks }: Chain): StepOutcome | Promise<StepOutcome> {
  const output = new StepOutput(run, () =>
    step.processor.processRequest === undefined ? eventsSize(form.events) : requestSize(form.request),
  );
  const onFailure = (error: unknown): RequestForm => skipOrThrow(step, form, run, error);
  try {
    const returned = supervise<ChatRequest | undefined | void>(
      {
        what: step.name,
        run,
        timeoutMilliseconds: step.timeoutMilliseconds,
        timeoutCode: 'PROCESSOR_TIMEOUT',
        failureCode: 'PROCESSOR_FAILED',
      },
      (signal) => callProcessor(step.processor, form, output, new StepRun(run, signal)),
    );
    if (!isPromise(returned)) return conclude(step, form, output, returned);
    hooks.onWait(step.name);
    return Promise.resolve(returned)
      .finally(() => {
        output.close();
        hooks.onWaitEnd(step.name);
      })
      .then((value) => conclude(step, form, output, value))
      .catch(onFailure);
  } catch (error) {
    output.close();
    return onFailure(error);
  }
}

function callProcessor(
  processor: Processor,
  form: RequestForm,
  output: StepOutput,
  run: Run,
): ChatRequest | undefined | void | Promise<ChatRequest | undefined | void> {
  if (processor.processRequest !== undefined) return processor.processRequest(form.request, output, run);
  return processEvents(processor, form, output, run);
}

function processEvents(processor: Processor, form: RequestForm, output: StepOutput, run: Run): void | Promise<void> {
  const { events } = form;
  for (const [index, event] of events.entries()) {
    if (output.closed) return undefined;
    const pending = processor.process?.(event, output, run);
    if (isPromise(pending)) return processRest(processor, form, output, run, index + 1, pending);
  }
  return undefined;
}

async function processRest(
  processor: Processor,
  form: RequestForm,
  output: StepOutput,
  run: Run,
  next: number,
  first: PromiseLike<void>,
): Promise<void> {
  await first;
  for (const event of form.events.slice(next)) {
    // A step that was given up, or that answered, gets nothing more.
    if (output.closed) return;
    const pending = processor.process?.(event, output, run);
    if (isPromise(pending)) await pending;
  }
}

/** What the step made of the request. Throws where it made nothing that can go on. */
function conclude(
  step: ProcessorStep,
  form: RequestForm,
  output: StepOutput,
  returned: ChatRequest | undefined | void,
): StepOutcome {
  output.close();
  output.assertNoFlood();
  if (output.answered !== undefined) return { answer: output.answered };
  const { processor, name } = step;
  if (processor.processRequest !== undefined && returned !== undefined) {
    if (!isRequest(returned)) throw failure(name, 'it returned something that is no request');
    if (output.events.length > 0) throw failure(name, 'it pushed events and returned a request');
    output.checkRequest(returned);
    return returned === form.request ? form : RequestForm.whole(returned);
  }
  const pushesNothing = processor.process === undefined || processor.processRequest !== undefined;
  if (pushesNothing && output.events.length === 0) return form;
  if (isSame(output.events, form.events)) return form;
  const after = form.after(name, output.events);
  // A step that may be skipped is judged at once: later its own input would be gone.
  if (isSkippable(step)) void after.request;
  return after;
}

/** A step that handed everything on changed nothing, so what was folded before stays folded. */
function isSame(pushed: readonly unknown[], given: readonly unknown[]): boolean {
  return pushed.length === given.length && pushed.every((event, index) => event === given[index]);
}

function isRequest(value: unknown): value is ChatRequest {
  const { messages, tools, settings } = Object(value) as Partial<Record<keyof ChatRequest, unknown>>;
  return Array.isArray(messages) && Array.isArray(tools) && typeof settings === 'object' && settings !== null;
}

function failure(step: string, reason: string): SluiceError {
  return new SluiceError('PROCESSOR_FAILED', { context: { component: step, reason } });
}

function isSkippable({ onError, guard }: ProcessorStep): boolean {
  return onError === 'skip' && !guard;
}

function skipOrThrow(step: ProcessorStep, form: RequestForm, run: Run, thrown: unknown): RequestForm {
  const error = asSluiceError(thrown, 'PROCESSOR_FAILED', { component: step.name });
  if (!isSkippable(step) || verdicts.has(error.code) || run.signal.aborted) throw error;
  run.meter.count('processors_skipped');
  const { reason } = error.context;
  run.log.warn('A processor failed and was skipped', {
    processor: step.name,
    run: run.id,
    pipeline: run.pipeline,
    code: error.code,
    cause: describeCause(error.cause),
    ...(reason !== undefined && { reason }),
  });
  return form;
}
