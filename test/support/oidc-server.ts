import { generateKeyPairSync, X509Certificate, type KeyObject } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import type { IssuedModel, Provider as OidcProvider, TokenContext } from 'oidc-provider';

/** It warns of any runtime and setting that is not for production. */
const { errors, Provider } = await quietly(() => import('oidc-provider'));

export interface OidcServerOptions {
  /** Metadata of clients, in the names of OpenID Connect registration. */
  readonly clients: readonly Readonly<Record<string, unknown>>[];
  /** Who may sign subject tokens and assertions: public keys by their issuer. */
  readonly trusted?: Readonly<Record<string, KeyObject>>;
  /** Speaks TLS with these and asks for a client certificate. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly clientAuthorities: readonly string[] };
  /** Seconds that a token lives; 600 when absent. */
  readonly lifetime?: number;
}

/** What the server says of a token that it issued. */
export interface IssuedToken {
  readonly clientId: string;
  readonly scope: string | undefined;
  readonly audience: string | undefined;
  /** `sub` and `act` of a token on behalf of somebody, and `requested_audience` where there was one. */
  readonly extra: Readonly<Record<string, unknown>>;
}

export interface OidcServer {
  readonly issuer: string;
  readonly tokenUrl: string;
  /** What was asked and granted, oldest first: form fields less those that prove the client. */
  readonly grants: readonly Readonly<Record<string, string | undefined>>[];
  /** Why others were refused, for a failing test. */
  readonly refusals: readonly string[];
  /** Undefined for a token that it did not issue. */
  read(token: string): Promise<IssuedToken | undefined>;
  /** A refresh token as after somebody's consent, for a client with that grant. It counts once: each use gives a new one. */
  issueRefreshToken(clientId: string): Promise<string>;
  close(): Promise<void>;
}

export const tokenExchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const jwtBearerGrant = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
export const knownResource = 'https://models.example.com/';
export const knownScopes = ['models.read', 'models.use'] as const;

/**
 * A real OpenID Connect provider on 127.0.0.1, with all ways in which a client can prove itself, one resource, and the
 * grants for token exchange (RFC 8693) and assertions (RFC 7523) beside its own. Its clock is the true one.
 */
export async function startOidcServer(options: OidcServerOptions): Promise<OidcServer> {
  const { tls } = options;
  let serve: RequestListener = (_request, response) => void response.writeHead(503).end();
  const listener: RequestListener = (request, response) => serve(request, response);
  const server =
    tls === undefined
      ? createServer(listener)
      : createTlsServer(
          {
            key: tls.key,
            cert: tls.cert,
            ca: [...tls.clientAuthorities],
            requestCert: true,
            rejectUnauthorized: false,
          },
          listener,
        );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const issuer = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const { provider, publicKey, grants, refusals } = await createProvider(issuer, options);
  serve = provider.callback();
  return {
    issuer,
    tokenUrl: `${issuer}/token`,
    grants,
    refusals,
    read: (token) => readToken(provider, publicKey, token),
    issueRefreshToken: (clientId) => issueRefreshToken(provider, clientId),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface MadeProvider {
  readonly provider: OidcProvider;
  readonly publicKey: KeyObject;
  readonly grants: Record<string, string | undefined>[];
  readonly refusals: string[];
}

const proofs = new Set(['client_secret', 'client_assertion', 'client_assertion_type']);

async function createProvider(issuer: string, options: OidcServerOptions): Promise<MadeProvider> {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extras = new WeakMap<object, Record<string, unknown>>();
  const provider = await quietly(() =>
    inThisRealm(() => new Provider(issuer, configuration(privateKey, options, extras))),
  );
  const grants: MadeProvider['grants'] = [];
  const refusals: string[] = [];
  provider.on('grant.success', ({ oidc }) => {
    grants.push(Object.fromEntries(Object.entries(oidc.body).filter(([name]) => !proofs.has(name))));
  });
  const refused = (_context: TokenContext, error: Error): void => {
    refusals.push(
      `${error.name}: ${String(Reflect.get(error, 'error_detail') ?? Reflect.get(error, 'error_description') ?? error.message)}`,
    );
  };
  provider.on('grant.error', refused);
  provider.on('server_error', refused);
  registerTokenExchange(provider, options, extras);
  registerJwtBearer(provider, issuer, options, extras);
  return { provider, publicKey, grants, refusals };
}

function configuration(
  key: KeyObject,
  { clients, lifetime = 600 }: OidcServerOptions,
  extras: WeakMap<object, Record<string, unknown>>,
): Record<string, unknown> {
  return {
    clients: clients.map((client) => ({ redirect_uris: [], response_types: [], ...client })),
    jwks: { keys: [{ ...key.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'server' }] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: [
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256', 'ES256', 'EdDSA'] },
    scopes: ['openid', 'offline_access', ...knownScopes],
    ttl: { ClientCredentials: lifetime, AccessToken: lifetime, RefreshToken: 86_400, Grant: 86_400, IdToken: lifetime },
    findAccount: (_context: TokenContext, accountId: string) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: true,
    extraTokenClaims: (context: TokenContext | undefined, token: object) => ({
      ...extras.get(token),
      ...(context?.oidc.body['audience'] !== undefined && { requested_audience: context.oidc.body['audience'] }),
    }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: TokenContext, resource: string) => {
          if (resource !== knownResource) throw new errors.InvalidTarget();
          const scope = knownScopes.join(' ');
          return { scope, audience: resource, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } };
        },
      },
      mTLS: {
        enabled: true,
        tlsClientAuth: true,
        selfSignedTlsClientAuth: true,
        getCertificate: ({ req }: TokenContext) => certificateOf(req)?.toString(),
        certificateAuthorized: ({ req }: TokenContext) => req.socket instanceof TLSSocket && req.socket.authorized,
        certificateSubjectMatches: ({ req }: TokenContext, _property: string, expected: string) =>
          certificateOf(req)?.subject === expected,
      },
    },
  };
}

function certificateOf({ socket }: IncomingMessage): X509Certificate | undefined {
  const { raw } = socket instanceof TLSSocket ? (socket.getPeerCertificate() as { raw?: Buffer }) : {};
  return raw === undefined ? undefined : new X509Certificate(raw);
}

async function quietly<T>(make: () => T | Promise<T>): Promise<T> {
  const { warn, info } = console;
  Object.assign(console, { warn: () => undefined, info: () => undefined });
  try {
    return await make();
  } finally {
    Object.assign(console, { warn, info });
  }
}

/**
 * Inside Jest `structuredClone` gives objects of another realm, which the provider does not take for plain ones; what it
 * copies while it is made is JSON.
 */
function inThisRealm<T>(make: () => T): T {
  const clone = globalThis.structuredClone;
  globalThis.structuredClone = <V>(value: V): V => JSON.parse(JSON.stringify(value)) as V;
  try {
    return make();
  } finally {
    globalThis.structuredClone = clone;
  }
}

function registerTokenExchange(
  provider: OidcProvider,
  options: OidcServerOptions,
  extras: WeakMap<object, Record<string, unknown>>,
): void {
  const fields = ['subject_token', 'subject_token_type', 'requested_token_type', 'actor_token', 'actor_token_type'];
  const handle = async (context: TokenContext): Promise<void> => {
    const { params, client } = context.oidc;
    const { subject_token: subject, subject_token_type: subjectType, scope } = params;
    if (subject === undefined || subjectType === undefined) throw new errors.InvalidRequest('no subject token');
    if ((params['actor_token'] === undefined) !== (params['actor_token_type'] === undefined))
      throw new errors.InvalidRequest('an actor token and its type go together');
    const { sub } = await readSubject(provider, subject, subjectType, options);
    const actor =
      params['actor_token'] === undefined
        ? undefined
        : await readSubject(provider, params['actor_token'], params['actor_token_type'], options);
    const extra = { sub, ...(actor !== undefined && { act: { sub: actor.sub } }) };
    await issue(provider, context, { client, scope, extra }, extras, {
      issued_token_type: params['requested_token_type'] ?? 'urn:ietf:params:oauth:token-type:access_token',
    });
  };
  provider.registerGrantType(
    tokenExchangeGrant,
    handle,
    [...fields, 'audience', 'resource', 'scope'],
    ['audience', 'resource'],
  );
}

/** Either one of our own tokens, or a JSON Web Token of somebody who is trusted. */
async function readSubject(
  provider: OidcProvider,
  token: string,
  type: string | undefined,
  options: OidcServerOptions,
): Promise<JWTPayload> {
  if (!/^urn:ietf:params:oauth:token-type:(access_token|jwt|id_token)$/.test(type ?? ''))
    throw new errors.InvalidRequest('unknown type of token');
  if (token.split('.').length === 3) return verify(token, options, undefined);
  const own = (await provider.ClientCredentials.find(token)) ?? (await provider.AccessToken.find(token));
  if (own === undefined) throw new errors.InvalidGrant('unknown subject token');
  return { sub: own.accountId ?? own.clientId ?? '' };
}

function registerJwtBearer(
  provider: OidcProvider,
  issuer: string,
  options: OidcServerOptions,
  extras: WeakMap<object, Record<string, unknown>>,
): void {
  const seen = new Set<string>();
  const handle = async (context: TokenContext): Promise<void> => {
    const { params, client } = context.oidc;
    const claims = await verify(params['assertion'] ?? '', options, [issuer, `${issuer}/token`]);
    if (claims.jti !== undefined && seen.has(claims.jti))
      throw new errors.InvalidGrant('the assertion was used before');
    if (claims.jti !== undefined) seen.add(claims.jti);
    await issue(
      provider,
      context,
      { client, scope: params['scope'], extra: { sub: claims.sub, iss: claims.iss } },
      extras,
    );
  };
  provider.registerGrantType(jwtBearerGrant, handle, ['assertion', 'scope', 'audience', 'resource'], ['resource']);
}

/** The claims, where the issuer is trusted, signed them, and they end within an hour. */
async function verify(
  token: string,
  { trusted = {} }: OidcServerOptions,
  audience: string[] | undefined,
): Promise<JWTPayload> {
  try {
    const [, payload = ''] = token.split('.');
    const { iss } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as JWTPayload;
    const key = trusted[iss ?? ''];
    if (key === undefined) throw new Error('an issuer that is not trusted');
    const { payload: claims } = await jwtVerify(token, key, {
      ...(audience !== undefined && { audience }),
      requiredClaims: ['iss', 'sub', 'exp'],
    });
    if ((claims.exp ?? 0) > Date.now() / 1_000 + 3_600) throw new Error('longer than an hour');
    return claims;
  } catch (error) {
    throw new errors.InvalidGrant(String(Reflect.get(Object(error), 'message')));
  }
}

async function issue(
  provider: OidcProvider,
  context: TokenContext,
  { extra, ...properties }: Record<string, unknown> & { readonly extra: Record<string, unknown> },
  extras: WeakMap<object, Record<string, unknown>>,
  more: Record<string, unknown> = {},
): Promise<void> {
  const model: IssuedModel = new provider.ClientCredentials(properties);
  extras.set(model, extra);
  const value = await model.save();
  context.body = {
    access_token: value,
    token_type: 'Bearer',
    expires_in: model.expiration,
    scope: model.scope,
    ...more,
  };
}

async function readToken(
  provider: OidcProvider,
  publicKey: KeyObject,
  token: string,
): Promise<IssuedToken | undefined> {
  if (isJwt(token)) {
    const { payload } = await jwtVerify<{ client_id: string; scope?: string }>(token, publicKey);
    const { client_id: clientId, scope, aud } = payload;
    return { clientId, scope, audience: aud === undefined ? undefined : String(aud), extra: { ...payload } };
  }
  const model = (await provider.ClientCredentials.find(token)) ?? (await provider.AccessToken.find(token));
  if (model === undefined) return undefined;
  return { clientId: model.clientId ?? '', scope: model.scope, audience: model.aud, extra: model.extra ?? {} };
}

function isJwt(token: string): boolean {
  try {
    return decodeProtectedHeader(token).alg !== undefined;
  } catch {
    return false;
  }
}

async function issueRefreshToken(provider: OidcProvider, clientId: string): Promise<string> {
  const client = await provider.Client.find(clientId);
  const scope = `openid offline_access ${knownScopes.join(' ')}`;
  const grant = new provider.Grant({ accountId: 'somebody', clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  return new provider.RefreshToken({ accountId: 'somebody', client, grantId, gty: 'authorization_code', scope }).save();
}
