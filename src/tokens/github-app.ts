import Type from 'typebox';
import { parseDuration, type Clock } from '../kernel/clock.ts';
import { defineTokenProvider } from '../kernel/component.ts';
import type { HttpAnswer } from '../kernel/http-caller.ts';
import { defaulted, Duration, secret, strictObject } from '../kernel/schema.ts';
import { askTokenServer } from '../kernel/tokens/ask-token-server.ts';
import { checkAddress } from '../kernel/tokens/check-address.ts';
import { checkSigningKey } from '../kernel/tokens/oauth/check-keys.ts';
import { privateKeyIn } from '../kernel/tokens/oauth/private-key.ts';
import { signJwt } from '../kernel/tokens/oauth/sign-jwt.ts';
import { placementFields, placementOf, tokenCredential, usable } from '../kernel/tokens/token-credential.ts';
import { readTokenDocument, tokenRefusal } from '../kernel/tokens/token-document.ts';
import { askedAt, expiryOn } from '../kernel/tokens/token-lifetime.ts';
import type { TokenProvider } from '../kernel/tokens/token-provider.ts';

/** Seconds. GitHub allows ten minutes, and its clock may be behind ours. */
const clockDrift = 60;
const jwtLifetime = 540;

const optional = Type.Optional;
const Id = { minimum: 1, maximum: Number.MAX_SAFE_INTEGER };

const config = strictObject({
  appId: optional(Type.Integer({ ...Id, description: 'Id of the app; either this or clientId is needed.' })),
  clientId: optional(
    Type.String({ minLength: 1, maxLength: 128, description: 'Client id of the app, which GitHub prefers to its id.' }),
  ),
  installationId: Type.Integer({ ...Id, description: 'Id of the installation, the last number of its address.' }),
  privateKey: secret({ description: 'Private key of the app: the PEM file that GitHub has made.' }),
  permissions: optional(
    Type.Record(Type.String({ pattern: '^[a-z_]{1,64}$' }), Type.Enum(['read', 'write', 'admin']), {
      minProperties: 1,
      maxProperties: 64,
      description: 'What the token may do, such as {"models": "read"}. All that the installation may do when left out.',
    }),
  ),
  repositories: optional(
    Type.Array(Type.String({ pattern: '^[\\w.-]{1,100}$' }), {
      minItems: 1,
      maxItems: 500,
      uniqueItems: true,
      description:
        'Names of the repositories that the token is for, without the owner. All of the installation when left out.',
    }),
  ),
  apiUrl: defaulted(
    Type.String({
      minLength: 1,
      maxLength: 2_048,
      pattern: '^https?://[^?#]+$',
      description: 'Address of the API; of a GitHub Enterprise Server that is "https://HOST/api/v3".',
    }),
    'https://api.github.com',
  ),
  network: defaulted(
    Type.Enum(['public', 'private'], {
      description: 'Where GitHub may be; "private" admits addresses of the own network.',
    }),
    'public',
  ),
  timeout: defaulted({ ...Duration, description: 'For the whole answer of GitHub.' }, '5s'),
  ...placementFields,
});

/** Tokens of an installation of a GitHub App, which count for an hour. */
export const githubAppTokenProvider = defineTokenProvider({
  type: 'github-app',
  summary: 'Gets tokens of an installation of a GitHub App, for GitHub Models and the API.',
  config,
  needs: ['clock', 'http'],
  fetching: () => 'asks',
  examples: [
    {
      title: 'GitHub Models',
      config: {
        clientId: 'Iv23liExample',
        installationId: 12345678,
        privateKey: { $file: '/run/secrets/github-app.pem' },
        permissions: { models: 'read' },
      },
    },
    {
      title: 'A GitHub Enterprise Server on the own network',
      config: {
        appId: 42,
        installationId: 7,
        privateKey: { $env: 'GITHUB_APP_SECRET' },
        apiUrl: 'https://github.example.com/api/v3',
        network: 'private',
      },
    },
  ],
  create(
    { appId, clientId, installationId, permissions, repositories, apiUrl, network, ...rest },
    { clock, http },
  ): TokenProvider {
    const issuer = clientId ?? (appId === undefined ? undefined : String(appId));
    if (issuer === undefined || (appId !== undefined && clientId !== undefined))
      throw new TypeError('one of "appId" and "clientId" is to be there, and not both');
    checkAddress('apiUrl', apiUrl, network);
    const placement = placementOf(rest);
    checkSigningKey('privateKey', rest.privateKey, 'RS256');
    const readKey = privateKeyIn(rest.privateKey);
    const call = {
      method: 'POST',
      url: `${apiUrl.replace(/\/+$/, '')}/app/installations/${installationId}/access_tokens`,
      body: JSON.stringify({ permissions, repositories }),
      network,
      timeoutMilliseconds: parseDuration(rest.timeout),
    } as const;
    return {
      async getToken({ signal }) {
        const claims = { iss: issuer, ...validity(clock) };
        const jwt = await signJwt(claims, { key: readKey(), algorithm: 'RS256' });
        const asked = askedAt(clock);
        const answer = await askTokenServer({ ...call, headers: headersOf(jwt) }, http, signal);
        const { token, expires_at: expiresOn } = readAnswer(answer, clock.wallTime());
        return tokenCredential(usable(token), placement, expiryOn(expiresOn, asked));
      },
      invalidate() {
        // Nothing is kept here.
      },
    };
  },
});

function validity(clock: Clock): { readonly iat: number; readonly exp: number } {
  const now = Math.floor(clock.wallTime() / 1_000);
  return { iat: now - clockDrift, exp: now + jwtLifetime };
}

function headersOf(jwt: string): Record<string, string> {
  return {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${jwt}`,
    'content-type': 'application/json',
    'x-github-api-version': '2022-11-28',
  };
}

/** GitHub explains itself in sentences, which don't go on; what its statuses mean is known. */
const meanings: Readonly<Record<number, string>> = {
  401: 'GitHub does not know the app by this key',
  404: 'the app has no such installation',
  422: 'the installation does not have these permissions or repositories',
};

function readAnswer(answer: HttpAnswer, wallTime: number): Record<string, unknown> {
  const { status } = answer;
  const meaning = meanings[status];
  if (meaning !== undefined) throw tokenRefusal(meaning, answer, wallTime);
  return readTokenDocument(answer, wallTime);
}
