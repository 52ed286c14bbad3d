import type { Clock } from '../../clock.ts';
import { applyCredential } from '../../credential.ts';
import type { HttpAnswer } from '../../http-caller.ts';
import { readRetryAfter } from '../../retry-after.ts';
import type { UpstreamRequest } from '../../upstream.ts';
import type { Credential, Refusal, TokenLink, TokenRun } from '../token-provider.ts';

export interface Exchange {
  readonly clock: Pick<Clock, 'wallTime'>;
  /** The request anew, without an authorisation. */
  readonly build: () => UpstreamRequest;
  readonly send: (request: UpstreamRequest, signal: AbortSignal) => Promise<HttpAnswer>;
}

/**
 * Asks with the credential of another provider. One that is refused is given back, and where another one comes for it the
 * request is made once more. Any status is an answer.
 */
export async function authorisedExchange(exchange: Exchange, link: TokenLink, run: TokenRun): Promise<HttpAnswer> {
  const credential = await link.getToken(run);
  const answer = await exchangeWith(credential, exchange, link, run);
  if (answer.status !== 401) return answer;
  const renewed = await link.getToken(run);
  if (renewed !== credential) return exchangeWith(renewed, exchange, link, run);
  link.settled(renewed, 'refused');
  return answer;
}

async function exchangeWith(
  credential: Credential,
  { build, send, clock }: Exchange,
  link: TokenLink,
  run: TokenRun,
): Promise<HttpAnswer> {
  let outcome: 'accepted' | 'refused' | 'failed' = 'failed';
  try {
    const request = build();
    await applyCredential(credential, request);
    const answer = await send(request, run.signal);
    const refusal = refusalIn(answer, clock.wallTime());
    if (refusal !== undefined) {
      outcome = 'refused';
      link.invalidate(credential, refusal);
    } else if (answer.status < 400) outcome = 'accepted';
    return answer;
  } finally {
    link.settled(credential, outcome);
  }
}

function refusalIn({ status, headers }: HttpAnswer, wallTime: number): Refusal | undefined {
  if (status === 401) return { reason: 'rejected' };
  if (status !== 402 && status !== 429) return undefined;
  const seconds = readRetryAfter(headers, wallTime);
  return {
    reason: status === 402 ? 'quota' : 'rate-limited',
    ...(seconds !== undefined && { retryAfterMilliseconds: seconds * 1_000 }),
  };
}
