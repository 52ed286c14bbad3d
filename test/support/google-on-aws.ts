import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { HttpCall, HttpCaller } from '../../src/kernel/http-caller.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload } from '../../src/kernel/workload.ts';
import { googleTokenProvider } from '../../src/tokens/google.ts';
import { accessKeyId, secretAccessKey, suiteTime, type MachineFacts } from './aws-machine.ts';
import { roleGiven } from './aws-services.ts';
import { startGoogleCloud, type GoogleCloud } from './google-cloud.ts';
import { TestClock } from './test-clock.ts';
import { secretOf } from './token-outcomes.ts';
import { startTokenServer, type TokenServer } from './token-server.ts';

type Config = Parameters<typeof googleTokenProvider.create>[0];

export const platform = 'https://www.googleapis.com/auth/cloud-platform';
export const region = 'eu-central-1';
export const question = '?Action=GetCallerIdentity&Version=2011-06-15';
/** Keys of a user, as the environment tells them, and as AWS knows them. */
export const environment = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
export const user = { id: accessKeyId, secret: secretAccessKey, region };
/** Keys of a role, as a service gives them, and as AWS knows them. */
const { id, secret, token, expiration } = roleGiven;
export const keysDocument = { AccessKeyId: id, SecretAccessKey: secret, Token: token, Expiration: expiration };
export const role = { id, secret, token, region };

export interface GoogleOnAws {
  readonly clock: TestClock;
  readonly cloud: GoogleCloud;
  /** Stands for whoever of AWS is asked. */
  readonly aws: TokenServer;
  readonly calls: readonly HttpCall[];
  /** What the machine says of itself; may be changed. A file stands here with its text. */
  facts: MachineFacts;
  /** Network, method and address of each call, without its query. */
  asked(): readonly string[];
  build(configuration: string, changes?: Partial<Config>): TokenProvider;
  close(): Promise<void>;
}

/** A machine of AWS that uses Google. What is sent to either arrives at servers of the test; nothing gets out. */
export async function startGoogleOnAws(): Promise<GoogleOnAws> {
  const clock = new TestClock({ wallTime: suiteTime });
  const http = new HttpCalls(clock);
  const cloud = await startGoogleCloud(clock);
  const aws = await startTokenServer();
  const calls: HttpCall[] = [];
  const rerouted: HttpCaller = {
    call(call, run) {
      calls.push(call);
      const { origin, pathname, search, hostname } = new URL(call.url);
      if (origin === cloud.origin || origin === aws.origin) return http.call(call, run);
      const target = hostname.endsWith('.googleapis.com') ? cloud : aws;
      return http.call({ ...call, url: target.origin + pathname + search, network: 'private' }, run);
    },
  };
  const machine: GoogleOnAws = {
    clock,
    cloud,
    aws,
    calls,
    facts: {},
    asked: () =>
      calls.map(({ network, method, url }) => `${network} ${method} ${url.slice(0, (url + '?').indexOf('?'))}`),
    build: (configuration, changes) =>
      googleTokenProvider.create(
        {
          credentials: { from: 'workload-identity', configuration: secretOf(configuration) },
          scope: platform,
          network: 'private',
          timeout: '5s',
          iamUrl: 'https://iamcredentials.googleapis.com',
          ...changes,
        },
        { clock, http: rerouted, workload },
      ),
    async close() {
      await http.close();
      await cloud.close();
      await aws.close();
    },
  };
  const workload: Workload = { variable: (name) => machine.facts[name], file: (name) => machine.facts[name] };
  return machine;
}
