import { SluiceError } from '../../errors.ts';
import {
  requestToken,
  type TokenEndpoint,
  type TokenEndpointCapabilities,
  type TokenGrant,
  type TokenParameters,
} from './token-endpoint.ts';
import { tokenInvalid } from '../token-failure.ts';

/** The types of RFC 8693 that a caller may hold or that may be asked for; a refresh token is neither. */
export const tokenTypes = ['access_token', 'jwt', 'id_token', 'saml1', 'saml2'] as const;
export type TokenType = (typeof tokenTypes)[number];

const urnOf = (type: TokenType): string => `urn:ietf:params:oauth:token-type:${type}`;
/** An access token may be a JSON Web Token, so servers give the one for the other. */
const accessTokens: readonly string[] = [urnOf('access_token'), urnOf('jwt')];

export interface TokenExchange {
  readonly subjectToken: string;
  readonly subjectTokenType: TokenType;
  readonly actor?: { readonly token: string; readonly type: TokenType };
  readonly requestedTokenType?: TokenType;
  /** `scope`, `audience`, `resource`. */
  readonly target: TokenParameters;
}

/** How servers say that the token to be exchanged is not valid: the word of RFC 8693, and the one that many use. */
const refusedSubject: ReadonlySet<unknown> = new Set(['invalid_request', 'invalid_grant']);

/**
 * Exchanges a token for another one (RFC 8693). Fails as `requestToken` does, with CALLER_KEY_REFUSED where the token to
 * be exchanged is refused, and with TOKEN_INVALID where the answer does not say what was issued, or something was issued
 * that nobody asked for.
 */
export async function exchangeToken(
  endpoint: TokenEndpoint,
  exchange: TokenExchange,
  capabilities: TokenEndpointCapabilities,
  signal: AbortSignal,
): Promise<TokenGrant> {
  const grant = await requestToken(endpoint, parametersOf(exchange), capabilities, signal).catch(blameCaller);
  checkIssued(grant, urnOf(exchange.requestedTokenType ?? 'access_token'));
  return grant;
}

function blameCaller(error: unknown): never {
  if (error instanceof SluiceError && refusedSubject.has(error.context['reason']))
    throw new SluiceError('CALLER_KEY_REFUSED', { context: error.context });
  throw error;
}

function parametersOf({ subjectToken, subjectTokenType, actor, requestedTokenType, target }: TokenExchange) {
  return {
    grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
    subject_token: subjectToken,
    subject_token_type: urnOf(subjectTokenType),
    ...(actor !== undefined && { actor_token: actor.token, actor_token_type: urnOf(actor.type) }),
    ...(requestedTokenType !== undefined && { requested_token_type: urnOf(requestedTokenType) }),
    ...target,
  };
}

function checkIssued({ issuedTokenType: issued, tokenType }: TokenGrant, requested: string): void {
  if (issued === undefined) throw tokenInvalid('the token server does not say what it issued');
  const isAskedFor = issued === requested || [issued, requested].every((type) => accessTokens.includes(type));
  if (!isAskedFor) throw tokenInvalid('the token server issued a token of another type than was asked for');
  // `N_A` stands for what is no access token, and this is one.
  if (issued === urnOf('access_token') && tokenType === 'n_a')
    throw tokenInvalid('the token is of a type that is not Bearer');
}
