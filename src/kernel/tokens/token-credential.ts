import Type from 'typebox';
import { connectionHeaders } from '../connection-headers.ts';
import type { UpstreamRequest } from '../upstream.ts';
import { tokenInvalid } from './token-failure.ts';
import type { Credential } from './token-provider.ts';

/** Characters of a token; servers refuse longer headers. */
const maxTokenLength = 16_384;
const usableToken = /^[\x20-\x7e\x80-\xff]+$/;

/** Headers that frame or route a request, in lower case; a token in one of them would break it. */
export const framingHeaders: ReadonlySet<string> = new Set([
  ...connectionHeaders,
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-type',
]);

const Header = (otherwise: string) =>
  Type.Optional(
    Type.String({
      pattern: '^[A-Za-z][A-Za-z0-9-]{0,63}$',
      description: `Header that carries it, such as "x-api-key", "api-key" or "x-goog-api-key". When left out, ${otherwise}.`,
    }),
  );
const scheme = Type.Optional(
  Type.String({
    pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,32}$",
    description:
      'Word before it: "Bearer" in the header authorization and none in any other when left out, "" for none. With "Basic" ' +
      'it is USER:PASSWORD and sent encoded.',
  }),
);

/** Where a token goes in the request to the provider of the model: fields of a config. */
export const placementFields = { header: Header('authorization'), scheme };

/** The same for the keys that providers of models give out, for which each of them has a place. */
export const keyPlacementFields = {
  header: Header('that of the backend: x-api-key, api-key, x-goog-api-key, or authorization'),
  scheme,
};

/** Where a token goes. `query` is the name of a parameter, in place of a header. */
export interface Placement {
  readonly header: string;
  readonly scheme: string;
  readonly query?: string;
  /** Where the backend has a place for keys, that one counts. */
  readonly isKey?: true;
}

export const bearer: Placement = { header: 'authorization', scheme: 'Bearer' };

interface PlacementConfig {
  readonly header?: string;
  readonly scheme?: string;
}

/** Where a token goes. Throws a TypeError, which refuses the definition, where it would break the request. */
export function placementOf({ header = bearer.header, scheme: word }: PlacementConfig): Placement {
  if (framingHeaders.has(header.toLowerCase())) throw new TypeError(`header: "${header}" can't carry a token`);
  return { header, scheme: word ?? (header.toLowerCase() === bearer.header ? bearer.scheme : '') };
}

/** The same for a key of a provider of models. */
export function keyPlacementOf({ header, scheme: word }: PlacementConfig): Placement {
  if (header === undefined && word === undefined) return { ...bearer, isKey: true };
  return placementOf({ ...(header !== undefined && { header }), ...(word !== undefined && { scheme: word }) });
}

/** The token itself, or TOKEN_INVALID where it can't stand in a header; never shows it. */
export function usable(token: unknown, context: Readonly<Record<string, string>> = {}): string {
  if (typeof token !== 'string' || token.trim() === '') throw tokenInvalid('the token is empty', { context });
  if (token.length > maxTokenLength) throw tokenInvalid('the token is too long', { context });
  if (!usableToken.test(token)) throw tokenInvalid('the token has characters that no header takes', { context });
  return token;
}

/** A credential that sends one token. The token stays in the closure, so that printing a credential shows nothing. */
export function tokenCredential(token: string, placement: Placement, expiresAt?: number): Credential {
  const value = usable(token);
  return {
    origins: '*',
    ...(expiresAt !== undefined && { expiresAt }),
    apply: placement.query === undefined ? inHeader(value, placement) : inQuery(value, placement.query),
  };
}

function inHeader(token: string, { header, scheme: word, isKey }: Placement): Credential['apply'] {
  const name = header.toLowerCase();
  const text = word.toLowerCase() === 'basic' ? Buffer.from(token).toString('base64') : token;
  const value = word === '' ? text : `${word} ${text}`;
  return (request) => {
    if (isKey === true && request.keyHeader !== undefined) request.headers[request.keyHeader] = token;
    else request.headers[name] = value;
  };
}

function inQuery(token: string, name: string): Credential['apply'] {
  const parameter = `${encodeURIComponent(name)}=${encodeURIComponent(token)}`;
  return (request: UpstreamRequest) => {
    request.path += `${request.path.includes('?') ? '&' : '?'}${parameter}`;
  };
}
