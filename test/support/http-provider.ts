import { HttpCalls } from '../../src/forward/http-calls.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import { httpTokenProvider } from '../../src/tokens/http.ts';
import type { TestClock } from './test-clock.ts';
import { testRun, type TestRun } from './test-run.ts';
import { startTokenServer, type TokenServer, type TokenServerRequest } from './token-server.ts';

export type HttpConfig = Parameters<typeof httpTokenProvider.create>[0];

/** What the schema fills in, apart from the network: the servers of tests are in the own one. */
export const httpDefaults = {
  token: '/access_token',
  whole: false,
  network: 'private',
  timeout: '5s',
  header: 'authorization',
  scheme: 'Bearer',
} as const;

export interface HttpSetUp {
  readonly test: TestRun;
  readonly clock: TestClock;
  readonly http: HttpCalls;
  readonly server: TokenServer;
  /** A provider that asks the server, unless `config` says another address. */
  build(config?: Partial<HttpConfig>): TokenProvider;
  lastRequest(): TokenServerRequest;
  close(): Promise<void>;
}

/** One endpoint, and a way to it. */
export async function setUpHttp(): Promise<HttpSetUp> {
  const test = testRun();
  const { clock } = test;
  const http = new HttpCalls(clock);
  const server = await startTokenServer();
  return {
    test,
    clock,
    http,
    server,
    build: (config = {}) => httpTokenProvider.create({ ...httpDefaults, url: server.url, ...config }, { clock, http }),
    lastRequest() {
      const request = server.requests.at(-1);
      if (request === undefined) throw new Error('nobody asked');
      return request;
    },
    async close() {
      await http.close();
      await server.close();
    },
  };
}

/** A JSON Web Token that ends at `exp`; nobody checks who signed it. */
export function unsignedJwt(exp: number): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ exp })}.canary-4711-token`;
}
