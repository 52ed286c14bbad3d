import { asSluiceError } from '../errors.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../http-caller.ts';
import { maxTokenAnswerBytes } from './token-document.ts';
import { tokenInvalid, tokenUnavailable } from './token-failure.ts';

/**
 * Asks whoever gives tokens; any status is an answer. Fails with TOKEN_UNAVAILABLE where no whole answer came, with
 * TOKEN_INVALID where it was too large, and with the reason of the signal where that ended it. What caused a failure may
 * hold bytes of the answer, so that its code alone goes on.
 */
export async function askTokenServer(
  call: Omit<HttpCall, 'maxBytes'>,
  http: HttpCaller,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const headers = { accept: 'application/json', 'user-agent': 'sluice', ...call.headers };
  try {
    return await http.call({ ...call, headers, maxBytes: maxTokenAnswerBytes }, { signal });
  } catch (thrown) {
    if (signal.aborted) throw asSluiceError(signal.reason);
    const { code, context } = asSluiceError(thrown, 'TOKEN_UNAVAILABLE');
    if (code === 'ANSWER_TOO_LARGE') throw tokenInvalid('the answer of the token server is too large', { context });
    throw tokenUnavailable(code, { context });
  }
}
