import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { afterEach, beforeEach, describe as group, expect, it } from '@jest/globals';
import { errorTable } from '../../src/kernel/error-table.ts';
import { losses } from '../../src/kernel/losses.ts';
import { defineModifier } from '../../src/kernel/component.ts';
import { strictObject } from '../../src/kernel/schema.ts';
import { describe } from '../../src/registry/describe.ts';
import { describeComponents } from '../../src/registry/describe-components.ts';
import { applyDifferences, findDifferences } from '../../src/registry/generate.ts';
import { fakeRegistry } from '../definitions/fake-registry.ts';

const files = describe(fakeRegistry);
const json = (path: string): object => JSON.parse(files.get(path) ?? 'null') as object;

/** Reads the schemas as an editor does: they point to each other by their places. */
function compiled(path: string): ValidateFunction {
  const ajv = new Ajv2020({ strict: false });
  const place = (file: string): string => `https://project.invalid/${file}`;
  for (const file of files.keys()) if (file.endsWith('.json')) ajv.addSchema({ ...json(file), $id: place(file) });
  const validate = ajv.getSchema(place(path));
  if (validate === undefined) throw new Error(`there is no ${path}`);
  return validate;
}

group('what is generated', () => {
  it('is one file for each thing', () => {
    expect([...files.keys()].sort()).toEqual([
      'docs/components/backend.md',
      'docs/components/encoder.md',
      'docs/components/modifier.md',
      'docs/components/parser.md',
      'docs/components/processor.md',
      'docs/components/token-provider.md',
      'docs/errors.md',
      'docs/losses.md',
      'schemas/chat-request.schema.json',
      'schemas/components/backend/openai-chat.schema.json',
      'schemas/components/encoder/native.schema.json',
      'schemas/components/modifier/insert.schema.json',
      'schemas/components/modifier/mask.schema.json',
      'schemas/components/parser/native.schema.json',
      'schemas/components/parser/openai-chat.schema.json',
      'schemas/components/processor/filter.schema.json',
      'schemas/components/processor/research.schema.json',
      'schemas/components/token-provider/cache.schema.json',
      'schemas/components/token-provider/chained.schema.json',
      'schemas/components/token-provider/static.schema.json',
      'schemas/pipeline.schema.json',
      'schemas/resources/backend.schema.json',
      'schemas/resources/modifier.schema.json',
      'schemas/resources/processor.schema.json',
      'schemas/resources/token-provider.schema.json',
      'schemas/resources/word-list.schema.json',
      'schemas/stream-event.schema.json',
    ]);
  });

  it('is the same each time, and ends with a newline', () => {
    expect([...describe(fakeRegistry)]).toEqual([...files]);
    for (const text of files.values()) expect(text).toMatch(/[^\n]\n$/);
  });

  it.each([...files.keys()].filter((path) => path.endsWith('.json')))('%s is a schema that compiles', (path) => {
    expect(typeof compiled(path)).toBe('function');
  });

  it.each<[path: string, value: unknown, valid: boolean]>([
    ['schemas/resources/word-list.schema.json', ['a'], true],
    ['schemas/resources/word-list.schema.json', [], false],
    ['schemas/resources/modifier.schema.json', { type: 'mask', config: { words: 'list' } }, true],
    ['schemas/resources/modifier.schema.json', { type: 'mask', config: {} }, false],
    ['schemas/components/modifier/mask.schema.json', { words: ['a'], 'x-note': 1 }, true],
    ['schemas/components/modifier/mask.schema.json', { words: ['a'], note: 1 }, false],
    [
      'schemas/components/token-provider/cache.schema.json',
      { provider: { type: 'static', config: { token: { $env: 'A' } } } },
      true,
    ],
    [
      'schemas/components/token-provider/cache.schema.json',
      { provider: { type: 'static', config: { token: 'a' } } },
      false,
    ],
    [
      'schemas/stream-event.schema.json',
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'hi', seq: 3, t: 12 },
      true,
    ],
    ['schemas/stream-event.schema.json', { type: 'text.delta', blockId: 'b0', role: 'assistant' }, false],
    ['schemas/chat-request.schema.json', { text: 'hi' }, true],
    ['schemas/chat-request.schema.json', { text: 'hi', 'x-note': 1 }, false],
    ['schemas/stream-event.schema.json', { type: 'unheard.of' }, false],
  ])('%s: %j is valid: %j', (path, value, valid) => {
    expect(compiled(path)(value)).toBe(valid);
  });

  it('has a row for every error code', () => {
    const page = files.get('docs/errors.md') ?? '';
    for (const [code, { remedy }] of Object.entries(errorTable)) {
      expect(page).toContain(`| \`${code}\` |`);
      expect(page).toContain(remedy);
    }
  });

  it('has a row for every name of a loss', () => {
    const page = files.get('docs/losses.md') ?? '';
    for (const [name, meaning] of Object.entries(losses)) expect(page).toContain(`| \`${name}\` | ${meaning} |`);
  });

  it('has a page for each kind, with keys, defaults and examples', () => {
    const component = defineModifier({
      type: 'upper',
      summary: 'Upper | case.',
      guard: true,
      needs: [],
      config: strictObject({}),
      create: () => ({
        effect: 'read',
        channels: [],
        policy: { mode: 'live' },
        open: () => ({ read: () => undefined }),
      }),
      examples: [{ title: 'Shout', config: {}, given: ['a', 'b'], expect: 'AB' }],
    });
    const page = describeComponents('modifier', [component]);
    expect(page).toContain('| [`upper`](#upper) | Upper \\| case. |');
    expect(page).toContain(
      '### Shout\n\n```json\n{\n  "config": {},\n  "given": ["a", "b"],\n  "expect": "AB"\n}\n```\n',
    );
    expect(page).toContain('It protects');
    expect(files.get('docs/components/processor.md')).toContain('| `maxPages` | integer, 1 to 10 | `2` |');
    expect(files.get('docs/components/token-provider.md')).toContain('| `token` | secret | required |');
    expect(files.get('docs/components/modifier.md')).toContain(
      '| `words` | name of a word list, or array of strings | required |',
    );
  });
});

group('the files on disk', () => {
  let root: string;
  beforeEach(() => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'sluice-generate-')));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('are compared, written, and removed where nothing makes them any more', async () => {
    const wanted = new Map([
      ['schemas/a.json', '{}\n'],
      ['docs/components/b.md', '# b\n'],
    ]);
    expect(await findDifferences(root, wanted)).toHaveLength(2);
    mkdirSync(join(root, 'schemas/components/modifier'), { recursive: true });
    writeFileSync(join(root, 'schemas/components/modifier/gone.schema.json'), '{}');
    writeFileSync(join(root, 'schemas/kept.json'), 'not ours');
    const differences = await findDifferences(root, wanted);
    expect(differences.map(({ path }) => path)).toEqual([
      'schemas/a.json',
      'docs/components/b.md',
      'schemas/components/modifier/gone.schema.json',
    ]);
    await applyDifferences(root, differences);
    expect(await findDifferences(root, wanted)).toEqual([]);
    writeFileSync(join(root, 'schemas/a.json'), '{"stale":1}\n');
    expect(await findDifferences(root, wanted)).toEqual([{ path: 'schemas/a.json', text: '{}\n' }]);
  });
});
