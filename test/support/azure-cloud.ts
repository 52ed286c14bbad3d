import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Clock } from '../../src/kernel/clock.ts';
import { startTokenServer, type TokenServer, type TokenServerAnswer, type TokenServerRequest } from './token-server.ts';

/** What this cloud knows. */
export const azure = {
  tenantId: '72f988bf-86f1-41af-91ab-2d7cd011db47',
  clientId: '6731de76-14a6-49ae-97bc-6eba6914391e',
  clientSecret: 'se~cret+4711/&=',
  scope: 'https://cognitiveservices.azure.com/.default',
  resource: 'https://cognitiveservices.azure.com',
  identityHeader: '853b9a84-5bfa-4b22-a3f3-0b9a43d9ad8a',
  applicationToken: 'token-of-the-application',
  workloadToken: 'token-of-the-workload',
  machineToken: 'token-of-the-machine',
  serviceToken: 'token-of-the-app-service',
} as const;

const clusterKeys = generateKeyPairSync('rsa', { modulusLength: 2_048 });

/** The token that a cluster writes into the files of its pods. */
export function clusterToken(clock: Clock, claims: { readonly audience?: string } = {}): Promise<string> {
  const now = Math.floor(clock.wallTime() / 1_000);
  return new SignJWT({ sub: 'system:serviceaccount:default:sluice' })
    .setProtectedHeader({ alg: 'RS256' })
    .setAudience(claims.audience ?? 'api://AzureADTokenExchange')
    .setIssuedAt(now)
    .setExpirationTime(now + 3_600)
    .sign(clusterKeys.privateKey);
}

/**
 * Entra ID, the metadata service of virtual machines and the endpoint of App Service on one small server, which checks what
 * it gets. `certificate` is the one that the application is registered with.
 */
export async function startAzureCloud(clock: Clock, certificate: string): Promise<TokenServer> {
  const server = await startTokenServer();
  server.answer(async (request) => {
    const url = new URL(request.path, server.origin);
    if (url.pathname === `/${azure.tenantId}/oauth2/v2.0/token`) return entra(request, url.href, clock, certificate);
    if (url.pathname === '/metadata/identity/oauth2/token') return instance(request, url, clock);
    return url.pathname === '/msi/token' ? appService(request, url, clock) : { status: 404 };
  });
  return server;
}

async function entra(
  { method, headers, form }: TokenServerRequest,
  url: string,
  clock: Clock,
  certificate: string,
): Promise<TokenServerAnswer> {
  const isRequest =
    method === 'POST' &&
    headers['content-type']?.startsWith('application/x-www-form-urlencoded') === true &&
    form.get('grant_type') === 'client_credentials' &&
    form.get('client_id') === azure.clientId &&
    form.get('scope') === azure.scope;
  if (!isRequest) return { status: 400, json: { error: 'invalid_request' } };
  const grant = (token: string): TokenServerAnswer => ({
    json: { token_type: 'Bearer', expires_in: 3_599, ext_expires_in: 3_599, access_token: token },
  });
  if (form.get('client_secret') === azure.clientSecret) return grant(azure.applicationToken);
  const kind = form.get('client_assertion_type');
  const assertion = form.get('client_assertion') ?? '';
  if (kind === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer') {
    if (await isSignedBy(certificate, assertion, url, clock)) return grant(azure.applicationToken);
    if (await isOfCluster(assertion, clock)) return grant(azure.workloadToken);
  }
  const text = `AADSTS7000215: Invalid client secret provided: ${form.get('client_secret') ?? assertion}`;
  return { status: 401, json: { error: 'invalid_client', error_description: text, error_codes: [7_000_215] } };
}

async function isSignedBy(pem: string, assertion: string, audience: string, clock: Clock): Promise<boolean> {
  const certificate = new X509Certificate(pem);
  const print = (hex: string): string => Buffer.from(hex.replaceAll(':', ''), 'hex').toString('base64url');
  try {
    const { payload, protectedHeader: header } = await jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['PS256', 'RS256'],
      audience,
      issuer: azure.clientId,
      subject: azure.clientId,
      requiredClaims: ['jti', 'exp', 'nbf'],
      currentDate: new Date(clock.wallTime()),
    });
    const lifetime = (payload.exp ?? 0) - clock.wallTime() / 1_000;
    const named = { ...header } as Record<string, unknown>;
    return (
      lifetime <= 600 &&
      (named['x5t#S256'] === print(certificate.fingerprint256) ||
        named['x5t'] === print(certificate.fingerprint) ||
        String(named['x5c']) === certificate.raw.toString('base64'))
    );
  } catch {
    return false;
  }
}

async function isOfCluster(assertion: string, clock: Clock): Promise<boolean> {
  try {
    await jwtVerify(assertion, clusterKeys.publicKey, {
      audience: 'api://AzureADTokenExchange',
      currentDate: new Date(clock.wallTime()),
    });
    return true;
  } catch {
    return false;
  }
}

function instance({ method, headers }: TokenServerRequest, url: URL, clock: Clock): TokenServerAnswer {
  if (method !== 'GET' || headers['metadata'] !== 'true' || headers['x-forwarded-for'] !== undefined)
    return {
      status: 400,
      json: { error: 'bad_request_102', error_description: 'Required metadata header not specified' },
    };
  if (url.searchParams.get('api-version') !== '2018-02-01' || url.searchParams.get('resource') !== azure.resource)
    return { status: 400, json: { error: 'invalid_resource' } };
  return managedAnswer(azure.machineToken, clock, { expires_in: '3599' });
}

function appService({ method, headers }: TokenServerRequest, url: URL, clock: Clock): TokenServerAnswer {
  if (method !== 'GET' || headers['x-identity-header'] !== azure.identityHeader) return { status: 401 };
  if (url.searchParams.get('api-version') !== '2019-08-01' || url.searchParams.get('resource') !== azure.resource)
    return { status: 400, json: { statusCode: 400, message: 'no' } };
  return managedAnswer(azure.serviceToken, clock, {});
}

function managedAnswer(token: string, clock: Clock, more: Record<string, string>): TokenServerAnswer {
  const seconds = Math.floor(clock.wallTime() / 1_000) + 3_000;
  const json = {
    access_token: token,
    expires_on: String(seconds),
    resource: azure.resource,
    token_type: 'Bearer',
    ...more,
  };
  return { json };
}
