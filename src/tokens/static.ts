import Type from 'typebox';
import { defineTokenProvider } from '../kernel/component.ts';
import { secret, strictObject, type Secret } from '../kernel/schema.ts';
import { revealed } from '../kernel/tokens/revealed.ts';
import {
  keyPlacementFields,
  keyPlacementOf,
  tokenCredential,
  usable,
  type Placement,
} from '../kernel/tokens/token-credential.ts';
import { tokenInvalid } from '../kernel/tokens/token-failure.ts';
import type { Credential, TokenProvider } from '../kernel/tokens/token-provider.ts';

const config = strictObject({
  token: secret({
    description: 'The token, as { "$env": NAME } or { "$file": PATH }. A file is read again when it changes.',
  }),
  ...keyPlacementFields,
  username: Type.Optional(
    Type.Union([Type.String({ minLength: 1, maxLength: 256, pattern: '^[^:\\u0000-\\u001f\\u007f]+$' }), secret()], {
      description: 'User for the scheme "Basic", to which the token is the password; as text or as a secret.',
    }),
  ),
  query: Type.Optional(
    Type.String({
      pattern: '^[A-Za-z0-9._~-]{1,64}$',
      description:
        'Name of a query parameter that carries the token in place of a header. Addresses are written to the logs of whatever the request passes, so only for providers that know nothing else.',
    }),
  ),
});

/** One token that somebody else renews, if anybody does. It is sent to the backend that uses the provider, whatever its origin. */
export const staticTokenProvider = defineTokenProvider({
  type: 'static',
  summary: 'Sends one token from the environment or from a file.',
  config,
  needs: [],
  examples: [
    { title: 'A key, where its provider takes keys', config: { token: { $env: 'OPENAI_API_KEY' } } },
    { title: 'A header of its own', config: { token: { $file: '/run/secrets/gateway' }, header: 'x-gateway-key' } },
    { title: 'A bearer token, whatever the provider', config: { token: { $env: 'LOGIN_TOKEN' }, scheme: 'Bearer' } },
    { title: 'User and password', config: { token: { $env: 'OLLAMA_SECRET' }, scheme: 'Basic', username: 'sluice' } },
    { title: 'A query parameter', config: { token: { $env: 'GATEWAY_TOKEN' }, query: 'key' } },
  ],
  create({ token, username, query, ...options }): TokenProvider {
    if (query !== undefined && (options.header ?? options.scheme) !== undefined)
      throw new TypeError('query: the token goes into the query or into a header, so "header" and "scheme" must go');
    const placement: Placement = { ...keyPlacementOf(options), ...(query !== undefined && { query }) };
    if (username !== undefined && placement.scheme.toLowerCase() !== 'basic')
      throw new TypeError('username: a user is sent with the scheme "Basic" only');
    let value: string | undefined;
    let credential: Credential | undefined;
    return {
      getToken() {
        const password = read(token);
        checkScheme(password, placement, token.name);
        const current = username === undefined ? password : `${readUser(username)}:${password}`;
        // Compared with the last value, so that a rotated secret counts from the next request on.
        if (credential === undefined || current !== value) {
          credential = tokenCredential(current, placement);
          value = current;
        }
        return credential;
      },
      invalidate(refused, { reason }) {
        // The same key would be refused again, so it stays the same object; a file may hold the next one already.
        if (credential !== refused || reason !== 'rejected') return;
        for (const source of [token, username]) if (typeof source === 'object') refresh(source);
      },
      state: () => ({ status: credential === undefined ? 'idle' : 'ready' }),
    };
  },
});

/** Throws TOKEN_UNAVAILABLE where the secret can't be read and TOKEN_INVALID where it can't be sent; never shows it. */
function read(secretText: Secret): string {
  return usable(revealed(secretText), { secret: secretText.name });
}

/** Whoever copies a header copies its scheme with it, and would have it sent twice. What Basic encodes may begin so. */
function checkScheme(text: string, { scheme, query }: Placement, secretName: string): void {
  const word = scheme.toLowerCase();
  if (query !== undefined || word === '' || word === 'basic' || !text.toLowerCase().startsWith(`${word} `)) return;
  throw tokenInvalid('the secret holds the scheme too, which is added to it', { context: { secret: secretName } });
}

function readUser(username: string | Secret): string {
  if (typeof username === 'string') return username;
  const user = read(username);
  if (user.includes(':')) throw tokenInvalid('the user has a colon in it', { context: { secret: username.name } });
  return user;
}

/** What can't be read now is told by the next `getToken`. */
function refresh(source: Secret): void {
  try {
    source.refresh();
  } catch {
    // Nothing has changed.
  }
}
