import { generateKeyPairSync } from 'node:crypto';
import { inspect } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import type { AnyComponent } from '../../src/kernel/component.ts';
import { describeCause } from '../../src/kernel/errors.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { WorkloadFile, WorkloadVariable } from '../../src/kernel/workload.ts';
import { awsTokenProvider } from '../../src/tokens/aws.ts';
import { azureTokenProvider } from '../../src/tokens/azure.ts';
import { githubAppTokenProvider } from '../../src/tokens/github-app.ts';
import { googleTokenProvider } from '../../src/tokens/google.ts';
import { httpTokenProvider } from '../../src/tokens/http.ts';
import { jwtBearerTokenProvider } from '../../src/tokens/jwt-bearer.ts';
import { oauth2ClientCredentialsTokenProvider } from '../../src/tokens/oauth2-client-credentials.ts';
import { oauth2RefreshTokenTokenProvider } from '../../src/tokens/oauth2-refresh-token.ts';
import { oauth2TokenExchangeTokenProvider } from '../../src/tokens/oauth2-token-exchange.ts';
import { canariesOfLetters, leaksOf } from '../support/canary.ts';
import { buildConfig } from '../support/component-instance.ts';
import { LogCapture } from '../support/log-capture.ts';
import { memorySecretStore } from '../support/memory-secret-store.ts';
import { presenting } from '../support/presenting.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import { secretOf } from '../support/token-outcomes.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer } from '../support/token-server.ts';

/*
 * Whoever gives tokens knows a secret of ours or of the caller, and some servers repeat what they were told. Whatever they
 * say it in, it stays between the two.
 */

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
const canary = 'CANARY4f6a/9c2e+7b1d=8035ae';
const secret = { $env: 'SOME_SECRET' };
const oauth = { clientId: 'sluice', network: 'private', clientSecret: secret };
const arn = 'arn:aws:iam::123456789012:role/models';
const awsKeys = { from: 'keys', accessKeyId: secretOf('AKIDEXAMPLE'), secretAccessKey: secretOf(canary) };

let server: TokenServer;
let http: HttpCalls;
const clock = new TestClock({ wallTime: Date.UTC(2026, 0, 1) });

beforeAll(async () => {
  server = await startTokenServer();
});
afterAll(() => server.close());
beforeEach(() => {
  http = new HttpCalls(clock);
});
afterEach(() => http.close());

type Facts = Partial<Record<WorkloadVariable | WorkloadFile, string>>;

/** A provider as an author writes it, with the true secrets in the places of `secrets`. */
function build(component: AnyComponent, config: object, secrets: object = {}, facts: Facts = {}): TokenProvider {
  const workload = { variable: (name: WorkloadVariable) => facts[name], file: (name: WorkloadFile) => facts[name] };
  const own = { clock, http, secretStore: memorySecretStore(), workload };
  const capabilities: Capabilities = { ...testRun().capabilities, ...own };
  const { mistakes, built } = buildConfig(component, config);
  expect(mistakes).toEqual([]);
  return component.create({ ...(built as object), ...secrets } as never, capabilities as never) as TokenProvider;
}

const tokenUrl = (): { tokenUrl: string } => ({ tokenUrl: server.url });
const providers: readonly (readonly [string, () => TokenProvider])[] = [
  [
    'client credentials in a header',
    () => build(oauth2ClientCredentialsTokenProvider, { ...oauth, ...tokenUrl() }, { clientSecret: secretOf(canary) }),
  ],
  [
    'client credentials in the body',
    () =>
      build(
        oauth2ClientCredentialsTokenProvider,
        { ...oauth, ...tokenUrl(), authentication: 'client_secret_post' },
        { clientSecret: secretOf(canary) },
      ),
  ],
  [
    'a refresh token',
    () =>
      build(
        oauth2RefreshTokenTokenProvider,
        { ...oauth, ...tokenUrl(), refreshToken: secret },
        { refreshToken: secretOf(canary) },
      ),
  ],
  ['the token of the caller', () => build(oauth2TokenExchangeTokenProvider, { ...oauth, ...tokenUrl() })],
  [
    'an assertion',
    () =>
      build(
        jwtBearerTokenProvider,
        { ...tokenUrl(), issuer: 'sluice', network: 'private', privateKey: secret },
        { privateKey: secretOf(pem) },
      ),
  ],
  [
    'an app of GitHub',
    () =>
      build(
        githubAppTokenProvider,
        { appId: 1, installationId: 2, privateKey: secret, apiUrl: server.origin, network: 'private' },
        { privateKey: secretOf(pem) },
      ),
  ],
  [
    'any endpoint',
    () =>
      build(
        httpTokenProvider,
        { url: server.url, network: 'private', headers: { 'X-Tenant': secret }, json: { word: secret } },
        { headers: { 'X-Tenant': secretOf(canary) }, json: { word: secretOf(canary) } },
      ),
  ],
  [
    'a service account of Google',
    () => {
      const key = { type: 'service_account', client_email: 'a@b.example', private_key: pem, token_uri: server.url };
      return build(
        googleTokenProvider,
        { network: 'private' },
        { credentials: { from: 'service-account', key: secretOf(JSON.stringify(key)) } },
      );
    },
  ],
  [
    'an application of Azure',
    () =>
      build(
        azureTokenProvider,
        { authorityHost: server.origin, network: 'private' },
        {
          credentials: { from: 'client-credentials', tenantId: 't', clientId: 'c', clientSecret: secretOf(canary) },
        },
      ),
  ],
  [
    'a managed identity of Azure',
    () =>
      build(
        azureTokenProvider,
        { credentials: { from: 'managed-identity' } },
        {},
        { IDENTITY_ENDPOINT: server.url, IDENTITY_HEADER: canary },
      ),
  ],
  [
    'a role of AWS',
    () =>
      build(
        awsTokenProvider,
        { region: 'eu-central-1', network: 'private', stsUrl: server.origin, assumeRole: { roleArn: arn } },
        { credentials: { ...awsKeys, sessionToken: secretOf(canary) } },
      ),
  ],
  [
    'a web identity of AWS',
    () =>
      build(
        awsTokenProvider,
        { credentials: { from: 'web-identity' }, region: 'eu-central-1', network: 'private', stsUrl: server.origin },
        {},
        { AWS_WEB_IDENTITY_TOKEN_FILE: canary, AWS_ROLE_ARN: arn },
      ),
  ],
  [
    'a role of AWS at Google',
    () => {
      const source = {
        environment_id: 'aws1',
        regional_cred_verification_url:
          'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
      };
      const configuration = {
        type: 'external_account',
        audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws',
        subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
        token_url: server.url,
        credential_source: source,
      };
      return build(
        googleTokenProvider,
        { network: 'private' },
        { credentials: { from: 'workload-identity', configuration: secretOf(JSON.stringify(configuration)) } },
        {
          AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
          AWS_SECRET_ACCESS_KEY: canary,
          AWS_SESSION_TOKEN: canary,
          AWS_REGION: 'eu-central-1',
        },
      );
    },
  ],
  [
    'a container of AWS',
    () =>
      build(
        awsTokenProvider,
        { credentials: { from: 'container' } },
        {},
        { AWS_CONTAINER_CREDENTIALS_FULL_URI: server.url, AWS_CONTAINER_AUTHORIZATION_TOKEN: canary },
      ),
  ],
];

const raw = (text: string): TokenServerAnswer => ({ raw: text });
const answers: readonly (readonly [string, (word: string) => TokenServerAnswer])[] = [
  ['an error', (word) => ({ status: 400, json: { error: word, code: word, Code: word } })],
  ['a description', (word) => ({ status: 401, json: { error: 'invalid_client', error_description: word } })],
  ['an object', (word) => ({ status: 403, json: { error: { code: word, status: word, message: word } } })],
  ['an error of XML', (word) => ({ status: 403, body: `<R><Error><Code>${word}</Code></Error></R>` })],
  ['a page', (word) => ({ body: `<html>${word}</html>`, headers: { 'content-type': 'text/html' } })],
  ['half an object', (word) => ({ body: `{"access_token":"${word}"` })],
  ['a token with a line end', (word) => ({ json: { access_token: `${word}\r\nx: y`, token: `${word}\n` } })],
  ['a type', (word) => ({ json: { access_token: 't', token_type: word, Code: word } })],
  [
    'a lifetime',
    (word) => ({ json: { access_token: 't', token: 't', expires_in: word, expires_at: word, Code: word } }),
  ],
  ['a key under which a prototype hides', (word) => ({ json: JSON.parse(`{"__proto__":{"a":"${word}"}}`) })],
  ['a redirect', (word) => ({ status: 307, headers: { location: `http://127.0.0.1:1/${encodeURIComponent(word)}` } })],
  ['a time to wait', (word) => ({ status: 429, headers: { 'retry-after': encodeURIComponent(word) } })],
  ['a status line', (word) => raw(`HTTP/1.1 200 ${word}\r\ncontent-length: ${word}\r\n\r\n`)],
  ['a header without a name', (word) => raw(`HTTP/1.1 200 OK\r\n${word}\r\n: ${word}\r\n\r\n`)],
  ['a chunk', (word) => raw(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${word}\r\n${word}`)],
  ['no protocol', (word) => raw(`${word}\r\n\r\n`)],
];

/** All that is to be seen of a failure, by whoever looks at it. */
async function printedOf(provider: TokenProvider): Promise<string> {
  const log = new LogCapture();
  const link = linkOf({ name: 'one', type: 'any', provider }, { clock, log });
  const outcome: unknown = await Promise.resolve(
    link.getToken(presenting({ authorization: `Bearer ${canary}` })),
  ).catch((error: unknown) => error);
  return [
    inspect(outcome, { depth: 12, showHidden: true }),
    describeCause(outcome),
    JSON.stringify([outcome, link.state(), log.lines]),
    inspect([link, link.state(), log.lines], { depth: 12, showHidden: true }),
  ].join('\n');
}

describe.each(providers)('a server that is shown %s', (_what, create) => {
  it.each(answers)('and says a secret of letters alone, as %s, makes it no more known', async (_how, answer) => {
    for (const word of canariesOfLetters) {
      server.answer(() => answer(word));
      expect([word, leaksOf(word, await printedOf(create()))]).toEqual([word, []]);
    }
  });

  it.each(answers)('and repeats it as %s makes it no more known', async (_how, answer) => {
    const shown: string[] = [];
    server.answer(({ headers, body }) => {
      const words = [headers['authorization'], headers['x-tenant'], headers['x-identity-header'], body].join('|');
      shown.push(...words.split(/[|&=\s",]+/).filter((word) => word.length >= 40));
      return answer(JSON.stringify(`${words} ${canary}`).slice(1, -1));
    });
    const printed = await printedOf(create());
    expect(server.requests.length).toBeGreaterThan(0);
    for (const word of [canary, ...shown]) expect([word, leaksOf(word, printed)]).toEqual([word, []]);
  });
});
