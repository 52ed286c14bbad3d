import type { AnswerEvent } from '../kernel/event.ts';
import type { Credential } from '../kernel/component.ts';
import { applyCredential } from '../kernel/credential.ts';
import { asSluiceError } from '../kernel/errors.ts';
import { refuseKeptElsewhere } from '../kernel/dialects/kept-elsewhere.ts';
import { runProcessors, type ProcessedRequest, type RequestChainHooks } from '../kernel/request-chain.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import { isPromise, supervise } from '../kernel/supervise.ts';
import type { UpstreamRequest } from '../kernel/upstream.ts';
import { selectBackend } from '../routing/select-backend.ts';
import type { CompiledBackend, CompiledPipeline } from './compiled-pipeline.ts';

/** A request that has passed the processors, with the backend that it goes to and the credential in place. */
export interface OutgoingRequest {
  readonly request: ChatRequest;
  readonly backend: CompiledBackend;
  readonly upstream: UpstreamRequest;
  readonly credential: Credential | undefined;
  /** What the credential sent, to be hidden in the provider's own words. */
  readonly secrets: readonly string[];
}

/** A token that takes longer is not worth the wait of its client. */
const tokenSupervision = {
  what: 'token provider',
  timeoutMilliseconds: 30_000,
  timeoutCode: 'TOKEN_UNAVAILABLE',
  failureCode: 'TOKEN_UNAVAILABLE',
} as const;

export type Prepared = OutgoingRequest | { readonly answer: readonly AnswerEvent[] };

/**
 * The way of a request up to the wire: processors, choice of the backend, credential, encoding. A processor may answer in
 * place of a backend. Synchronous until a processor or a token provider returns a promise.
 */
export function prepareRequest(
  pipeline: CompiledPipeline,
  request: ChatRequest,
  run: Run,
  hooks: RequestChainHooks,
): Prepared | Promise<Prepared> {
  const steps = pipeline.processors(run);
  if (steps.length === 0) return address(pipeline, request, run);
  const processed = runProcessors(steps, request, run, hooks);
  const next = (result: ProcessedRequest): Prepared | Promise<Prepared> =>
    'answer' in result ? result : address(pipeline, result.request, run);
  return isPromise(processed) ? Promise.resolve(processed).then(next) : next(processed);
}

function address(
  pipeline: CompiledPipeline,
  request: ChatRequest,
  run: Run,
): OutgoingRequest | Promise<OutgoingRequest> {
  const backend = selectBackend(request.model, pipeline);
  const credential = takeToken(backend, run);
  return isPromise(credential)
    ? Promise.resolve(credential).then((token) => complete(request, backend, run, token))
    : complete(request, backend, run, credential);
}

function takeToken({ token }: CompiledBackend, run: Run): Credential | undefined | Promise<Credential> {
  try {
    const credential = token?.getToken(run);
    return isPromise(credential)
      ? Promise.resolve(supervise({ ...tokenSupervision, run }, () => credential))
      : credential;
  } catch (error) {
    throw asSluiceError(error, 'TOKEN_UNAVAILABLE');
  }
}

function complete(
  request: ChatRequest,
  backend: CompiledBackend,
  run: Run,
  credential: Credential | undefined,
): OutgoingRequest | Promise<OutgoingRequest> {
  refuseKeptElsewhere(request, backend.type);
  const upstream = backend.backend.encode(request, run);
  const outgoing = { request, backend, upstream, credential };
  if (credential === undefined) return { ...outgoing, secrets: [] };
  const secrets = applyCredential(credential, upstream);
  if (!isPromise(secrets)) return { ...outgoing, secrets };
  return Promise.resolve(supervise({ ...tokenSupervision, run }, () => secrets)).then((values) => ({
    ...outgoing,
    secrets: values,
  }));
}
