import { allowInsecureRequests, customFetch, genericTokenEndpointRequest } from 'oauth4webapi';
import Type from 'typebox';
import { parseDuration, type Clock } from '../../clock.ts';
import { SluiceError } from '../../errors.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../../http-caller.ts';
import { defaulted, Duration } from '../../schema.ts';
import { askTokenServer } from '../ask-token-server.ts';
import { checkAddress } from '../check-address.ts';
import type { ClientAuthentication } from './client-authentication.ts';
import { usable } from '../token-credential.ts';
import { readTokenDocument } from '../token-document.ts';
import { nameOfThrown, tokenInvalid, tokenUnavailable } from '../token-failure.ts';
import { askedAt, earlierExpiry, expiryAfter } from '../token-lifetime.ts';

/** Where tokens are asked for: fields of a config. */
export const tokenEndpointFields = {
  tokenUrl: Type.String({
    minLength: 1,
    maxLength: 2_048,
    pattern: '^https?://',
    'x-hint': 'an address that begins with https://',
    description:
      'Address at which the token server gives tokens, without a query. `http:` only with "network": "private".',
  }),
  network: defaulted(
    Type.Enum(['public', 'private'], {
      description: 'Where the token server may be; "private" admits addresses of the own network.',
    }),
    'public',
  ),
  timeout: defaulted({ ...Duration, description: 'For the whole answer of the token server.' }, '5s'),
};

interface TokenEndpointConfig {
  readonly tokenUrl: string;
  readonly network: TokenEndpoint['network'];
  readonly timeout: string;
}

export interface TokenEndpoint {
  readonly url: string;
  readonly network: 'public' | 'private';
  readonly timeoutMilliseconds: number;
  readonly authentication: ClientAuthentication;
}

/** What a token server gave. Times are those of `clock.now()`. */
export interface TokenGrant {
  readonly token: string;
  /** From `expires_in`, or from the token itself where it is a JSON Web Token that says it; the earlier one. */
  readonly expiresAt?: number;
  readonly issuedTokenType?: string;
  /** In lower case: `bearer`, or `n_a` where a token was issued that is no access token. */
  readonly tokenType?: string;
}

/** `grant_type` and what belongs to it; a list is sent as the same parameter several times. */
export type TokenParameters = Readonly<Record<string, string | readonly string[]>>;

export interface TokenEndpointCapabilities {
  readonly http: HttpCaller;
  readonly clock: Clock;
}

/**
 * The fields above as an endpoint. Throws a TypeError, which refuses the definition, for an address that tokens are not
 * asked at, and for one at which the client could not prove itself.
 */
export function tokenEndpoint(
  { tokenUrl: url, network, timeout }: TokenEndpointConfig,
  authentication: ClientAuthentication,
): TokenEndpoint {
  checkAddress('tokenUrl', url, network);
  if (authentication.identity !== undefined && new URL(url).protocol !== 'https:')
    throw new TypeError('authentication: a certificate is shown over https only');
  return { url, network, timeoutMilliseconds: parseDuration(timeout), authentication };
}

/**
 * Asks an OAuth 2 token server for a token (RFC 6749, section 3.2) over the one way out. Fails with TOKEN_UNAVAILABLE where
 * none was given, and with TOKEN_INVALID where what came is no usable bearer token; neither repeats what came.
 */
export async function requestToken(
  endpoint: TokenEndpoint,
  parameters: TokenParameters,
  { http, clock }: TokenEndpointCapabilities,
  signal: AbortSignal,
): Promise<TokenGrant> {
  const asked = askedAt(clock);
  const answer = await post(endpoint, parameters, { http, clock }, signal);
  const document = readTokenDocument(answer, clock.wallTime());
  if (typeof document['access_token'] !== 'string') throw tokenInvalid('the answer has no access_token');
  const token = usable(document['access_token']);
  const expiresAt = earlierExpiry(expiryAfter(document['expires_in'], asked), token, asked);
  const issuedTokenType = readText(document['issued_token_type']);
  const tokenType = checkedType(document['token_type'], issuedTokenType);
  return {
    token,
    ...(expiresAt !== undefined && { expiresAt }),
    ...(issuedTokenType !== undefined && { issuedTokenType }),
    ...(tokenType !== undefined && { tokenType }),
  };
}

/** The library makes the request, the one way out carries it. */
async function post(
  { url, network, timeoutMilliseconds, authentication }: TokenEndpoint,
  parameters: TokenParameters,
  { http, clock }: TokenEndpointCapabilities,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  const { grant_type: grantType, ...others } = parameters;
  if (typeof grantType !== 'string') throw new TypeError('grant_type is missing');
  const { identity, clientId = 'none', prove } = authentication;
  let answer: HttpAnswer | undefined;
  const carry = async (
    _url: string,
    { body, headers }: { readonly body: URLSearchParams; readonly headers: HttpCall['headers'] },
  ): Promise<Response> => {
    const call: Parameters<typeof askTokenServer>[0] = {
      method: 'POST',
      url,
      headers,
      body: body.toString(),
      network,
      ...(identity !== undefined && { identity }),
      timeoutMilliseconds,
    };
    answer = await askTokenServer(call, http, signal);
    return new Response(null);
  };
  await genericTokenEndpointRequest(
    { issuer: url, token_endpoint: url },
    { client_id: clientId },
    prove(url, clock),
    grantType,
    pairsOf(others),
    { [customFetch]: carry, [allowInsecureRequests]: network === 'private', headers: { 'user-agent': 'sluice' } },
  ).catch(withoutWords);
  if (answer === undefined) throw tokenUnavailable('the token server was not asked');
  return answer;
}

/** What the library or the platform finds wrong with a request may quote it, so that only the kind of the error goes on. */
function withoutWords(error: unknown): never {
  if (error instanceof SluiceError) throw error;
  throw tokenUnavailable('the token server could not be asked', { context: { error: nameOfThrown(error) } });
}

function pairsOf(parameters: TokenParameters): string[][] {
  return Object.entries(parameters).flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value]] : value.map((item) => [name, item]),
  );
}

/** Many servers leave the type out, which then is the only one that there is. RFC 8693 has `N_A` for what is no access token. */
function checkedType(type: unknown, issuedTokenType: string | undefined): string | undefined {
  if (type === undefined || type === null) return undefined;
  const word = typeof type === 'string' ? type.toLowerCase() : '';
  if (word !== 'bearer' && !(word === 'n_a' && issuedTokenType !== undefined))
    throw tokenInvalid('the token is of a type that is not Bearer');
  return word;
}

function readText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
