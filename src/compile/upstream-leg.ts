import { applyCredential } from '../kernel/credential.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { AnswerReceiver, ForwardCall, Forwarder } from '../kernel/forward.ts';
import { refuseKeptElsewhere } from '../kernel/dialects/kept-elsewhere.ts';
import type { ChatRequest } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import { isPromise, supervise } from '../kernel/supervise.ts';
import { giveBack } from '../kernel/tokens/give-back.ts';
import { refusalOf } from '../kernel/tokens/refusal-of.ts';
import type { Credential, Refusal, TokenLink } from '../kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../kernel/upstream.ts';
import type { CompiledBackend, CompiledPipeline } from './compiled-pipeline.ts';
import { RetryTime } from './retry-time.ts';

export interface LegOptions {
  readonly request: ChatRequest;
  readonly backend: CompiledBackend;
  readonly run: Run;
  readonly forwarder: Forwarder;
  readonly limits: CompiledPipeline['limits'];
  readonly receiver: AnswerReceiver;
  /** What fails while somebody is waited for; what fails at once is thrown. */
  readonly onFailed: (error: unknown) => void;
}

/** A token that takes longer is not worth the wait of its client. */
const tokenSupervision = {
  what: 'token provider',
  timeoutMilliseconds: 30_000,
  timeoutCode: 'TOKEN_UNAVAILABLE',
  failureCode: 'TOKEN_UNAVAILABLE',
} as const;

/**
 * Brings one request to one provider: a credential for each attempt, and another attempt where the credential was refused
 * and its provider has another one. Everything is synchronous until a token provider returns a promise.
 */
export class UpstreamLeg implements ForwardCall {
  readonly backend: CompiledBackend;
  readonly #options: LegOptions;
  readonly #upstream: UpstreamRequest;
  readonly #tried: Credential[] = [];
  readonly #retryTime: RetryTime;
  #secrets: readonly string[] = [];
  #call: ForwardCall | undefined;
  #attempts = 0;
  #isPaused = false;
  #isOver = false;
  /** What was taken from the token provider and not yet given back. */
  #inUse: Credential | undefined;
  #isAccepted = false;

  constructor(options: LegOptions) {
    const { request, backend, run } = options;
    this.#options = options;
    this.backend = backend;
    this.#retryTime = new RetryTime(run.clock);
    refuseKeptElsewhere(request, backend.type);
    this.#upstream = backend.backend.encode(request, run);
    if (this.#upstream.origin !== backend.backend.origin) throw new SluiceError('CREDENTIAL_ORIGIN_MISMATCH');
  }

  /** How often the provider was asked. */
  get attempts(): number {
    return this.#attempts;
  }

  /** What the credentials sent, to be hidden in the provider's own words. */
  get secrets(): readonly string[] {
    return this.#secrets;
  }

  start(): void {
    const { token } = this.backend;
    if (token === undefined) {
      this.#send(this.#upstream);
      return;
    }
    const credential = this.#take(token);
    if (isPromise(credential)) this.#later(credential, (ready) => this.#sendWith(ready), this.#options.onFailed);
    else this.#sendWith(credential);
  }

  pause(): void {
    this.#isPaused = true;
    this.#call?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#call?.resume();
  }

  abort(): void {
    this.#isOver = true;
    this.#call?.abort();
  }

  /** What it asks, as the steps of the pipeline have made it. */
  get request(): ChatRequest {
    return this.#options.request;
  }

  /** The provider took the request, and answers. */
  accept(): void {
    this.#isAccepted = true;
    if (this.#inUse !== undefined) this.backend.token?.accepted(this.#inUse);
  }

  /**
   * The provider answered with a failure. Undefined where that was about the credential and another one is tried, which is
   * not done where something of the answer `hasLeft`; else the failure that the run ends with.
   */
  retry(error: SluiceError, hasLeft = false): SluiceError | undefined {
    const { token } = this.backend;
    const refused = this.#inUse;
    const refusal = refusalOf(error);
    if (token === undefined || refused === undefined || refusal === undefined) return error;
    this.#retryTime.told(error);
    this.#giveBack('refused');
    token.invalidate(refused, refusal);
    const further = refusal.reason === 'rejected' ? token.spares : token.others;
    const isTried = !hasLeft && !this.#isOver && this.#tried.length <= further;
    return isTried && this.#tryAnother(token, refusal, error) ? undefined : this.#retryTime.on(error);
  }

  /** The leg is over, whatever its end; later calls do nothing. */
  end(): void {
    this.#isOver = true;
    this.#giveBack(this.#isAccepted ? 'accepted' : 'failed');
  }

  #tryAnother(token: TokenLink, { reason }: Refusal, error: SluiceError): boolean {
    const { run, onFailed } = this.#options;
    const useOther = (credential: Credential): boolean => {
      if (this.#tried.includes(credential)) {
        token.settled(credential, 'failed');
        return false;
      }
      run.log.debug('a credential was refused, another one is tried', {
        run: run.id,
        backend: this.backend.name,
        tokenProvider: token.name,
        reason,
      });
      run.meter.count('credential_retries');
      this.#sendWith(credential);
      return true;
    };
    let next: Credential | Promise<Credential>;
    try {
      next = this.#take(token);
    } catch (failure) {
      // The token provider has told its own failure; the client is told what its provider said.
      this.#retryTime.told(failure);
      return false;
    }
    if (!isPromise(next)) return useOther(next);
    const use = (credential: Credential): void => {
      if (!useOther(credential)) onFailed(this.#retryTime.on(error));
    };
    this.#later(next, use, (failure) => {
      this.#retryTime.told(failure);
      onFailed(this.#retryTime.on(error));
    });
    return true;
  }

  #take(token: TokenLink): Credential | Promise<Credential> {
    const { run } = this.#options;
    try {
      const credential = token.getToken(run);
      return isPromise(credential) ? this.#await(credential, token) : credential;
    } catch (error) {
      throw asSluiceError(error, 'TOKEN_UNAVAILABLE');
    }
  }

  async #await(pending: PromiseLike<Credential>, token: TokenLink): Promise<Credential> {
    try {
      return await supervise({ ...tokenSupervision, run: this.#options.run }, () => Promise.resolve(pending));
    } catch (error) {
      giveBack(token, pending);
      throw error;
    }
  }

  #sendWith(credential: Credential): void {
    const { run, onFailed } = this.#options;
    if (this.#isOver) {
      this.backend.token?.settled(credential, 'failed');
      return;
    }
    this.#inUse = credential;
    this.#isAccepted = false;
    this.#tried.push(credential);
    const request = copyOf(this.#upstream);
    const values = applyCredential(credential, request, this.#upstream);
    if (!isPromise(values)) {
      this.#sendApplied(request, values);
      return;
    }
    const applied = Promise.resolve(supervise({ ...tokenSupervision, run }, () => values));
    this.#later(applied, (ready) => this.#sendApplied(request, ready), onFailed);
  }

  #sendApplied(request: UpstreamRequest, values: readonly string[]): void {
    this.#secrets = this.#secrets.length === 0 ? values : [...this.#secrets, ...values];
    this.#send(request);
  }

  #send(request: UpstreamRequest): void {
    if (this.#isOver) return;
    const { run, forwarder, limits, receiver, request: asked } = this.#options;
    const { transport, timeouts } = this.backend;
    this.#attempts += 1;
    this.#call = forwarder.send({
      transport,
      request,
      // A document is not there before it is whole.
      timeouts: asked.stream ? timeouts : { ...timeouts, headers: timeouts.total },
      maxFrameBytes: limits.maxFrameBytes,
      maxAnswerBytes: limits.maxAnswerBytes,
      receiver,
      run,
    });
    if (this.#isPaused) this.#call.pause();
  }

  #giveBack(outcome: 'accepted' | 'refused' | 'failed'): void {
    const credential = this.#inUse;
    this.#inUse = undefined;
    if (credential !== undefined) this.backend.token?.settled(credential, outcome);
  }

  /** Whatever goes wrong in `use` is the owner's to hear of: nobody else waits any more. */
  #later<T>(pending: PromiseLike<T>, use: (value: T) => void, onFailed: (error: unknown) => void): void {
    pending.then((value) => {
      try {
        use(value);
      } catch (error) {
        this.#options.onFailed(error);
      }
    }, onFailed);
  }
}

/** What a credential may change. */
function copyOf(request: UpstreamRequest): UpstreamRequest {
  return { ...request, headers: { ...request.headers } };
}
