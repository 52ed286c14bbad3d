import type { Run } from './run.ts';

export interface HttpCall {
  readonly method: 'GET' | 'POST';
  /** Absolute, `http:` or `https:`. Redirects are not followed. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Where the address may be; `private` is the operator's word in the definition. */
  readonly network: 'public' | 'private';
  /** The whole exchange. */
  readonly timeoutMilliseconds: number;
  /** Of the body of the answer. */
  readonly maxBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/**
 * The way out for components that ask somebody beside the model: the same guard, limits and timers as for providers.
 * Rejects with a SluiceError where no whole answer came; any status is an answer. Ends with `run.signal`.
 */
export interface HttpCaller {
  call(request: HttpCall, run: Pick<Run, 'signal'>): Promise<HttpAnswer>;
}
