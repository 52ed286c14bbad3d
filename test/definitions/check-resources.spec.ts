import { describe, expect, it } from '@jest/globals';
import { backend, check, findings, minimal, resolved } from './check-support.ts';

const provider = { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } };
const masked = { ...minimal, modifiers: [{ type: 'mask', config: { words: 'secrets' } }] };

describe('a shared resource', () => {
  it('stands behind its name, in every place that takes one', () => {
    const pipeline = resolved(
      {
        apiVersion: 'sluice/v1',
        name: 'support',
        processors: ['names'],
        modifiers: [{ type: 'mask', config: { words: 'secrets' } }],
        tokenProviders: { main: 'company' },
        backends: { gpt: 'eu' },
        routing: { default: { to: ['us'] } },
      },
      {
        resources: {
          'processor/names': { type: 'filter', config: { words: ['Ann'] }, timeout: '5s' },
          'word-list/secrets': '// comment\n["alpha", "beta",]',
          'token-provider/company': provider,
          'backend/eu': backend,
          'backend/us': { ...backend, token: 'company', network: 'private' },
          'backend/unused': { not: 'looked at' },
        },
      },
    );
    expect(pipeline.processors).toMatchObject([
      {
        name: 'names',
        type: 'filter',
        file: 'pipelines/resources/processor/names.json',
        pointer: '',
        timeoutMilliseconds: 5_000,
      },
    ]);
    expect(pipeline.modifiers).toMatchObject([{ config: { words: ['alpha', 'beta'] } }]);
    expect([...pipeline.backends.keys()]).toEqual(['gpt', 'us']);
    expect(pipeline.backends.get('us')).toMatchObject({
      name: 'us',
      network: 'private',
      token: { name: 'company', type: 'static' },
    });
    expect(pipeline.backends.get('gpt')).toMatchObject({ name: 'gpt', file: 'pipelines/resources/backend/eu.json' });
    expect(pipeline.defaultBackend).toBe('us');
    expect(pipeline.uses.map(({ kind, name }) => `${kind}/${name}`)).toEqual([
      'backend/eu',
      'backend/us',
      'processor/names',
      'token-provider/company',
      'word-list/secrets',
    ]);
  });

  it('has a key by which pipelines may share its instance: the hash of all that it is made of', () => {
    const key = (resources: Record<string, unknown>): string | undefined =>
      resolved(
        { ...minimal, modifiers: ['mask'] },
        { resources: { 'modifier/mask': { type: 'mask', config: { words: 'list' } }, ...resources } },
      ).modifiers[0]?.shared;
    expect(key({ 'word-list/list': ['a'] })).toMatch(/^modifier:[0-9a-f]{64}$/);
    expect(key({ 'word-list/list': '[ "a" ] // same' })).toBe(key({ 'word-list/list': ['a'] }));
    expect(key({ 'word-list/list': ['b'] })).not.toBe(key({ 'word-list/list': ['a'] }));
  });

  it('is part of the revision of those that use it, and of no other', () => {
    const revision = (words: string[]): string =>
      resolved(masked, { resources: { 'word-list/secrets': words, 'word-list/other': words } }).revision;
    const plain = (words: string[]): string =>
      resolved(minimal, { resources: { 'word-list/secrets': words } }).revision;
    expect(revision(['a'])).not.toBe(revision(['b']));
    expect(plain(['a'])).toBe(plain(['b']));
  });

  it('may be a long word list, which is read once for all pipelines', () => {
    const words = Array.from({ length: 200_000 }, (_, index) => `word-${index}`);
    const resources = new Map([
      ['word-list/secrets', { file: 'pipelines/resources/word-list/secrets.json', text: JSON.stringify(words) }],
    ]);
    const [one, other] = [0, 1].map(
      () => resolved(masked, { context: { resources } }).modifiers[0]?.config['words'] as string[],
    );
    expect(one).toHaveLength(200_000);
    expect(other).toBe(one);
  });
});

describe('a mistake with a shared resource', () => {
  it.each<[what: string, definition: unknown, resources: Record<string, unknown>, lines: string[]]>([
    [
      'an unknown name',
      masked,
      { 'word-list/secret': ['a'] },
      ['support.json  error  ref.unknown  there is no word-list "secrets", did you mean "secret"?'],
    ],
    [
      'a name that the file has too',
      { ...minimal, backends: { gpt: { ...backend, token: 'main' } }, tokenProviders: { main: provider } },
      { 'token-provider/main': provider },
      [
        'support.json  error  ref.ambiguous  "main" is both in tokenProviders of this file and a shared token-provider; rename one',
      ],
    ],
    [
      'a mistake in its shape',
      masked,
      { 'word-list/secrets': '[\n"a",\n5]' },
      ['resources/word-list/secrets.json:3:1  error  schema.type  a word list holds strings only'],
    ],
    [
      'a mistake for the field that uses it',
      masked,
      { 'word-list/secrets': '[\n"a",\n""]' },
      ['resources/word-list/secrets.json:3:1  error  schema.size  must have at least 1 characters'],
    ],
    [
      'an empty list',
      masked,
      { 'word-list/secrets': [] },
      ['resources/word-list/secrets.json:1:1  error  schema.size  must have at least 1 items'],
    ],
    [
      'no list at all',
      masked,
      { 'word-list/secrets': {} },
      ['resources/word-list/secrets.json:1:1  error  schema.type  the document must be an array'],
    ],
    [
      'a mistake inside, reported once however often it is used',
      { ...minimal, modifiers: ['m'], processors: [{ name: 'x', type: 'filter', config: { words: 'w' } }] },
      { 'modifier/m': { type: 'mask', config: { words: 'w' }, onError: 'skip', when: 'bad' }, 'word-list/w': '["a"' },
      [
        'resources/modifier/m.json:1:49  error  guard.skip  "mask" protects, so its failure can not be skipped',
        'resources/modifier/m.json:1:64  error  condition.type  unknown variable: bad',
        'resources/word-list/w.json:1:5  error  json.syntax  close bracket expected',
      ],
    ],
    [
      'another name inside',
      { ...minimal, modifiers: ['m'] },
      { 'modifier/m': { name: 'other', type: 'insert', config: { text: '' } } },
      ['resources/modifier/m.json:1:9  error  name.mismatch  the name is "other", but the file is that of "m"'],
    ],
    [
      'a circle',
      { ...minimal, tokenProviders: { t: 'a' }, backends: { gpt: { ...backend, token: 't' } } },
      {
        'token-provider/a': { type: 'cache', config: { provider: 'b' } },
        'token-provider/b': { type: 'cache', config: { provider: 'a' } },
      },
      [
        'resources/token-provider/b.json:1:38  error  ref.cycle  the shared token-provider "a" refers to itself: token-provider/a -> token-provider/b -> token-provider/a',
      ],
    ],
    [
      'a name in it that only the pipeline has',
      { ...minimal, tokenProviders: { main: provider, c: 'c' }, backends: { gpt: { ...backend, token: 'c' } } },
      { 'token-provider/c': { type: 'cache', config: { provider: 'main' } } },
      [
        'support.json  warning  ref.unused  nothing uses the token-provider "main"',
        'resources/token-provider/c.json:1:38  error  ref.unknown  there is no token-provider "main"; known: c',
      ],
    ],
    [
      'the same one twice',
      { ...minimal, modifiers: ['m', 'm'] },
      { 'modifier/m': { type: 'insert', config: { text: '' } } },
      ['support.json  error  name.duplicate  two steps have the name "m" (the first is /modifiers/0)'],
    ],
  ])('%s', (_what, definition, resources, lines) => {
    expect(
      findings(definition, { resources }).map((line) => line.replace(/^support\.json:\S+/, 'support.json')),
    ).toEqual(lines);
  });

  it('is shown with what the folder could not read', () => {
    const problem = {
      code: 'file.notRegular',
      severity: 'error',
      message: 'is not a regular file',
      file: 'w.json',
      pointer: '',
      line: 1,
      column: 1,
    } as const;
    const resources = new Map([['word-list/secrets', { file: 'w.json', text: '', problem }]]);
    expect(check(masked, { context: { resources } }).diagnostics).toEqual([problem]);
  });
});
