import { describe, expect, it } from '@jest/globals';
import { Secret } from '../../src/kernel/schema.ts';
import { backend, check, findings, minimal, resolved, secretValue } from './check-support.ts';

/** Codes and pointers, in order. */
const places = (definition: unknown): string[] =>
  check(definition).diagnostics.map(({ code, pointer }) => `${code} ${pointer}`);
const withBackend = (rest: object): object => ({ ...minimal, backends: { gpt: { ...backend, ...rest } } });
const keyIn = (path: string): object => ({ type: 'static', config: { token: { $file: path } } });
const withFilter = (rest: object): object => ({
  ...minimal,
  processors: [{ type: 'filter', config: { words: ['a'] }, ...rest }],
});

describe('a definition without a mistake', () => {
  it('is built with every default', () => {
    const pipeline = resolved(minimal);
    expect(pipeline.definition).toEqual({
      apiVersion: 'sluice/v1',
      name: 'support',
      labels: {},
      params: {},
      processors: [],
      tokenProviders: {},
      modifiers: [],
      inbound: {
        formats: ['native', 'openai-chat'],
        maxBodyBytes: 33_554_432,
        unknownModel: 'refuse',
        unknownFields: 'forward',
      },
      backends: {
        gpt: {
          ...backend,
          network: 'public',
          timeouts: { connect: '5s', headers: '60s', firstToken: '90s', idle: '60s', progress: '120s', total: '15m' },
        },
      },
      output: { heartbeat: '15s', commitAfter: '10s', clientStall: '30s', debug: false },
      limits: { maxStreamDuration: '15m', maxFrameBytes: 1_048_576, maxAnswerBytes: 8_388_608 },
    });
    expect(pipeline).toMatchObject({
      name: 'support',
      file: 'pipelines/support.json',
      defaultBackend: 'gpt',
      uses: [],
      processors: [],
      modifiers: [],
    });
    expect(pipeline.backends.get('gpt')).toMatchObject({
      kind: 'backend',
      name: 'gpt',
      type: 'openai-chat',
      pointer: '/backends/gpt',
      network: 'public',
      config: backend.config,
      timeouts: {
        connect: 5_000,
        headers: 60_000,
        firstToken: 90_000,
        idle: 60_000,
        progress: 120_000,
        total: 900_000,
      },
    });
    expect(pipeline.backends.get('gpt')?.shared).toBeUndefined();
  });

  it('gives each step its name, its place, its configuration with defaults', () => {
    const { processors, modifiers } = resolved({
      ...minimal,
      processors: [
        { type: 'research' },
        { name: 'names', type: 'filter', when: 'true', config: { words: ['Ann'] }, timeout: '2s' },
      ],
      modifiers: [{ type: 'insert', config: { text: '!' }, onError: 'skip' }],
    });
    expect(processors).toMatchObject([
      {
        name: 'research#0',
        pointer: '/processors/0',
        config: { maxPages: 2 },
        timeoutMilliseconds: 30_000,
        onError: 'fail',
      },
      {
        name: 'names',
        pointer: '/processors/1',
        config: { words: ['Ann'], with: '***', action: 'mask' },
        timeoutMilliseconds: 2_000,
        when: 'true',
      },
    ]);
    expect(modifiers).toMatchObject([{ name: 'insert#0', config: { text: '!', at: 'end' }, onError: 'skip' }]);
  });

  it('may hold comments at every level, which are not built', () => {
    const commented = {
      $schema: '../schemas/pipeline.schema.json',
      _comment: 'text with ${SOMETHING}',
      'x-owner': { any: ['thing'] },
      ...minimal,
      limits: { 'x-why': 'load test' },
      backends: {
        gpt: { ...backend, _comment: 'EU', config: { ...backend.config, 'x-ticket': 7, headers: { 'x-tenant': 'a' } } },
      },
    };
    expect(findings(commented)).toEqual([]);
    const { definition, backends } = resolved(commented);
    expect(JSON.stringify(definition)).not.toMatch(/_comment|x-owner|x-why|x-ticket/);
    expect(backends.get('gpt')?.config).toEqual({ ...backend.config, headers: { 'x-tenant': 'a' } });
  });

  it('has secrets that show nowhere', () => {
    const pipeline = resolved({
      ...withBackend({ token: 'openai' }),
      tokenProviders: { openai: { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } } },
    });
    const provider = pipeline.backends.get('gpt')?.token;
    expect(provider).toBe(pipeline.tokenProviders.get('openai'));
    const token = provider?.config['token'];
    expect(token instanceof Secret && token.reveal()).toBe(secretValue);
    expect(JSON.stringify(pipeline)).not.toContain(secretValue);
    expect(pipeline.definition.tokenProviders).toMatchObject({
      openai: { config: { token: { $env: 'OPENAI_API_KEY' } } },
    });
  });

  it('may nest components in the configuration of others', () => {
    const { tokenProviders } = resolved({
      ...withBackend({ token: 'all' }),
      tokenProviders: {
        all: {
          type: 'chained',
          config: {
            providers: [
              'first',
              {
                type: 'cache',
                config: { provider: { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } } },
              },
            ],
          },
        },
        first: { type: 'static', config: { token: { $env: 'SLUICE_VAR_REGION' }, header: 'x-key' } },
      },
    });
    expect(tokenProviders.get('all')?.config['providers']).toMatchObject([
      { kind: 'token-provider', name: 'first', pointer: '/tokenProviders/first', config: { header: 'x-key' } },
      {
        type: 'cache',
        pointer: '/tokenProviders/all/config/providers/1',
        config: { provider: { type: 'static', config: { header: 'authorization' } } },
      },
    ]);
  });

  it('plays its provider from memory where it says so', () => {
    const script = [
      { say: 'Hello', delay: '10ms' },
      { wait: '1s' },
      { finish: 'stop' },
      { usage: { total_tokens: 3 } },
      { sse: null },
      { done: true },
    ];
    expect(resolved(withBackend({ upstream: { script, chunkBytes: 7 } })).backends.get('gpt')?.upstream).toEqual({
      script,
      chunkBytes: 7,
    });
  });
});

describe('the revision', () => {
  const revision = (definition: unknown): string => resolved(definition).revision;

  it('is twelve hex digits of the content, whatever its layout', () => {
    expect(revision(minimal)).toMatch(/^[0-9a-f]{12}$/);
    expect(
      revision(`// comment\n${JSON.stringify(Object.fromEntries(Object.entries(minimal).reverse()), null, 4)}`),
    ).toBe(revision(minimal));
    expect(revision({ ...minimal, description: 'other' })).not.toBe(revision(minimal));
  });
});

describe('a mistake', () => {
  it.each<[what: string, definition: unknown, places: string[]]>([
    ['another apiVersion', { ...minimal, apiVersion: 'sluice/v2' }, ['schema.enum /apiVersion']],
    ['a name that is not the one of the file', { ...minimal, name: 'sales' }, ['name.mismatch /name']],
    ['no backend', { apiVersion: 'sluice/v1', name: 'support' }, ['schema.required ']],
    ['an empty map of backends', { ...minimal, backends: {} }, ['schema.size /backends']],
    [
      'two backends and no routing',
      { ...minimal, backends: { gpt: backend, other: backend } },
      ['routing.missing /backends'],
    ],
    [
      'a route to two backends',
      { ...minimal, backends: { gpt: backend, b: backend }, routing: { default: { to: ['gpt', 'b'] } } },
      ['ref.unused /backends/b', 'schema.size /routing/default/to'],
    ],
    ['an unknown key', { ...minimal, backend }, ['schema.unknownKey /backend']],
    ['a key of the configuration beside it', withBackend({ model: 'x' }), ['schema.unknownKey /backends/gpt/model']],
    ['a missing configuration', { ...minimal, modifiers: [{ type: 'mask' }] }, ['schema.required /modifiers/0/config']],
    ['a skipped guard', withFilter({ onError: 'skip' }), ['guard.skip /processors/0/onError']],
    ['a duration without a unit', withFilter({ timeout: '30' }), ['schema.pattern /processors/0/timeout']],
    ['a duration that is a number', withFilter({ timeout: 30 }), ['schema.type /processors/0/timeout']],
    [
      'a duration that no timer can hold',
      withFilter({ timeout: '999999999h' }),
      ['schema.range /processors/0/timeout'],
    ],
    ['a duration of nothing', withFilter({ timeout: '0s' }), ['schema.range /processors/0/timeout']],
    ['a wrong condition', withFilter({ when: 'bad' }), ['condition.type /processors/0/when']],
    [
      'two steps of one name',
      {
        ...minimal,
        processors: [
          { name: 'a', type: 'research' },
          { name: 'a', type: 'research' },
        ],
      },
      ['name.duplicate /processors/1/name'],
    ],
    ['a step that is a number', { ...minimal, processors: [7] }, ['schema.type /processors/0']],
    [
      'a literal secret',
      withBackend({ token: { type: 'static', config: { token: secretValue } } }),
      ['secret.literal /backends/gpt/token/config/token'],
    ],
    [
      'two sources of a secret',
      withBackend({ token: { type: 'static', config: { token: { $env: 'A_TOKEN', $file: 'x' } } } }),
      ['schema.size /backends/gpt/token/config/token'],
    ],
    [
      'a variable that may not be read',
      withBackend({ token: { type: 'static', config: { token: { $env: 'PATH' } } } }),
      ['secret.envNotAllowed /backends/gpt/token/config/token/$env'],
    ],
    [
      "one of Sluice's own variables",
      withBackend({ token: { type: 'static', config: { token: { $env: 'SLUICE_ADMIN_TOKEN' } } } }),
      ['secret.envNotAllowed /backends/gpt/token/config/token/$env'],
    ],
    [
      'a variable that is not set',
      withBackend({ token: { type: 'static', config: { token: { $env: 'OTHER_API_KEY' } } } }),
      ['secret.missing /backends/gpt/token/config/token/$env'],
    ],
    [
      'a variable that is empty',
      withBackend({ token: { type: 'static', config: { token: { $env: 'EMPTY_TOKEN' } } } }),
      ['secret.missing /backends/gpt/token/config/token/$env'],
    ],
    [
      'a file that is not there, of a provider in another',
      withBackend({ token: { type: 'cache', config: { provider: keyIn('no-such-key') } } }),
      ['secret.missing /backends/gpt/token/config/provider/config/token/$file'],
    ],
    [
      'a file outside of the folders',
      withBackend({ token: keyIn('/etc/no-such-key') }),
      ['secret.pathNotAllowed /backends/gpt/token/config/token/$file'],
    ],
    [
      'a reference where none is allowed',
      withBackend({ config: { ...backend.config, model: { $env: 'OPENAI_API_KEY' } } }),
      ['schema.type /backends/gpt/config/model'],
    ],
    [
      'a textual variable',
      withBackend({ config: { ...backend.config, model: 'x-${MODEL}' } }),
      ['env.textual /backends/gpt/config/model'],
    ],
    ['an unknown token provider', withBackend({ token: 'opnai' }), ['ref.unknown /backends/gpt/token']],
    ['a key in place of a name', withBackend({ token: 'SK-1234' }), ['schema.pattern /backends/gpt/token']],
    [
      'a token provider that uses itself',
      { ...withBackend({ token: 'a' }), tokenProviders: { a: { type: 'cache', config: { provider: 'a' } } } },
      ['ref.cycle /tokenProviders/a'],
    ],
    [
      'a default that is not allowed',
      { ...minimal, params: { tone: { type: 'string', enum: ['a'], default: 'b' } } },
      ['params.invalid /params/tone/default'],
    ],
    [
      'bounds that exclude everything',
      { ...minimal, params: { n: { type: 'integer', minimum: 3, maximum: 2 } } },
      ['params.invalid /params/n/maximum'],
    ],
    [
      'a bound that means nothing',
      { ...minimal, params: { n: { type: 'integer', maxLength: 2 } } },
      ['params.invalid /params/n/maxLength'],
    ],
    [
      'a script step with two verbs',
      withBackend({ upstream: { script: [{ say: 'a', finish: 'stop' }] } }),
      ['schema.union /backends/gpt/upstream/script/0'],
    ],
    [
      'a script step with half of its keys',
      withBackend({ upstream: { script: [{ wait: '1s', delay: '1s' }] } }),
      ['schema.required /backends/gpt/upstream/script/0'],
    ],
    ...['../../evil', 'node:child_process', 'constructor', '__proto__', 'toString', ''].map(
      (type): [string, unknown, string[]] => [
        `the type ${JSON.stringify(type)}`,
        { ...minimal, processors: [{ type }] },
        ['schema.enum /processors/0/type'],
      ],
    ),
    ...['a/b', '../a', 'Support', 'a.json', 'x'.repeat(64), 'Ａ', 'a\u0000', ''].map(
      (name): [string, unknown, string[]] => [
        `the backend name ${JSON.stringify(name)}`,
        { ...minimal, backends: { [name]: backend } },
        [`schema.name /backends/${name.replaceAll('/', '~1')}`],
      ],
    ),
  ])('%s', (_what, definition, expected) => {
    expect(places(definition)).toEqual(expected);
  });

  it.each<[text: string, at: string, line: string]>([
    [
      '{"apiVersion":"sluice/v1","name":"support","backends":{"gpt":{"type":"openai-chat","config":{"baseUrl":"https://a","modle":"x"}}}}',
      '"modle"',
      'error  schema.unknownKey  unknown key "modle", did you mean "model"?',
    ],
    [
      JSON.stringify({ ...minimal, processors: [{ type: 'reserch' }] }, null, 1),
      '"reserch"',
      'error  schema.enum  unknown value "reserch", did you mean "research"? Valid: "filter", "research"',
    ],
    [
      JSON.stringify({ ...minimal, modifiers: [{ type: 'insert', when: '1 < "\n" && bad', config: { text: '' } }] }),
      'bad',
      'error  condition.type  unknown variable: bad',
    ],
  ])('is shown where it stands (%#)', (text, at, line) => {
    const before = text.slice(0, text.indexOf(at)).split('\n');
    expect(findings(text)).toEqual([`support.json:${before.length}:${(before.at(-1)?.length ?? 0) + 1}  ${line}`]);
  });

  it('does not hide others: syntax, shape and meaning are reported together', () => {
    const text = `{
      "apiVersion": "sluice/v1", "name": "sales",
      "processors": [ "nobody" { "type": "reserch" } ],
      "backends": { "gpt": { "type": "openai-chat", "config": { "baseUrl": "https://a", "model": "\${M}" }, "token": "t", "token": "u" } },
      "modifiers": [ { "type": "mask", "config": { "words": 5 } } ]
    }`;
    expect(places(text)).toEqual([
      'name.mismatch /name',
      'ref.unknown /processors/0',
      'json.syntax ',
      'schema.enum /processors/1/type',
      'env.textual /backends/gpt/config/model',
      'json.duplicateKey /backends/gpt/token',
      'ref.unknown /backends/gpt/token',
      'schema.type /modifiers/0/config/words',
    ]);
  });

  it('is not made up: what a syntax mistake swallowed is not called missing', () => {
    expect(places('{"apiVersion":"sluice/v1","name":"support",')).toEqual([
      'json.syntax ',
      'json.syntax ',
      'json.syntax ',
    ]);
  });

  it('is no reason to refuse where it is a warning', () => {
    const { pipeline, diagnostics } = check({
      ...minimal,
      tokenProviders: { spare: { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } } },
    });
    expect(diagnostics).toMatchObject([{ code: 'ref.unused', severity: 'warning', pointer: '/tokenProviders/spare' }]);
    expect(pipeline?.name).toBe('support');
  });
});
