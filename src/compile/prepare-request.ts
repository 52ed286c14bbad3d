import type { AnswerEvent } from '../kernel/event.ts';
import { runProcessors, type ProcessedRequest, type RequestChainHooks } from '../kernel/request-chain.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import { isPromise } from '../kernel/supervise.ts';
import { selectBackend } from '../routing/select-backend.ts';
import type { CompiledBackend, CompiledPipeline } from './compiled-pipeline.ts';

/** A request that has passed the processors, with the backend that it goes to. */
export interface AddressedRequest {
  readonly request: ChatRequest;
  readonly backend: CompiledBackend;
}

export type Prepared = AddressedRequest | { readonly answer: readonly AnswerEvent[] };

/**
 * The way of a request up to its provider: processors and the choice of the backend. A processor may answer in place of a
 * backend. Synchronous until a processor returns a promise.
 */
export function prepareRequest(
  pipeline: CompiledPipeline,
  request: ChatRequest,
  run: Run,
  hooks: RequestChainHooks,
): Prepared | Promise<Prepared> {
  const steps = pipeline.processors(run);
  if (steps.length === 0) return address(pipeline, request);
  const processed = runProcessors(steps, request, run, hooks);
  const next = (result: ProcessedRequest): Prepared =>
    'answer' in result ? result : address(pipeline, result.request);
  return isPromise(processed) ? Promise.resolve(processed).then(next) : next(processed);
}

function address(pipeline: CompiledPipeline, request: ChatRequest): AddressedRequest {
  return { request, backend: selectBackend(request.model, pipeline) };
}
