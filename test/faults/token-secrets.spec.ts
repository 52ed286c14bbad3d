import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, describe, expect, it } from '@jest/globals';
import { printTable } from '../e2e/print.ts';
import { canariesOfLetters, leaksOf } from '../support/canary.ts';
import type { RequestRecord } from '../support/fault-connection.ts';
import type { ScenarioLike } from '../support/scenario.ts';
import { eventually, turn } from '../support/turn.ts';
import type { TokenServerAnswer, TokenServerRequest } from '../support/token-server.ts';
import { row } from './catalogue.ts';
import { forms, type Form } from './seen.ts';
import { heardBy, heardFrom, providerEchoes, tokenEchoes } from './token-echoes.ts';
import { cached, clientCredentials, hello, openTokenStage, useTokenStages, type TokenStage } from './token-stage.ts';

useTokenStages();

/** Each is found nowhere else. */
const key = 'Jx4Wm8Tq2Lz6Rb0Vn5Yc9Kd3Pf7Hs1Ga';
const reserveKey = 'Qa7Ze3Xs9Wd5Cr1Fv8Tg4Bh0Yn6Uj2Mk';
const clientKey = 'Mn6Bv2Cx9Zl5Kj1Hg8Fd4Sa0Qw7Er3Ty';
/** What token servers are told is made of letters alone, so that it passes for the code of an error. */
const [clientSecret, firstRefreshToken, otherSecret, awsSession] = canariesOfLetters;
const awsSecret = 'Gv2Hn7Lb4Wc9Tx1Zs6Yq3Mk8Rd5Jf0Pe';
const pem = generateKeyPairSync('rsa', {
  modulusLength: 2_048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;
const pemLines = pem.split('\n').filter((line) => line.length === 64);
const brokenPem = pem.replace(pemLines[3] ?? '', `${pemLines[3]?.slice(0, 32)}${pemLines[3]?.slice(40)}`);

const folder = mkdtempSync(join(tmpdir(), 'sluice-token-secrets-'));
afterAll(() => rmSync(folder, { recursive: true }));
const googleFile = join(folder, 'google-identity.json');

const environment = {
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: awsSecret,
  AWS_SESSION_TOKEN: awsSession,
  AWS_REGION: 'eu-central-1',
  GOOGLE_APPLICATION_CREDENTIALS: googleFile,
  STAGE_SECRET: clientSecret,
  FIRST_API_KEY: key,
  RESERVE_API_KEY: reserveKey,
  REFRESH_TOKEN: firstRefreshToken,
  SIGNING_SECRET: pem,
  BROKEN_SECRET: brokenPem,
  OTHER_SECRET: otherSecret,
};
const operatorSecrets = [
  clientSecret,
  key,
  reserveKey,
  firstRefreshToken,
  otherSecret,
  clientKey,
  awsSecret,
  awsSession,
];
const pemParts = pemLines.flatMap((line) => [line.slice(0, 32), line.slice(32)]);

const signed = { privateKey: { $env: 'SIGNING_SECRET' } };
const fixed = (name: string, more: object = {}): object => ({
  type: 'static',
  config: { token: { $env: name }, ...more },
});
const endpoint = (url: string): object => ({ tokenUrl: url, network: 'private' });
const client = { clientId: 'sluice', clientSecret: { $env: 'STAGE_SECRET' } };

/** The file of the platform: a role of AWS is known to Google. */
const googleIdentity = (url: string): object => ({
  type: 'external_account',
  audience: '//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/aws',
  subject_token_type: 'urn:ietf:params:aws:token-type:aws4_request',
  token_url: url,
  credential_source: {
    environment_id: 'aws1',
    regional_cred_verification_url: 'https://sts.{region}.amazonaws.com?Action=GetCallerIdentity&Version=2011-06-15',
  },
});

const withServer: Readonly<Record<string, (url: string) => object>> = {
  'client_secret_basic, cached': (url) => cached(clientCredentials(url)),
  client_secret_post: (url) => clientCredentials(url, { authentication: 'client_secret_post' }),
  'private_key_jwt, cached': (url) =>
    cached({
      type: 'oauth2-client-credentials',
      config: { ...endpoint(url), clientId: 'sluice', authentication: 'private_key_jwt', ...signed },
    }),
  'a refresh token, cached': (url) =>
    cached({
      type: 'oauth2-refresh-token',
      config: { ...endpoint(url), ...client, refreshToken: { $env: 'REFRESH_TOKEN' } },
    }),
  'token exchange, cached': (url) =>
    cached({
      type: 'oauth2-token-exchange',
      config: { ...endpoint(url), ...client, actorToken: { $env: 'OTHER_SECRET' } },
    }),
  'jwt-bearer': (url) => ({ type: 'jwt-bearer', config: { ...endpoint(url), issuer: 'sluice', ...signed, client } }),
  http: (url) => ({
    type: 'http',
    config: {
      url,
      network: 'private',
      json: { password: { $env: 'OTHER_SECRET' } },
      provider: fixed('RESERVE_API_KEY'),
    },
  }),
  'google, with keys of AWS, cached': (url) => {
    writeFileSync(googleFile, JSON.stringify(googleIdentity(url)));
    return cached({ type: 'google', config: { network: 'private' } });
  },
  'a chain of all': (url) => ({
    type: 'chained',
    config: {
      coolDown: '1s',
      providers: [
        cached(clientCredentials(url)),
        {
          type: 'oauth2-refresh-token',
          config: { ...endpoint(url), ...client, refreshToken: { $env: 'REFRESH_TOKEN' } },
        },
      ],
    },
  }),
};

const withoutServer: Readonly<Record<string, () => object>> = {
  static: () => fixed('FIRST_API_KEY'),
  'static, as user and password': () => fixed('FIRST_API_KEY', { scheme: 'Basic', username: 'gateway' }),
  'static, in the query': () => fixed('FIRST_API_KEY', { query: 'key' }),
  'a pool of keys': () => ({
    type: 'pool',
    config: {
      keys: [{ provider: fixed('FIRST_API_KEY') }, { provider: fixed('RESERVE_API_KEY') }],
      coolDowns: { rejected: '1s', rateLimited: '1s', quota: '1s', unavailable: '1s' },
    },
  }),
  'a chain of keys': () => ({
    type: 'chained',
    config: { coolDown: '1s', providers: [fixed('FIRST_API_KEY'), fixed('RESERVE_API_KEY')] },
  }),
  passthrough: () => ({ type: 'passthrough', config: {} }),
};

interface Account {
  readonly provider: string;
  faults: number;
  requests: number;
  'times a secret was repeated': number;
  'log lines': number;
  'bytes to clients': number;
  leaks: number;
}

/** Secrets that came about while a stage was played. */
class Issued {
  readonly secrets: string[] = [];
  #count = 0;

  next(kind: string): string {
    this.#count += 1;
    const secret = `${kind}${String(this.#count).padStart(4, '0')}Vb8Nm3Kj6Hg1Fd9Sa4Qw7Er2T`.slice(0, 32);
    this.secrets.push(secret);
    return secret;
  }

  /** A good answer; a refresh token is rotated. */
  grant(): TokenServerAnswer {
    const tokens = {
      access_token: this.next('At'),
      refresh_token: this.next('Rt'),
      issued_token_type: accessTokenType,
    };
    return { json: { ...tokens, token_type: 'Bearer', expires_in: 60 } };
  }

  /** Assertions that were signed: who has one may use it. */
  noteAssertion({ form }: TokenServerRequest): void {
    for (const name of ['client_assertion', 'assertion', 'refresh_token']) {
      const value = form.get(name);
      if (value !== null && value.length > 31) this.secrets.push(value.split('.').at(-1) ?? value);
    }
    const [, signature] = /Signature%3D([0-9a-f]{64})/.exec(form.get('subject_token') ?? '') ?? [];
    if (signature !== undefined) this.secrets.push(signature);
  }
}
const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token';

/** What messages of a JSON parser and logs that cut show of a text. */
function piecesOf(secret: string): string[] {
  return Array.from({ length: secret.length - pieceLength + 1 }, (_, at) => secret.slice(at, at + pieceLength));
}
const pieceLength = 10;

const accounts: Account[] = [];
afterAll(() =>
  printTable(
    'secrets that servers repeat while they fail, at every level of the log',
    accounts.map((account) => ({ ...account })),
  ),
);

async function play(
  name: string,
  token: (url: string) => object,
  say: (stage: TokenStage, issued: Issued, repeated: (text: string) => void) => Promise<number>,
  provider: (request: RequestRecord) => ScenarioLike = hello,
): Promise<void> {
  const issued = new Issued();
  const stage = await openTokenStage({ environment, token, provider, canaries: operatorSecrets });
  const secrets = (): readonly string[] => [...new Set([...operatorSecrets, ...pemParts, ...issued.secrets])];
  let repeated = 0;
  const faults = await say(stage, issued, (text) => {
    if (secrets().some((secret) => text.includes(secret))) repeated += 1;
  });
  const answers = stage.outputs().map(({ received }) => received.toString('latin1'));
  const places = [...answers, stage.sluice.log.text(), JSON.stringify(stage.sluice.engine.metrics())];
  const text = places.join('\n');
  const leaks = secrets().flatMap((secret) => [
    ...leaksOf(secret, text).map((form) => `${secret} (${form})`),
    ...piecesOf(secret).filter((piece) => text.includes(piece)),
  ]);
  accounts.push({
    provider: name,
    faults,
    requests: answers.length,
    'times a secret was repeated': repeated,
    'log lines': stage.sluice.log.lines.length,
    'bytes to clients': answers.join('').length,
    leaks: leaks.length,
  });
  expect(leaks).toEqual([]);
  expect(repeated).toBeGreaterThanOrEqual(faults);
}

/** Asks as a client that has a key of its own. Time passes only where somebody is silent: signing takes real time. */
async function ask(stage: TokenStage, form: Form, isSilent = false): Promise<string> {
  const asked = await stage.ask(form, { headers: { authorization: `Bearer ${clientKey}` } });
  const isOver = (): boolean => asked.responses[0]?.end !== undefined || asked.closed !== undefined;
  const pass = async (): Promise<void> => {
    await turn(100);
    await stage.clock.advance(1_000);
  };
  if (isSilent) while (!isOver()) await pass();
  await eventually(isOver, 'the end of the answer');
  return asked.received.toString('latin1');
}

describe(row('token-secrets'), () => {
  it.each(Object.entries(withServer))(
    'a token server, asked with %s',
    async (name, token) => {
      await play(name, token, async (stage, issued, repeated) => {
        // The answer has no type for "http".
        const failure = name === 'http' ? /TOKEN_|Hello/ : /TOKEN_(?:UNAVAILABLE|INVALID)/;
        for (const [fault, echo] of Object.entries(tokenEchoes)) {
          stage.tokens.answer((request) => {
            const heard = heardBy(request);
            issued.noteAssertion(request);
            const answer = echo(
              heard,
              issued.next('At'),
              operatorSecrets.filter((secret) => heard.includes(secret)),
            );
            repeated(`${heard} ${JSON.stringify(answer)}`);
            return answer;
          });
          for (const form of forms) {
            expect(await ask(stage, form, fault.endsWith('silence'))).toMatch(failure);
            await stage.clock.advance(1_000);
          }
          await stage.clock.advance(61_000);
        }
        return Object.keys(tokenEchoes).length;
      });
    },
    30_000,
  );

  it.each([...Object.entries(withServer), ...Object.entries(withoutServer)])(
    'a provider of the model, asked with the token of %s',
    async (name, token) => {
      let echo: (typeof providerEchoes)[string] | undefined;
      let repeat: (text: string) => void = () => undefined;
      const provider = (request: RequestRecord): ScenarioLike => {
        if (echo === undefined) return hello(request);
        const heard = heardFrom(request);
        repeat(heard);
        return echo(heard, request);
      };
      await play(
        `${name} (model)`,
        token,
        async (stage, issued, repeated) => {
          repeat = repeated;
          stage.tokens.answer((request) => {
            issued.noteAssertion(request);
            return issued.grant();
          });
          for (const fault of Object.values(providerEchoes)) {
            echo = fault;
            for (const form of ['openai stream', 'native document'] as const) {
              expect(await ask(stage, form)).toMatch(/UPSTREAM_|rate_limit_exceeded|overloaded/);
              await stage.clock.advance(61_000);
            }
            echo = undefined;
            expect(await ask(stage, 'native stream')).toContain('Hello');
          }
          return Object.keys(providerEchoes).length;
        },
        provider,
      );
    },
    30_000,
  );

  it('a private key that is broken', async () => {
    const opening = openTokenStage({
      environment,
      canaries: pemParts,
      token: (url) => ({
        type: 'jwt-bearer',
        config: { ...endpoint(url), issuer: 'sluice', privateKey: { $env: 'BROKEN_SECRET' } },
      }),
    });
    const failure: unknown = await opening.then(
      () => undefined,
      (error: unknown) => error,
    );
    const text = inspect(failure, { depth: 8 });
    expect(text).toContain('The definition does not serve');
    expect(
      [...pemParts, ...brokenPem.split('\n').filter((line) => line.length > 32)].filter((part) => text.includes(part)),
    ).toEqual([]);
  });
});
