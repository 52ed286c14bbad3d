import type { Clock } from '../clock.ts';
import { SluiceError } from '../errors.ts';
import type { Log } from '../run.ts';
import { isPromise } from '../supervise.ts';
import { refusalOf } from './refusal-of.ts';
import { isOfCaller, tokenFailureOf, tokenInvalid } from './token-failure.ts';
import type {
  Credential,
  Refusal,
  TokenDetail,
  TokenLink,
  TokenProvider,
  TokenRun,
  TokenState,
} from './token-provider.ts';

/** What a token provider may fail with; anything else is TOKEN_UNAVAILABLE because of it. */
const ownCodes: ReadonlySet<string> = new Set([
  'TOKEN_UNAVAILABLE',
  'TOKEN_INVALID',
  'CALLER_KEY_MISSING',
  'CALLER_KEY_REFUSED',
  'UPSTREAM_RATE_LIMITED',
  'CREDENTIAL_ORIGIN_MISMATCH',
]);

export interface NamedProvider {
  readonly name: string;
  readonly type: string;
  readonly provider: TokenProvider;
}

/**
 * Gives a provider its name: each failure says who failed, wrapped ones as a path such as `openai > primary`, and the last
 * one is remembered for whoever asks about the state.
 */
export function linkOf(named: NamedProvider, capabilities: { readonly clock: Clock; readonly log: Log }): TokenLink {
  const { provider } = named;
  const link = new NamedLink(named, capabilities);
  if (provider.subject !== undefined) link.subject = (run) => provider.subject?.(run) ?? '';
  return link;
}

/** More further credentials than this no run tries, however deep providers are nested. */
const mostFurther = 7;

/** So long after a line about a failure none is written about the next: for one that comes and goes, or for some callers. */
const quietMilliseconds = 60_000;

class NamedLink implements TokenLink {
  readonly name: string;
  readonly type: string;
  readonly spares: number;
  readonly others: number;
  subject?: (run: TokenRun) => string;
  readonly #provider: TokenProvider;
  readonly #clock: Clock;
  readonly #log: Log;
  #lastFailure: { readonly code: string; readonly reason: string; readonly at: number } | undefined;
  #lastRefusal: { readonly reason: Refusal['reason']; readonly at: number } | undefined;
  #isFailing = false;
  /** That it fails was written, and that it works again was not. */
  #isTold = false;
  #quietUntil = Number.NEGATIVE_INFINITY;
  #isBroken = false;

  constructor({ name, type, provider }: NamedProvider, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.name = name;
    this.type = type;
    this.spares = boundedCount(provider.spares ?? 1);
    this.others = boundedCount(provider.others ?? 0);
    this.#provider = provider;
    this.#clock = clock;
    this.#log = log;
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    try {
      const credential = this.#provider.getToken(run);
      return isPromise(credential) ? this.#watch(credential, run) : this.#given(credential);
    } catch (error) {
      throw this.#failed(error, run);
    }
  }

  invalidate: TokenProvider['invalidate'] = (credential, refusal) => {
    // That a caller has a bad key says nothing about the provider.
    if (this.subject === undefined && refusal.isRepeated !== true)
      this.#lastRefusal = { reason: refusal.reason, at: this.#clock.now() };
    try {
      this.#provider.invalidate(credential, refusal);
    } catch (error) {
      this.#broke(error);
    }
  };

  accepted(credential: Credential): void {
    try {
      this.#provider.accepted?.(credential);
    } catch (error) {
      this.#broke(error);
    }
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    try {
      this.#provider.settled?.(credential, outcome);
    } catch (error) {
      this.#broke(error);
    }
  }

  state(): TokenState {
    const detail: TokenDetail = this.#provider.state?.() ?? {};
    const failure = this.#lastFailure;
    const refusal = this.#lastRefusal;
    return {
      name: this.name,
      type: this.type,
      ...detail,
      ...(this.#isFailing && this.#hides(detail) && { status: 'failing' as const }),
      ...(failure !== undefined && {
        lastFailure: { code: failure.code, reason: failure.reason, secondsAgo: this.#secondsSince(failure.at) },
      }),
      ...(refusal !== undefined && {
        lastRefusal: { reason: refusal.reason, secondsAgo: this.#secondsSince(refusal.at) },
      }),
    };
  }

  /** What it has is no use while it gives nothing; where tokens differ by caller that may be so for one of them. */
  #hides({ status }: TokenDetail): boolean {
    return status === undefined || (this.subject === undefined && (status === 'idle' || status === 'ready'));
  }

  #secondsSince(then: number): number {
    return Math.round((this.#clock.now() - then) / 1_000);
  }

  dispose(): void | Promise<void> {
    return this.#provider.dispose?.();
  }

  async #watch(pending: PromiseLike<Credential>, run: TokenRun): Promise<Credential> {
    try {
      return this.#given(await pending);
    } catch (error) {
      throw this.#failed(error, run);
    }
  }

  #given(credential: Credential): Credential {
    if (!isCredential(credential)) throw tokenInvalid('it gave no credential');
    if (this.#isFailing) this.#recovered();
    return credential;
  }

  #failed(thrown: unknown, run: TokenRun): SluiceError {
    if (run.signal.aborted) {
      const end = tokenFailureOf(run.signal.reason);
      // The run is over, and that is nobody's failure.
      if (!ownCodes.has(end.code)) return end;
    }
    const error = withName(tokenFailureOf(thrown), this.name);
    if (isOfCaller(error)) return error;
    const reason = String(error.context['reason'] ?? error.code);
    const now = this.#clock.now();
    this.#isFailing = true;
    this.#lastFailure = { code: error.code, reason, at: now };
    if (this.#isTold || now < this.#quietUntil) return error;
    this.#isTold = true;
    this.#quietUntil = now + quietMilliseconds;
    this.#log.warn('a token provider fails', { tokenProvider: this.name, type: this.type, code: error.code, reason });
    return error;
  }

  #recovered(): void {
    this.#isFailing = false;
    if (!this.#isTold) return;
    this.#isTold = false;
    this.#log.info('a token provider works again', { tokenProvider: this.name, type: this.type });
  }

  /** It was only told something, so the run goes on. */
  #broke(thrown: unknown): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    const { code, context } = tokenFailureOf(thrown);
    const reason = String(context['reason'] ?? code);
    this.#log.error('a token provider broke', { tokenProvider: this.name, type: this.type, reason });
  }
}

/** Looks at what a component of anybody gave. */
function isCredential(value: unknown): value is Credential {
  if (typeof value !== 'object' || value === null) return false;
  const { apply, origins } = value as Partial<Credential>;
  return typeof apply === 'function' && (origins === '*' || Array.isArray(origins));
}

function boundedCount(count: number): number {
  return count > 0 ? Math.min(Math.floor(count), mostFurther) : 0;
}

/** The same failure with the name in front of those of the providers below. */
function withName(error: SluiceError, name: string): SluiceError {
  const { tokenProvider: below, ...context } = error.context;
  // A pool fails as what the provider of the model said about its keys.
  const isOwn = ownCodes.has(error.code) || refusalOf(error) !== undefined;
  return new SluiceError(isOwn ? error.code : 'TOKEN_UNAVAILABLE', {
    ...(isOwn && { details: error.details, status: error.status }),
    ...(isTime(error.retryAfterSeconds) && { retryAfterSeconds: error.retryAfterSeconds }),
    cause: error.cause ?? (isOwn ? undefined : error),
    context: {
      ...(!isOwn && { reason: error.code }),
      ...context,
      tokenProvider: below === undefined ? name : `${name} > ${String(below)}`,
    },
  });
}

function isTime(seconds: number | undefined): seconds is number {
  return seconds !== undefined && Number.isFinite(seconds) && seconds >= 0;
}
