import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import { callerMistake, type AwsCaller } from './aws-caller.ts';
import { startTokenServer, type TokenServerAnswer, type TokenServerRequest } from './token-server.ts';
import type { TestClock } from './test-clock.ts';

/** What the small Google of a test knows. */
export const google = {
  account: 'models@example.iam.gserviceaccount.com',
  keyId: 'key-1',
  target: 'target@example.iam.gserviceaccount.com',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/cluster',
  clusterIssuer: 'https://cluster.example',
  user: { client_id: 'id-of-gcloud', client_secret: 'gcloud-secret-81726', refresh_token: '1//refresh-55091' },
  machineToken: 'ya29.of-the-machine',
} as const;

export interface GoogleCloud {
  readonly origin: string;
  readonly requests: readonly TokenServerRequest[];
  /** The key file of the service account. */
  keyFile(changes?: Readonly<Record<string, unknown>>): string;
  /** The configuration file of the cluster's identity. */
  configuration(changes?: Readonly<Record<string, unknown>>): string;
  /** The configuration file of a role of AWS. */
  awsConfiguration(changes?: Readonly<Record<string, unknown>>, source?: Readonly<Record<string, unknown>>): string;
  /** From now on AWS knows these keys; it tells Google who signs with them. */
  introduce(caller: AwsCaller): void;
  /** What was wrong with the last token of AWS, or "". */
  readonly lastMistake: string;
  /** A token of the cluster's for its workload. */
  subjectToken(): Promise<string>;
  /** What one path answers in place of what is right. */
  disturb(path: string, answer: TokenServerAnswer): void;
  close(): Promise<void>;
}

const awsTokenType = 'urn:ietf:params:aws:token-type:aws4_request';
const isoAfter = (clock: TestClock, seconds: number): string =>
  new Date(clock.wallTime() + seconds * 1_000).toISOString();
const refused = (error: string): TokenServerAnswer => ({ status: 400, json: { error, error_description: error } });

/** Keys are dear to make, so all tests of a file share them. */
const account = generateKeyPairSync('rsa', { modulusLength: 2_048 });
const cluster = generateKeyPairSync('ec', { namedCurve: 'P-256' });
export const accountKeyPem = account.privateKey.export({ type: 'pkcs8', format: 'pem' });

/** The token servers of Google on one port; each believes nobody without proof. */
export async function startGoogleCloud(clock: TestClock): Promise<GoogleCloud> {
  const server = await startTokenServer();
  const { origin } = server;
  const issued = new Map<string, string>([[google.machineToken, 'https://www.googleapis.com/auth/cloud-platform']]);
  const disturbances = new Map<string, TokenServerAnswer>();
  let caller: AwsCaller | undefined;
  let lastMistake = 'there was none';
  const give = (token: string, scope: string): TokenServerAnswer => {
    issued.set(token, scope);
    return { json: { access_token: token, expires_in: 3_599, token_type: 'Bearer' } };
  };
  const proven = async (token: string, key: KeyObject, expected: { issuer: string; audience: string }) => {
    const { payload, protectedHeader } = await jwtVerify(token, key, {
      ...expected,
      currentDate: new Date(clock.wallTime()),
    });
    return { payload, keyId: protectedHeader.kid };
  };

  async function byAssertion(form: URLSearchParams): Promise<TokenServerAnswer> {
    const expected = { issuer: google.account, audience: `${origin}/oauth/token` };
    const { payload, keyId } = await proven(form.get('assertion') ?? '', account.publicKey, expected);
    const { iat = 0, exp = Infinity, scope } = payload;
    const isRight = keyId === google.keyId && exp - iat <= 3_600 && typeof scope === 'string' && !form.has('client_id');
    return isRight ? give('ya29.of-the-account', scope) : refused('invalid_grant');
  }

  /** Fails where the token of the cluster, or the question that is signed with keys of AWS, proves nothing. */
  async function proveSubject(type: string | null, token: string): Promise<void> {
    if (type === awsTokenType) {
      lastMistake = callerMistake(token, { caller, audience: google.audience, wallTime: clock.wallTime() });
      if (lastMistake !== '') throw new Error(lastMistake);
      return;
    }
    await proven(token, cluster.publicKey, { issuer: google.clusterIssuer, audience: google.audience });
  }

  async function exchange({ form, headers }: TokenServerRequest): Promise<TokenServerAnswer> {
    const type = form.get('subject_token_type');
    const isForm = form.get('requested_token_type') === 'urn:ietf:params:oauth:token-type:access_token';
    const isRight = isForm && form.get('audience') === google.audience && !form.has('client_id');
    if (!isRight || (type !== 'urn:ietf:params:oauth:token-type:jwt' && type !== awsTokenType))
      return refused('invalid_target');
    await proveSubject(type, form.get('subject_token') ?? '');
    const answer = give(`federated${headers['authorization'] === undefined ? '' : '-client'}`, form.get('scope') ?? '');
    return {
      json: { ...Object(answer.json), issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' },
    };
  }

  function refresh(form: URLSearchParams): TokenServerAnswer {
    const isRight = Object.entries(google.user).every(([name, value]) => form.get(name) === value);
    return isRight
      ? give('ya29.of-the-user', 'https://www.googleapis.com/auth/cloud-platform')
      : refused('invalid_grant');
  }

  function generate({ path, headers, body }: TokenServerRequest): TokenServerAnswer {
    const own = (headers['authorization'] ?? '').replace(/^Bearer /, '');
    if (issued.get(own) !== 'https://www.googleapis.com/auth/cloud-platform')
      return { status: 403, json: { error: { code: 403, status: 'PERMISSION_DENIED', message: `no ${own}` } } };
    const { scope, lifetime } = JSON.parse(body) as { scope: readonly string[]; lifetime: string };
    const name = decodeURIComponent(/serviceAccounts\/([^:]+):/.exec(path)?.[1] ?? '');
    const token = `ya29.as-${name}-by-${own}`;
    issued.set(token, scope.join(' '));
    return { json: { accessToken: token, expireTime: isoAfter(clock, Number.parseInt(lifetime, 10)) } };
  }

  async function right(request: TokenServerRequest): Promise<TokenServerAnswer> {
    const { method, path, headers, form } = request;
    if (path.startsWith('/computeMetadata/v1/instance/service-accounts/')) {
      if (headers['metadata-flavor'] !== 'Google' || method !== 'GET') return { status: 403, body: '<html>' };
      return {
        ...give(google.machineToken, 'https://www.googleapis.com/auth/cloud-platform'),
        headers: { 'Metadata-Flavor': 'Google' },
      };
    }
    if (method !== 'POST') return { status: 405 };
    if (path === '/sts') return exchange(request);
    if (path.endsWith(':generateAccessToken')) return generate(request);
    if (path !== '/oauth/token') return { status: 404 };
    return form.get('grant_type') === 'refresh_token' ? refresh(form) : byAssertion(form);
  }

  server.answer(async (request) => {
    const disturbance = [...disturbances].find(([path]) => request.path.startsWith(path));
    if (disturbance !== undefined) return disturbance[1];
    return right(request).catch(() => refused('invalid_grant'));
  });
  return {
    origin,
    requests: server.requests,
    keyFile: (changes) =>
      JSON.stringify({
        type: 'service_account',
        project_id: 'example',
        private_key_id: google.keyId,
        private_key: accountKeyPem,
        client_email: google.account,
        token_uri: `${origin}/oauth/token`,
        ...changes,
      }),
    configuration: (changes) =>
      JSON.stringify({
        type: 'external_account',
        audience: google.audience,
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        token_url: `${origin}/sts`,
        credential_source: { file: '/var/run/secrets/token' },
        ...changes,
      }),
    awsConfiguration: (changes, source) => {
      const metadata = 'http://169.254.169.254/latest';
      return JSON.stringify({
        type: 'external_account',
        audience: google.audience,
        subject_token_type: awsTokenType,
        token_url: `${origin}/sts`,
        credential_source: {
          environment_id: 'aws1',
          region_url: `${metadata}/meta-data/placement/availability-zone`,
          url: `${metadata}/meta-data/iam/security-credentials`,
          imdsv2_session_token_url: `${metadata}/api/token`,
          regional_cred_verification_url:
            'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
          ...source,
        },
        ...changes,
      });
    },
    introduce: (one) => {
      caller = one;
    },
    get lastMistake() {
      return lastMistake;
    },
    subjectToken: () => {
      const now = Math.floor(clock.wallTime() / 1_000);
      return new SignJWT({ sub: 'workload', iss: google.clusterIssuer, aud: google.audience, iat: now, exp: now + 600 })
        .setProtectedHeader({ alg: 'ES256' })
        .sign(cluster.privateKey);
    },
    disturb: (path, answer) => void disturbances.set(path, answer),
    close: () => server.close(),
  };
}
