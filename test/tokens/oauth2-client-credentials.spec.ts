import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import tls from 'node:tls';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { Secret, type Configured } from '../../src/kernel/schema.ts';
import type { Credential, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { oauth2ClientCredentialsTokenProvider as component } from '../../src/tokens/oauth2-client-credentials.ts';
import { leaksOf } from '../support/canary.ts';
import {
  knownResource,
  knownScopes,
  startOidcServer,
  type IssuedToken,
  type OidcServer,
} from '../support/oidc-server.ts';
import { makeCertificate } from '../support/test-certificate.ts';
import { TestClock } from '../support/test-clock.ts';
import { testRun } from '../support/test-run.ts';
import { startTokenServer, type TokenServer } from '../support/token-server.ts';

type Config = Configured<typeof component.config>;

const { run } = testRun();
// The real servers tell the true time, and assertions must be of it.
const clock = new TestClock({ wallTime: Date.now() });
const http = new HttpCalls(clock);
const secretText = 'CANARY-9c2f71d0-a%b+c d:e/f&g=h';
const defaults = {
  network: 'private',
  timeout: '5s',
  authentication: 'client_secret_basic',
  header: 'authorization',
  scheme: 'Bearer',
} as const;

const secretOf = (text: string, name = 'SOME_SECRET'): Secret => new Secret(name, () => text);
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string;
const create = (config: Partial<Config> & Pick<Config, 'tokenUrl' | 'clientId'>): TokenProvider =>
  component.create({ ...defaults, ...config }, { http, clock });

async function headersOf(credential: Credential): Promise<Record<string, string>> {
  const request = { method: 'POST', origin: 'https://api.example.com', path: '/v1', headers: {}, body: '' } as const;
  await credential.apply(request);
  return request.headers;
}

/** The token in the request that the credential completes. */
async function tokenOf(provider: TokenProvider): Promise<string> {
  const { authorization = '' } = await headersOf(await provider.getToken(run));
  return authorization.replace(/^Bearer /, '');
}

afterAll(() => http.close());

describe('with a real provider of OpenID Connect', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed = generateKeyPairSync('ed25519');
  const authority = makeCertificate({ hosts: [] });
  const shown = makeCertificate({ hosts: ['client.example'], issuer: authority });
  const selfSigned = makeCertificate({ hosts: ['client.example'] });
  const foreign = makeCertificate({ hosts: ['client.example'], issuer: makeCertificate({ hosts: [] }) });
  const trusted = tls.getCACertificates('default');

  const client = (id: string, method: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
    client_id: id,
    token_endpoint_auth_method: method,
    grant_types: ['client_credentials'],
    ...more,
  });
  const withKey = (id: string, { publicKey }: { publicKey: KeyObject }, alg: string): Record<string, unknown> =>
    client(id, 'private_key_jwt', {
      token_endpoint_auth_signing_alg: alg,
      jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: id, use: 'sig', alg }] },
    });
  const clients = [
    client('basic:client-1_a b', 'client_secret_basic', { client_secret: secretText }),
    client('post', 'client_secret_post', { client_secret: secretText, scope: knownScopes.join(' ') }),
    client('none', 'none'),
    withKey('rs256', rsa, 'RS256'),
    withKey('ps256', rsa, 'PS256'),
    withKey('es256', ec, 'ES256'),
    withKey('eddsa', ed, 'EdDSA'),
    client('certified', 'tls_client_auth', { tls_client_auth_subject_dn: `CN=${shown.subject}` }),
    client('self-signed', 'self_signed_tls_client_auth', {
      jwks: {
        keys: [
          {
            ...selfSigned.privateKey.export({ format: 'jwk' }),
            d: undefined,
            x5c: [selfSigned.certificate.replaceAll(/-----[A-Z ]+-----|\s/g, '')],
          },
        ],
      },
    }),
  ];
  let server: OidcServer;
  let secure: OidcServer;

  beforeAll(async () => {
    const own = makeCertificate({ hosts: ['127.0.0.1'], issuer: authority });
    tls.setDefaultCACertificates([...trusted, authority.certificate]);
    server = await startOidcServer({ clients });
    const clientAuthorities = [authority.certificate];
    secure = await startOidcServer({ clients, tls: { key: own.key, cert: own.certificate, clientAuthorities } });
  });
  afterAll(async () => {
    tls.setDefaultCACertificates(trusted);
    await server.close();
    await secure.close();
  });

  const issued = async (
    config: Partial<Config> & Pick<Config, 'clientId'>,
    from = server,
  ): Promise<IssuedToken | undefined> => {
    try {
      return await from.read(await tokenOf(create({ tokenUrl: from.tokenUrl, ...config })));
    } catch (error) {
      throw new Error(`${inspect(error)} ${from.refusals.join('; ')}`, { cause: error });
    }
  };

  it.each<readonly [string, Partial<Config> & Pick<Config, 'clientId'>]>([
    ['a secret in a header', { clientId: 'basic:client-1_a b', clientSecret: secretOf(secretText) }],
    [
      'a secret in the body',
      { clientId: 'post', authentication: 'client_secret_post', clientSecret: secretOf(secretText) },
    ],
    ['nothing', { clientId: 'none', authentication: 'none' }],
    [
      'a key of RSA',
      {
        clientId: 'rs256',
        authentication: 'private_key_jwt',
        privateKey: secretOf(pemOf(rsa.privateKey)),
        keyId: 'rs256',
      },
    ],
    [
      'a key of RSA, PS256',
      {
        clientId: 'ps256',
        authentication: 'private_key_jwt',
        privateKey: secretOf(pemOf(rsa.privateKey)),
        algorithm: 'PS256',
      },
    ],
    [
      'a key of P-256',
      { clientId: 'es256', authentication: 'private_key_jwt', privateKey: secretOf(pemOf(ec.privateKey)) },
    ],
    [
      'a key of Ed25519',
      { clientId: 'eddsa', authentication: 'private_key_jwt', privateKey: secretOf(pemOf(ed.privateKey)) },
    ],
  ])('proves the client with %s', async (_what, config) => {
    expect(await issued(config)).toMatchObject({ clientId: config.clientId });
    expect(server.grants.at(-1)).toMatchObject({ grant_type: 'client_credentials' });
  });

  it('makes the assertion for whom the server says', async () => {
    const privateKey = secretOf(pemOf(ec.privateKey));
    const config = { clientId: 'es256', authentication: 'private_key_jwt', privateKey } as const;
    expect(await issued({ ...config, assertionAudience: server.issuer })).toMatchObject({ clientId: 'es256' });
    await expect(issued({ ...config, assertionAudience: 'https://other.example/' })).rejects.toThrow(/audience/);
  });

  it.each([
    ['of an authority that the server knows', 'certified', shown],
    ['that the server itself knows', 'self-signed', selfSigned],
  ])('proves the client with a certificate %s', async (_what, clientId, { certificate, key }) => {
    const config = {
      clientId,
      authentication: 'tls',
      certificate: secretOf(certificate),
      privateKey: secretOf(key),
    } as const;
    expect(await issued(config, secure)).toMatchObject({ clientId });
  });

  it.each([
    ['of an authority that the server does not know', foreign],
    ['that is of its own making', selfSigned],
  ])('does not get a token with a certificate %s', async (_what, { certificate, key }) => {
    const config = { authentication: 'tls', certificate: secretOf(certificate), privateKey: secretOf(key) } as const;
    const provider = create({ tokenUrl: secure.tokenUrl, clientId: 'certified', ...config });
    await expect(provider.getToken(run)).rejects.toMatchObject({
      code: 'TOKEN_UNAVAILABLE',
      context: { reason: 'invalid_client', status: 401 },
    });
  });

  it('asks for scopes', async () => {
    const config = {
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret: secretOf(secretText),
    } as const;
    expect(await issued({ ...config, scope: 'models.read models.use' })).toMatchObject({
      scope: 'models.read models.use',
    });
    const provider = create({ tokenUrl: server.tokenUrl, ...config, scope: 'openid' });
    await expect(provider.getToken(run)).rejects.toMatchObject({ context: { reason: 'invalid_scope', status: 400 } });
  });

  it('asks for a resource', async () => {
    const config = {
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret: secretOf(secretText),
    } as const;
    const token = await issued({ ...config, resource: knownResource, scope: 'models.read' });
    expect(token).toMatchObject({ audience: knownResource, scope: 'models.read' });
    const provider = create({ tokenUrl: server.tokenUrl, ...config, resource: ['https://unknown.example/'] });
    await expect(provider.getToken(run)).rejects.toMatchObject({ context: { reason: 'invalid_target' } });
  });

  it('asks for an audience', async () => {
    const config = {
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret: secretOf(secretText),
    } as const;
    expect(await issued({ ...config, audience: 'models' })).toMatchObject({ extra: { requested_audience: 'models' } });
  });

  it('tells when the token ends', async () => {
    const config = {
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret: secretOf(secretText),
    } as const;
    const { expiresAt } = await create({ tokenUrl: server.tokenUrl, ...config }).getToken(run);
    expect(expiresAt).toBe(clock.now() + 600_000);
  });

  it('gives a new token each time, whatever became of the last', async () => {
    const config = {
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret: secretOf(secretText),
    } as const;
    const provider = create({ tokenUrl: server.tokenUrl, ...config });
    const [first, second] = [await provider.getToken(run), await provider.getToken(run)];
    provider.invalidate(second, { reason: 'rejected' });
    const third = await provider.getToken(run);
    const sent = await Promise.all([first, second, third].map(async (one) => (await headersOf(one))['authorization']));
    expect(new Set(sent).size).toBe(3);
  });

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'shows no secret when it is wrong (%s)',
    async (authentication) => {
      const clientSecret = secretOf(`${secretText}-wrong`);
      const provider = create({ tokenUrl: server.tokenUrl, clientId: 'post', authentication, clientSecret });
      const error = await Promise.resolve(provider.getToken(run)).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(SluiceError);
      expect(error).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { reason: 'invalid_client' } });
      expect(leaksOf(secretText, inspect([error, provider], { depth: 12, showHidden: true }))).toEqual([]);
    },
  );

  it('uses a secret that was rotated from the next token on', async () => {
    let text = 'old';
    const clientSecret = new Secret('ROTATED_SECRET', () => text);
    const provider = create({
      tokenUrl: server.tokenUrl,
      clientId: 'post',
      authentication: 'client_secret_post',
      clientSecret,
    });
    await expect(provider.getToken(run)).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    text = secretText;
    expect(await server.read(await tokenOf(provider))).toMatchObject({ clientId: 'post' });
  });

  it('uses a key that was rotated from the next token on', async () => {
    let text = pemOf(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
    const privateKey = new Secret('ROTATED_SECRET', () => text);
    const provider = create({
      tokenUrl: server.tokenUrl,
      clientId: 'es256',
      authentication: 'private_key_jwt',
      privateKey,
    });
    await expect(provider.getToken(run)).rejects.toMatchObject({ code: 'TOKEN_UNAVAILABLE' });
    text = pemOf(ec.privateKey);
    expect(await server.read(await tokenOf(provider))).toMatchObject({ clientId: 'es256' });
  });
});

describe('with any token server', () => {
  let server: TokenServer;
  beforeAll(async () => {
    server = await startTokenServer();
    server.answer({ json: { access_token: 'token-1', token_type: 'Bearer' } });
  });
  afterAll(() => server.close());

  const config = { clientId: 'sluice', clientSecret: secretOf('word') };

  it('asks for several resources', async () => {
    await create({ tokenUrl: server.url, ...config, resource: ['https://a.example/', 'https://b.example/'] }).getToken(
      run,
    );
    expect(server.requests.at(-1)?.form.getAll('resource')).toEqual(['https://a.example/', 'https://b.example/']);
  });

  it('says nothing that nobody asked it to', async () => {
    await create({ tokenUrl: server.url, ...config }).getToken(run);
    expect(server.requests.at(-1)?.body).toBe('grant_type=client_credentials');
  });

  it.each([
    ['the usual header', {}, { authorization: 'Bearer token-1' }],
    ['a header of its own', { header: 'X-Api-Key', scheme: '' }, { 'x-api-key': 'token-1' }],
    ['a scheme of its own', { scheme: 'GenieKey' }, { authorization: 'GenieKey token-1' }],
  ])('puts the token into %s', async (_what, placement, expected) => {
    const credential = await create({ tokenUrl: server.url, ...config, ...placement }).getToken(run);
    expect(await headersOf(credential)).toEqual(expected);
    expect(credential.origins).toBe('*');
    expect(credential).not.toHaveProperty('expiresAt');
  });

  it('ends with the run', async () => {
    const abort = new AbortController();
    abort.abort(new SluiceError('CLIENT_GONE'));
    const asked = create({ tokenUrl: server.url, ...config }).getToken({ ...run, signal: abort.signal });
    await expect(asked).rejects.toMatchObject({ code: 'CLIENT_GONE' });
  });
});

describe('a definition', () => {
  const tokenUrl = 'https://login.example.com/token';
  const secret = secretOf('word');

  it.each<readonly [string, Partial<Config>, RegExp]>([
    ['a secret over http in public', { tokenUrl: 'http://login.example.com/token', network: 'public' }, /http:/],
    ['no secret', { clientSecret: undefined }, /clientSecret: .* needs it/],
    ['no key', { clientSecret: undefined, authentication: 'private_key_jwt' }, /privateKey: .* needs it/],
    [
      'no certificate',
      { clientSecret: undefined, authentication: 'tls', privateKey: secret },
      /certificate: .* needs it/,
    ],
    ['a secret that is not used', { authentication: 'none' }, /clientSecret: .* does not use it/],
    ['a key that is not used', { privateKey: secret }, /privateKey: .* does not use it/],
    [
      'a name for no certificate',
      { clientSecret: undefined, authentication: 'private_key_jwt', privateKey: secret, certificateHeader: 'x5t' },
      /no certificate/,
    ],
    [
      'a certificate over http',
      {
        tokenUrl: 'http://login.internal/token',
        clientSecret: undefined,
        authentication: 'tls',
        certificate: secret,
        privateKey: secret,
      },
      /over https only/,
    ],
    ['a header that frames the request', { header: 'Content-Length' }, /can't carry a token/],
  ] as never)('is refused with %s', (_what, config, message) => {
    const given = Object.entries({ tokenUrl, clientId: 'sluice', clientSecret: secret, ...config });
    const whole = Object.fromEntries(given.filter(([, value]) => value !== undefined)) as typeof config & {
      clientId: string;
    };
    expect(() => create({ tokenUrl, ...whole })).toThrow(TypeError);
    expect(() => create({ tokenUrl, ...whole })).toThrow(message);
  });
});
