import { HttpCalls } from '../../src/forward/http-calls.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { HttpCall, HttpCaller } from '../../src/kernel/http-caller.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import type { Workload, WorkloadFile, WorkloadVariable } from '../../src/kernel/workload.ts';
import { awsTokenProvider } from '../../src/tokens/aws.ts';
import { signatureMistake } from './aws-signature.ts';
import { fakeRun } from './chat-run.ts';
import { TestClock } from './test-clock.ts';
import type { TokenServerRequest } from './token-server.ts';

/** The keys and the time of the test suite that AWS has published for Signature Version 4. */
export const accessKeyId = 'AKIDEXAMPLE';
export const secretAccessKey = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY';
export const suiteTime = Date.UTC(2015, 7, 30, 12, 36, 0);

export type AwsConfig = Parameters<typeof awsTokenProvider.create>[0];
export type MachineFacts = Partial<Record<WorkloadVariable | WorkloadFile, string>>;

export interface AwsMachine {
  readonly clock: TestClock;
  /** What the environment says; may be changed. A file stands here with its text. */
  facts: MachineFacts;
  create(config?: Partial<AwsConfig>): TokenProvider;
  /** The calls that `action` makes; none of them gets out. */
  callsOf(action: () => Promise<unknown>): Promise<readonly HttpCall[]>;
  close(): Promise<void>;
}

/** A machine with a clock and an environment of its own, and a true way out. */
export function awsMachine(facts: MachineFacts = {}): AwsMachine {
  const clock = new TestClock({ wallTime: suiteTime });
  const calls = new HttpCalls(clock);
  let noted: HttpCall[] | undefined;
  const http: HttpCaller = {
    call(request, run) {
      if (noted === undefined) return calls.call(request, run);
      noted.push(request);
      return Promise.reject(new SluiceError('UPSTREAM_CONNECT'));
    },
  };
  const machine: AwsMachine = {
    clock,
    facts,
    create: (config = {}) =>
      awsTokenProvider.create(
        { service: 'bedrock', credentials: { from: 'chain' }, network: 'private', timeout: '5s', ...config },
        { clock, http, workload },
      ),
    async callsOf(action) {
      const list: HttpCall[] = [];
      noted = list;
      await action().finally(() => (noted = undefined));
      return list;
    },
    close: () => calls.close(),
  };
  const workload: Workload = { variable: (name) => machine.facts[name], file: (name) => machine.facts[name] };
  return machine;
}

/** A call of a model with the credential that the provider gives now. */
export async function signedCall(
  provider: TokenProvider,
  overrides: Partial<UpstreamRequest> = {},
): Promise<UpstreamRequest> {
  const request: UpstreamRequest = {
    method: 'POST',
    origin: 'https://bedrock-runtime.eu-central-1.amazonaws.com',
    path: '/model/m/converse',
    headers: { 'content-type': 'application/json' },
    body: '{}',
    ...overrides,
  };
  await (await provider.getToken(fakeRun())).apply(request);
  return request;
}

/** How an independent reader judges the request as the transport sends it. */
export function mistakeOf({ method, origin, path, headers, body }: UpstreamRequest, secret = secretAccessKey): string {
  return signatureMistake({ method, target: path, headers: { ...headers, host: new URL(origin).host }, body }, secret);
}

/** How an independent reader judges the request that came. */
export function wireMistakeOf({ method, path, headers, body }: TokenServerRequest, secret = secretAccessKey): string {
  return signatureMistake({ method, target: path, headers, body }, secret);
}

/** What is thrown, whole, as somebody would see who prints everything. */
export async function failureOf(action: () => unknown): Promise<Record<string, unknown> & { code: string }> {
  try {
    await action();
  } catch (error) {
    return error as Record<string, unknown> & { code: string };
  }
  throw new Error('It did not fail.');
}
