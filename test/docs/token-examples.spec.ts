import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCompile } from '../../src/compile/compile.ts';
import type { Compiled } from '../../src/compile/pipelines.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { formatDiagnostic } from '../../src/definitions/diagnostic.ts';
import type { FolderSource } from '../../src/definitions/pipeline-folder.ts';
import { HttpForwarder } from '../../src/forward/http-forwarder.ts';
import { errorTable } from '../../src/kernel/error-table.ts';
import type { HttpCall } from '../../src/kernel/http-caller.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { Ticker } from '../../src/kernel/ticker.ts';
import type { UpstreamRequest } from '../../src/kernel/upstream.ts';
import type { WorkloadVariable } from '../../src/kernel/workload.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { chatRequest, fakeRun } from '../support/chat-run.ts';
import { exampleSecrets } from '../support/example-secrets.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(join(projectFolder, 'docs/tokens.md'), 'utf8');

const blocks = [...page.matchAll(/^```json\n([^]*?)^```$/gm)].map(({ 1: text = '' }) => text);
const secrets = exampleSecrets(blocks);
const pipelines = blocks.filter((text) => text.includes('"apiVersion"'));
/** Files for all pipelines, by the path that stands above each of them. */
const resources = [...page.matchAll(/`pipelines\/resources\/([\w/-]+)\.json`:\n\n```json\n([^]*?)^```$/gm)].map(
  ({ 1: name = '', 2: text = '' }) => [name, text] as const,
);

const machine: Partial<Record<WorkloadVariable, string>> = {
  AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret-of-the-machine',
};

/** An engine whose token servers answer to whatever they are asked, each in its own way. */
function engine(registry: Registry) {
  const test = testRun();
  const calls: HttpCall[] = [];
  const http = {
    call: (call: HttpCall) => {
      calls.push(call);
      const [status, body] = answerOf(call, test.clock.wallTime());
      return Promise.resolve({ status, headers: {}, body });
    },
  };
  const workload = { variable: (name: WorkloadVariable) => machine[name], file: () => undefined };
  const capabilities = { ...test.capabilities, http, workload };
  const read = readEnvironment({ ...secrets.variables, SLUICE_SECRETS_DIR: secrets.folder });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  const forwarder = new HttpForwarder(test.clock, new Ticker(test.clock));
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const compileOne = createCompile({ registry, environment: read.environment, capabilities, forwarder, counters });
  const source = (file: string, text: string): FolderSource => ({ file, text: secrets.place(text) });
  const compile = (text: string): Compiled => {
    const { name } = JSON.parse(text) as { name: string };
    return compileOne(name, {
      pipelines: new Map([[name, source(`pipelines/${name}.json`, text)]]),
      resources: new Map(resources.map(([key, value]) => [key, source(`pipelines/resources/${key}.json`, value)])),
      problems: [],
    });
  };
  return { ...test, calls, compile };
}

function answerOf({ url }: HttpCall, wallTime: number): readonly [status: number, body: string] {
  const expiration = new Date(wallTime + 3_600_000).toISOString();
  const { host } = new URL(url);
  if (host.startsWith('sts.')) {
    const keys = { AccessKeyId: 'ASIAROLE', SecretAccessKey: 'role-secret', SessionToken: 'session' };
    const fields = Object.entries({ ...keys, Expiration: expiration }).map(([name, value]) => within(name, value));
    const around = ['Credentials', 'AssumeRoleResult', 'AssumeRoleResponse'];
    return [200, around.reduce((inner, name) => within(name, inner), fields.join(''))];
  }
  const token = `token-of-${host}`;
  if (host === 'api.github.com') return [201, JSON.stringify({ token, expires_at: expiration })];
  const issued = { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' };
  return [200, JSON.stringify({ access_token: token, token_type: 'Bearer', expires_in: 3_600, ...issued })];
}

function within(name: string, text: string): string {
  return `<${name}>${text}</${name}>`;
}

/** What each example asks for its token, and the headers that carry it to the provider of the model. */
const uses: Readonly<Record<string, { readonly asks: readonly unknown[]; readonly sends: Record<string, unknown> }>> = {
  'key-from-file': { asks: [], sends: { authorization: 'Bearer value-of-openai-api-key' } },
  company: {
    asks: ['https://login.example.com/oauth/token'],
    sends: { authorization: 'Bearer token-of-login.example.com' },
  },
  azure: {
    asks: [expect.stringMatching(/^http:\/\/169\.254\.169\.254\/metadata\/identity\/oauth2\/token\?/)],
    sends: { authorization: 'Bearer token-of-169.254.169.254' },
  },
  vertex: {
    asks: ['https://oauth2.googleapis.com/token'],
    sends: { authorization: 'Bearer token-of-oauth2.googleapis.com' },
  },
  bedrock: {
    asks: ['https://sts.eu-central-1.amazonaws.com/'],
    sends: {
      authorization: expect.stringMatching(/^AWS4-HMAC-SHA256 Credential=ASIAROLE\/\d{8}\/eu-central-1\/bedrock\//),
    },
  },
  github: {
    asks: ['https://api.github.com/app/installations/12345678/access_tokens'],
    sends: { authorization: 'Bearer token-of-api.github.com' },
  },
  pool: { asks: [], sends: { authorization: 'Bearer value-of-LARGE_API_KEY' } },
  'on-behalf': {
    asks: ['https://login.example.com/oauth/token'],
    sends: { authorization: 'Bearer token-of-login.example.com' },
  },
  'own-key': { asks: [], sends: { 'x-api-key': 'sk-ant-of-the-caller' } },
};

describe('docs/tokens.md', () => {
  let registry: Registry;
  beforeAll(async () => {
    registry = await productRegistry();
  });
  afterAll(() => secrets.remove());

  const named = pipelines.map((text) => [(JSON.parse(text) as { name: string }).name, text] as const);

  it('has an example of each common case, and nothing that is neither a pipeline nor a shared file', () => {
    expect(named.map(([name]) => name)).toEqual(Object.keys(uses));
    expect(blocks).toHaveLength(pipelines.length + resources.length);
  });

  it.each(named)('%s is taken without a warning, and gets its token', async (name, text) => {
    const { compile, calls, clock, run } = engine(registry);
    const { pipeline, diagnostics } = compile(text);
    expect(diagnostics.map(formatDiagnostic)).toEqual([]);
    const backend = pipeline?.defaultBackend;
    const presented = (header: string): Secret | undefined =>
      header === 'authorization' ? new Secret(header, () => 'Bearer sk-ant-of-the-caller') : undefined;
    const ask = async (): Promise<UpstreamRequest> => {
      const credential = await backend?.token?.getToken({ ...run, presented });
      const request = backend?.backend.encode(chatRequest({}), fakeRun());
      if (request === undefined) throw new Error('there is no backend');
      await credential?.apply(request);
      return request;
    };
    expect((await ask()).headers).toMatchObject(uses[name]?.sends ?? {});
    // The second request asks nobody.
    await ask();
    expect(calls.map(({ url }) => url)).toEqual(uses[name]?.asks);
    await pipeline?.dispose();
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('names every token provider in its table, and no other', () => {
    const [, table = ''] = /^## The providers\n([^]*?)\n## /m.exec(page) ?? [];
    const rows = [...table.matchAll(/^\| `([\w-]+)` \|/gm)].map(({ 1: type = '' }) => type);
    expect(rows.toSorted()).toEqual(registry.types('token-provider').toSorted());
  });

  it.each([
    ['cache', { skew: '60s', refreshAt: 0.8, failureTtl: '1s', maxCallers: 1_000 }],
    ['chained', { coolDown: '30s' }],
    ['pool', { coolDowns: { rejected: '5m', rateLimited: '30s', quota: '1h', unavailable: '30s' } }],
    ['oauth2-client-credentials', { timeout: '5s' }],
  ])('tells the defaults of %s', (type, defaults) => {
    const { properties } = Object(registry.get('token-provider', type)?.config) as {
      readonly properties: Readonly<Record<string, { readonly default?: unknown }>>;
    };
    const names = Object.keys(defaults);
    expect(Object.fromEntries(names.map((name) => [name, properties[name]?.default]))).toEqual(defaults);
  });

  const source = globSync('src/**/*.ts', { cwd: projectFolder })
    .map((path) => readFileSync(join(projectFolder, path), 'utf8'))
    .join('\n');
  const told = [...page.matchAll(/^\| (?:warn|info|error) \| (.*) \|$/gm)]
    .flatMap(({ 1: cell = '' }) => [...cell.matchAll(/`([a-z, ]{15,})`/g)])
    .map(({ 1: line = '' }) => [line] as const);
  const counted = [...page.matchAll(/^\| `([a-z_]+)` \|/gm)]
    .map(({ 1: name = '' }) => [name] as const)
    .filter(([name]) => name.includes('_'));

  it('names errors that there are', () => {
    const names = [...page.matchAll(/`([A-Z]+(?:_[A-Z0-9]+)+)`/g)].map(({ 1: name = '' }) => name);
    const codes = names.filter((name) => !/^(?:SLUICE|AWS|AZURE|GOOGLE)_/.test(name));
    expect(codes).toContain('TOKEN_UNAVAILABLE');
    expect(codes.filter((code) => !(code in errorTable))).toEqual([]);
  });

  it('shows log lines and counters', () => {
    expect([told.length, counted.length]).toEqual([12, 6]);
  });

  it.each([...told, ...counted])('%s is written by the code', (words) => {
    expect(source).toContain(`'${words}'`);
  });
});
