import { beforeAll, describe, expect, it } from '@jest/globals';
import { createCompile } from '../../src/compile/compile.ts';
import type { Compiled } from '../../src/compile/pipelines.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { formatDiagnostic } from '../../src/definitions/diagnostic.ts';
import type { FolderSource } from '../../src/definitions/pipeline-folder.ts';
import { HttpForwarder } from '../../src/forward/http-forwarder.ts';
import type { HttpCall } from '../../src/kernel/http-caller.ts';
import type { Credential, TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import { Ticker } from '../../src/kernel/ticker.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { productRegistry } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await productRegistry();
});

const secret = { $env: 'LOGIN_SECRET' };
const fixed = { type: 'static', config: { token: { $env: 'SPARE_API_KEY' } } };
const login = {
  type: 'oauth2-client-credentials',
  config: { tokenUrl: 'https://login.example.com/token', clientId: 'sluice', clientSecret: secret },
};
const cached = (provider: unknown): object => ({ type: 'cache', config: { provider } });
const backend = (token: unknown): object => ({
  type: 'openai-chat',
  config: { baseUrl: 'https://api.example.com/v1', model: 'm' },
  token,
});

/** An engine that compiles one definition after another; its token server counts. */
function engine(resources: Readonly<Record<string, unknown>> = {}) {
  const test = testRun();
  const calls: HttpCall[] = [];
  const http = {
    call: async (call: HttpCall) => {
      calls.push(call);
      const json = { access_token: `token-${calls.length}`, token_type: 'Bearer', expires_in: 3_600 };
      return Promise.resolve({ status: 200, headers: {}, body: JSON.stringify(json) });
    },
  };
  const capabilities = { ...test.capabilities, http };
  const read = readEnvironment({ LOGIN_SECRET: 'one', SPARE_API_KEY: 'spare' });
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  const forwarder = new HttpForwarder(test.clock, new Ticker(test.clock));
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const one = createCompile({ registry, environment: read.environment, capabilities, forwarder, counters });
  const source = (file: string, value: unknown): FolderSource => ({ file, text: JSON.stringify(value, undefined, 1) });
  const compile = (name: string, definition: object): Compiled =>
    one(name, {
      pipelines: new Map([[name, source(`${name}.json`, { apiVersion: 'sluice/v1', name, ...definition })]]),
      resources: new Map(Object.entries(resources).map(([key, value]) => [key, source(`${key}.json`, value)])),
      problems: [],
    });
  /** The token that a backend would send. */
  const tokenOf = async ({ pipeline }: Compiled, name = 'one'): Promise<string | undefined> => {
    const credential: Credential | undefined = await linkIn(pipeline, name)?.getToken(test.run);
    const request = { method: 'POST', origin: 'https://api.example.com', path: '/', headers: {}, body: '' } as const;
    const sent: { headers: Record<string, string> } & Omit<typeof request, 'headers'> = { ...request, headers: {} };
    await credential?.apply(sent);
    return sent.headers['authorization'];
  };
  return { ...test, calls, compile, tokenOf };
}

function linkIn(pipeline: Compiled['pipeline'], name: string): TokenLink | undefined {
  return pipeline?.backends.get(name)?.token;
}

describe('a token provider that wraps others', () => {
  it('gets them built, by name and inline, and one instance serves all who name it', async () => {
    const { compile, calls, tokenOf, compile: again } = engine();
    const definition = {
      tokenProviders: { login: cached(login), either: { type: 'chained', config: { providers: ['login', fixed] } } },
      backends: { one: backend('either'), two: backend('login') },
      routing: { default: { to: ['one'] } },
    };
    const compiled = compile('support', definition);
    expect(compiled.diagnostics.map(({ code }) => code)).toEqual(['ref.unused']);
    expect(await tokenOf(compiled)).toBe('Bearer token-1');
    expect(await tokenOf(compiled, 'two')).toBe('Bearer token-1');
    expect(linkIn(compiled.pipeline, 'one')?.state()).toMatchObject({
      name: 'either',
      type: 'chained',
      links: [{ name: 'login', type: 'cache', status: 'ready' }, { type: 'static' }],
    });
    const edited = again('support', { ...definition, description: 'edited' });
    await compiled.pipeline?.dispose();
    expect(await tokenOf(edited)).toBe('Bearer token-1');
    expect(calls).toHaveLength(1);
    await edited.pipeline?.dispose();
  });

  it('ends with its last user, and the next one begins anew', async () => {
    const { compile, calls, tokenOf } = engine();
    const definition = { backends: { one: backend(cached(login)) } };
    const first = compile('support', definition);
    const other = compile('billing', definition);
    expect([await tokenOf(first), await tokenOf(other), calls.length]).toEqual(['Bearer token-1', 'Bearer token-1', 1]);
    await first.pipeline?.dispose();
    expect([await tokenOf(other), calls.length]).toEqual(['Bearer token-1', 1]);
    await other.pipeline?.dispose();
    const anew = compile('support', definition);
    expect([await tokenOf(anew), calls.length]).toEqual(['Bearer token-2', 2]);
    await anew.pipeline?.dispose();
  });

  it('is not shared with one that is made of something else', async () => {
    const { compile, tokenOf } = engine();
    const other = { ...login, config: { ...login.config, scope: 'admin' } };
    const one = compile('support', { backends: { one: backend(cached(login)) } });
    const two = compile('billing', { backends: { one: backend(cached(other)) } });
    expect([await tokenOf(one), await tokenOf(two)]).toEqual(['Bearer token-1', 'Bearer token-2']);
    await one.pipeline?.dispose();
    await two.pipeline?.dispose();
  });

  it('is shared with one that says the same in another order and with its defaults', async () => {
    const { compile, calls, tokenOf } = engine();
    const { tokenUrl, clientId, clientSecret } = login.config;
    const spelled = {
      config: {
        provider: { config: { clientSecret, timeout: '5s', clientId, tokenUrl }, type: login.type },
        ttl: '1h',
      },
      type: 'cache',
    };
    const plain = { type: 'cache', config: { ttl: '1h', provider: login } };
    const one = compile('support', { backends: { one: backend(plain) } });
    const two = compile('billing', { backends: { one: backend(spelled) } });
    expect([await tokenOf(one), await tokenOf(two), calls.length]).toEqual(['Bearer token-1', 'Bearer token-1', 1]);
    await one.pipeline?.dispose();
    await two.pipeline?.dispose();
  });

  it('may be a shared resource of other shared resources', async () => {
    const resources = { 'token-provider/login': login, 'token-provider/cached-login': cached('login') };
    const { compile, calls, tokenOf } = engine(resources);
    const one = compile('support', { backends: { one: backend('cached-login') } });
    const two = compile('billing', { backends: { one: backend('cached-login') } });
    expect(one.diagnostics).toEqual([]);
    expect([await tokenOf(one), await tokenOf(two), calls.length]).toEqual(['Bearer token-1', 'Bearer token-1', 1]);
    await one.pipeline?.dispose();
    await two.pipeline?.dispose();
  });

  it('leaves nothing behind where a later part of the definition is refused', async () => {
    const { compile, calls, tokenOf, clock } = engine();
    const badFixed = { type: 'static', config: { token: secret, header: 'Content-Length' } };
    const { pipeline, diagnostics } = compile('support', {
      backends: { one: backend({ type: 'chained', config: { providers: [cached(login), badFixed] } }) },
    });
    expect([pipeline, diagnostics.map(({ code, pointer }) => [code, pointer])]).toEqual([
      undefined,
      [['build.failed', '/backends/one/token/config/providers/1/config/header']],
    ]);
    const next = compile('support', { backends: { one: backend(cached(login)) } });
    expect([await tokenOf(next), calls.length]).toEqual(['Bearer token-1', 1]);
    await next.pipeline?.dispose();
    expect(clock.pendingTimers()).toEqual([]);
  });

  it('that wraps itself is refused', () => {
    const { compile } = engine();
    const { diagnostics } = compile('support', {
      tokenProviders: { a: cached('b'), b: cached('a') },
      backends: { one: backend('a') },
    });
    expect(diagnostics.map(({ code }) => code)).toContain('ref.cycle');
  });
});

describe('what is odd about a credential', () => {
  const lines = ({ diagnostics }: Compiled): string[] => diagnostics.map(formatDiagnostic);

  it('that nobody remembers is a warning at the very provider', () => {
    const { compile } = engine();
    const chain = { type: 'chained', config: { providers: [cached(login), login] } };
    const compiled = compile('support', { backends: { one: backend(chain) } });
    expect(compiled.pipeline).toBeDefined();
    expect(compiled.diagnostics).toMatchObject([
      { code: 'token.uncached', severity: 'warning', pointer: '/backends/one/token/config/providers/1' },
    ]);
    expect(compiled.diagnostics[0]?.line).toBeGreaterThan(10);
  });

  it.each([
    ['round-robin', cached, ['token.pinned /backends/one/token/config/provider']],
    [
      'round-robin',
      (pool: object) => cached({ type: 'chained', config: { providers: [pool, fixed] } }),
      ['token.pinned /backends/one/token/config/provider/config/providers/0'],
    ],
    ['round-robin', (pool: object) => pool, []],
    ['sticky', cached, []],
  ] as const)(
    'as that of a pool (%s) is a warning where one key is remembered for all',
    async (strategy, around, found) => {
      const { compile } = engine();
      const pool = { type: 'pool', config: { keys: [{ provider: fixed }, { provider: cached(login) }], strategy } };
      const compiled = compile('support', { backends: { one: backend(around(pool)) } });
      expect(compiled.diagnostics.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual(found);
      await compiled.pipeline?.dispose();
    },
  );

  it.each([
    ['its own', ['https://api.example.com'], true],
    ['its own among others, written in another way', ['https://other.example', 'https://API.example.com:443'], true],
    ['another host', ['https://api.example.net'], false],
    ['another port', ['https://api.example.com:8443'], false],
    ['another scheme', ['http://api.example.com'], false],
  ])('for %s: %j', async (_what, origins, isTaken) => {
    const { compile } = engine();
    const compiled = compile('support', { backends: { one: backend(cached({ ...fixed, origins })) } });
    expect(compiled.pipeline !== undefined).toBe(isTaken);
    expect(lines(compiled).join('\n')).toMatch(isTaken ? /^$/ : /token\.origin .*https:\/\/api\.example\.com.* only$/);
    await compiled.pipeline?.dispose();
  });

  it('shows no value of a secret', () => {
    const { compile, log } = engine();
    const compiled = compile('support', {
      backends: { one: backend({ type: 'static', config: { token: 'sk-plain' } }) },
    });
    expect(compiled.pipeline).toBeUndefined();
    expect(JSON.stringify([compiled.diagnostics, log.text()])).not.toContain('sk-plain');
  });
});
