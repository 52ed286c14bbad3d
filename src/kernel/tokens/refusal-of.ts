import type { SluiceError } from '../errors.ts';
import type { Refusal } from './token-provider.ts';

/** What the answer of a provider says about the credential; undefined where it says nothing about it. */
export function refusalOf({ code, context, retryAfterSeconds }: SluiceError): Refusal | undefined {
  const status = context['upstreamStatus'];
  const later = retryAfterSeconds !== undefined && { retryAfterMilliseconds: retryAfterSeconds * 1_000 };
  // A key that may not do one thing may do another: a 403 is about the request.
  if (code === 'UPSTREAM_AUTH') return status === 403 ? undefined : { reason: 'rejected' };
  if (status === 402 || context['exhausted'] === true) return { reason: 'quota', ...later };
  return code === 'UPSTREAM_RATE_LIMITED' ? { reason: 'rate-limited', ...later } : undefined;
}
