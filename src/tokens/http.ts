import Type from 'typebox';
import { parseDuration } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import { defaulted, reference, strictObject } from '../kernel/schema.ts';
import { askTokenServer } from '../kernel/tokens/ask-token-server.ts';
import { authorisedExchange, type Exchange } from '../kernel/tokens/http-token/authorised-exchange.ts';
import { readHttpToken, usualTokenPlace } from '../kernel/tokens/http-token/http-token-answer.ts';
import {
  buildHttpTokenRequest,
  checkHttpTokenRequest,
  httpTokenRequestFields,
} from '../kernel/tokens/http-token/http-token-request.ts';
import { pointerPattern } from '../kernel/tokens/http-token/value-at.ts';
import { checkAddress } from '../kernel/tokens/check-address.ts';
import { linked } from '../kernel/tokens/linked.ts';
import { placementFields, placementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import { tokenEndpointFields } from '../kernel/tokens/oauth/token-endpoint.ts';
import { askedAt } from '../kernel/tokens/token-lifetime.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';

const Pointer = { pattern: pointerPattern, maxLength: 512, 'x-hint': 'a JSON pointer, such as "/data/token"' };

const config = strictObject({
  ...httpTokenRequestFields,
  provider: Type.Optional(
    reference('token-provider', Type.Unknown(), {
      description: 'Token provider that authorises this very request: its name, or the provider itself.',
    }),
  ),
  token: defaulted(
    Type.String({
      ...Pointer,
      description:
        'JSON pointer to the token in the answer. At "/access_token" a `token_type` beside it must be Bearer.',
    }),
    usualTokenPlace,
  ),
  whole: defaulted(
    Type.Boolean({ description: 'The answer is the token, as plain text without blanks, and not JSON.' }),
    false,
  ),
  expiresIn: Type.Optional(
    Type.String({
      ...Pointer,
      description:
        'JSON pointer to the seconds that the token lives. "/expires_in" where the token is at "/access_token" and neither this nor `expiresAt` is there.',
    }),
  ),
  expiresAt: Type.Optional(
    Type.String({
      ...Pointer,
      description: 'JSON pointer to the date at which the token ends, as in RFC 3339 or in seconds since 1970.',
    }),
  ),
  network: tokenEndpointFields.network,
  timeout: tokenEndpointFields.timeout,
  ...placementFields,
});

/**
 * A token from any endpoint that answers with one. Where the answer says nothing about its end, a JSON Web Token says it
 * itself; for others the `cache` above, under which it belongs, has a time.
 */
export const httpTokenProvider = defineTokenProvider({
  type: 'http',
  summary: 'Asks any endpoint for a token, which is read from its JSON or plain text.',
  config,
  needs: ['clock', 'http'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'A token from a JSON answer',
      config: {
        url: 'https://auth.example.com/v1/session',
        json: { user: 'sluice', password: { $env: 'SESSION_SECRET' } },
        token: '/data/token',
        expiresAt: '/data/expires',
      },
    },
    {
      title: 'A plain text, asked for with the token of another provider',
      config: {
        url: 'https://vault.example.com/token',
        headers: { 'X-Tenant': 'care' },
        whole: true,
        provider: { type: 'static', config: { token: { $env: 'VAULT_TOKEN' } } },
        header: 'x-api-key',
      },
    },
  ],
  create(settings, { clock, http }): TokenProvider {
    const { url, network, whole, expiresIn, expiresAt } = settings;
    checkAddress('url', url, network, { hasQuery: true });
    checkHttpTokenRequest(settings);
    const placement = placementOf(settings);
    if (whole && (expiresIn ?? expiresAt) !== undefined)
      throw new TypeError('whole: a plain text has no place that says when the token ends');
    const link = settings.provider === undefined ? undefined : linked(settings.provider);
    const timeoutMilliseconds = parseDuration(settings.timeout);
    const exchange: Exchange = {
      clock,
      build: () => buildHttpTokenRequest(settings),
      send: ({ method, origin, path, headers, body }, signal) =>
        askTokenServer({ method, url: origin + path, headers, body, network, timeoutMilliseconds }, http, signal),
    };
    return {
      async getToken(run) {
        const asked = askedAt(clock);
        const answer =
          link === undefined
            ? await exchange.send(exchange.build(), run.signal)
            : await authorisedExchange(exchange, link, run);
        const { token, expiresAt: end } = readHttpToken(answer, settings, asked);
        return tokenCredential(token, placement, end);
      },
      // The next token is asked for anew in any case.
      invalidate: () => undefined,
      ...(link?.subject !== undefined && { subject: (run) => link.subject?.(run) ?? '' }),
      ...(link !== undefined && { state: () => ({ links: [link.state()] }) }),
    };
  },
});
