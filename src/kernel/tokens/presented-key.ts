import Type from 'typebox';
import { SluiceError } from '../errors.ts';
import type { Secret } from '../schema.ts';

/**
 * A header of the client's request that carries a key. Lower case. What else clients send (cookies, framing, what
 * proxies tell each other) is never taken for one.
 */
export const keyHeader = Type.String({
  pattern: '^(?!proxy-|sec-)([a-z0-9]{1,24}-){0,4}(authorization|api-?key|key|token|secret)$',
  'x-hint': 'a header that carries a key, in lower case, such as "authorization" or "x-api-key"',
  description: 'A header of the client that carries a key.',
});

/** What a client presented, without the word before it. */
export interface PresentedKey {
  readonly scheme: 'bearer' | 'basic' | '';
  readonly text: string;
}

/** Characters of a header with a key, its scheme included. */
const maxHeaderLength = 16_384;
/** One word, perhaps with its scheme before it; anything else, such as the parts of a signature, is no key. */
const presentation = /^(?:(bearer|basic)[ \t]+)?(\S+)$/i;
const schemeAlone = /^(?:bearer|basic)$/i;

/** The key in one header of the client's request, or undefined where there is none. */
export function presentedKey(
  run: { presented(header: string): Secret | undefined },
  header: string,
): PresentedKey | undefined {
  const value = run.presented(header)?.reveal().trim() ?? '';
  if (value.length > maxHeaderLength || schemeAlone.test(value)) return undefined;
  const [, word = '', text] = presentation.exec(value) ?? [];
  if (text === undefined) return undefined;
  const scheme = word.toLowerCase();
  return { scheme: scheme === 'bearer' || scheme === 'basic' ? scheme : '', text };
}

/** The client sent no key that this pipeline can work with, in none of `headers`. */
export function callerKeyMissing(headers: readonly string[], reason?: string): SluiceError {
  return new SluiceError('CALLER_KEY_MISSING', {
    details: { headers: headers.join(', ') },
    ...(reason !== undefined && { context: { reason } }),
  });
}
