import type { Clock } from '../clock.ts';
import { SluiceError } from '../errors.ts';
import type { Log } from '../run.ts';
import { isPromise } from '../supervise.ts';
import { tokenUnavailable, wordOf } from './token-failure.ts';
import type { Credential, TokenDetail, TokenLink, TokenProvider, TokenRun, TokenState } from './token-provider.ts';

/** What a token provider may fail with; anything else is TOKEN_UNAVAILABLE because of it. */
const ownCodes: ReadonlySet<string> = new Set([
  'TOKEN_UNAVAILABLE',
  'TOKEN_INVALID',
  'CALLER_KEY_MISSING',
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
  #isFailing = false;

  constructor({ name, type, provider }: NamedProvider, { clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.name = name;
    this.type = type;
    this.spares = provider.spares ?? 1;
    this.others = provider.others ?? 0;
    this.#provider = provider;
    this.#clock = clock;
    this.#log = log;
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    try {
      const credential = this.#provider.getToken(run);
      if (isPromise(credential)) return this.#watch(credential, run);
      if (this.#isFailing) this.#recovered();
      return credential;
    } catch (error) {
      throw this.#failed(error, run);
    }
  }

  invalidate: TokenProvider['invalidate'] = (credential, refusal) => {
    this.#provider.invalidate(credential, refusal);
  };

  accepted(credential: Credential): void {
    this.#provider.accepted?.(credential);
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    this.#provider.settled?.(credential, outcome);
  }

  state(): TokenState {
    const detail: TokenDetail = this.#provider.state?.() ?? {};
    const failure = this.#lastFailure;
    return {
      name: this.name,
      type: this.type,
      ...(this.#isFailing && { status: 'failing' as const }),
      ...detail,
      ...(failure !== undefined && {
        lastFailure: {
          code: failure.code,
          reason: failure.reason,
          secondsAgo: Math.round((this.#clock.now() - failure.at) / 1_000),
        },
      }),
    };
  }

  dispose(): void | Promise<void> {
    return this.#provider.dispose?.();
  }

  async #watch(pending: PromiseLike<Credential>, run: TokenRun): Promise<Credential> {
    try {
      const credential = await pending;
      if (this.#isFailing) this.#recovered();
      return credential;
    } catch (error) {
      throw this.#failed(error, run);
    }
  }

  #failed(thrown: unknown, run: TokenRun): SluiceError {
    // The words of a foreign error may quote what it failed on.
    const cause = thrown instanceof SluiceError ? thrown : tokenUnavailable(`it threw ${nameOf(thrown)}`);
    // The run is over, and that is nobody's failure.
    if (run.signal.aborted && !ownCodes.has(cause.code)) return cause;
    const error = named(cause, this.name);
    // A caller without a key says nothing about the provider.
    if (error.code === 'CALLER_KEY_MISSING') return error;
    const reason = String(error.context['reason'] ?? error.code);
    if (!this.#isFailing) {
      this.#isFailing = true;
      this.#log.warn('a token provider fails', { tokenProvider: this.name, type: this.type, code: error.code, reason });
    }
    this.#lastFailure = { code: error.code, reason, at: this.#clock.now() };
    return error;
  }

  #recovered(): void {
    this.#isFailing = false;
    this.#log.info('a token provider works again', { tokenProvider: this.name, type: this.type });
  }
}

function nameOf(thrown: unknown): string {
  return wordOf(Object(thrown).name, typeof thrown);
}

/** The same failure with the name in front of those of the providers below. */
function named(error: SluiceError, name: string): SluiceError {
  const { tokenProvider: below, ...context } = error.context;
  const isOwn = ownCodes.has(error.code);
  return new SluiceError(isOwn ? error.code : 'TOKEN_UNAVAILABLE', {
    ...(isOwn && { details: error.details, status: error.status }),
    ...(error.retryAfterSeconds !== undefined && { retryAfterSeconds: error.retryAfterSeconds }),
    cause: error.cause ?? (isOwn ? undefined : error),
    context: {
      ...(!isOwn && { reason: error.code }),
      ...context,
      tokenProvider: below === undefined ? name : `${name} > ${String(below)}`,
    },
  });
}
