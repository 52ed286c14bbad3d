import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { discover } from '../../src/registry/discover.ts';

let root: string;
beforeEach(() => {
  root = `${realpathSync(mkdtempSync(join(tmpdir(), 'sluice-components-')))}/`;
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
});
afterEach(() => rmSync(root, { recursive: true }));

const component = (rest: Record<string, unknown> = {}): string =>
  `export const found = { ...${JSON.stringify({
    type: 'upper',
    kind: 'modifier',
    summary: 'Upper case.',
    guard: false,
    needs: [],
    examples: [],
    config: {
      type: 'object',
      properties: { words: { type: 'array', items: { type: 'string' } } },
      additionalProperties: false,
    },
    ...rest,
  })}, create: () => ({}) };`;

function discoverIn(files: Record<string, string>): ReturnType<typeof discover> {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return discover(pathToFileURL(root));
}

describe('discovery', () => {
  it('finds the component of each file, and of a folder of the same name', async () => {
    const registry = await discoverIn({
      'modifiers/upper.js': `${component()} export const helper = { type: 'object' }; export const same = found;`,
      'modifiers/upper.js.map': '{}',
      'modifiers/lower.d.ts': 'export {}',
      'backends/big/big.js': component({ type: 'big', kind: 'backend' }),
      'backends/big/part.js': 'export const part = 1;',
      'backends/parts/only.js': 'export const part = 1;',
      'elsewhere/other.js': component({ type: 'other' }),
    });
    expect(registry.types('modifier')).toEqual(['upper']);
    expect(registry.types('backend')).toEqual(['big']);
    expect(registry.types('processor')).toEqual([]);
  });

  it('finds nothing where there are no folders', async () => {
    expect((await discoverIn({})).types('modifier')).toEqual([]);
  });

  it.each<[what: string, file: string, text: string, message: RegExp]>([
    [
      'no component',
      'modifiers/upper.js',
      'export const helper = 1;',
      /modifiers\/upper\.js must export exactly one component, it exports 0/,
    ],
    ['two components', 'modifiers/upper.js', `${component()} export const second = { ...found };`, /it exports 2/],
    ['another type than its file', 'modifiers/lower.js', component(), /its type "upper" must be the name of the file/],
    ['a type of another form', 'modifiers/Upper.js', component({ type: 'Upper' }), /its type must be lower-case/],
    [
      'another kind than its folder',
      'processors/upper.js',
      component(),
      /a modifier does not belong into processors\//,
    ],
    ['no summary', 'modifiers/upper.js', component({ summary: ' ' }), /its summary is missing/],
    ['no examples', 'modifiers/upper.js', component({ examples: undefined }), /its examples are missing/],
    [
      'needs that nobody offers',
      'modifiers/upper.js',
      component({ needs: ['clock', 'database'] }),
      /does not offer: database; offered: clock/,
    ],
    [
      'an open config',
      'modifiers/upper.js',
      component({ config: { type: 'object', properties: {} } }),
      /must be made with strictObject/,
    ],
    [
      'a config with a slip',
      'modifiers/upper.js',
      component({ config: { type: 'object', properties: { a: { typ: 'string' } }, additionalProperties: false } }),
      /no usable schema: .*unknown keyword/,
    ],
    [
      'code that fails',
      'modifiers/upper.js',
      'throw new Error("no luck");',
      /modifiers\/upper\.js can not be loaded: no luck/,
    ],
  ])('refuses a file with %s', async (_what, file, text, message) => {
    await expect(discoverIn({ [file]: text })).rejects.toThrow(message);
  });

  it('reports all mistakes at once', async () => {
    await expect(
      discoverIn({ 'modifiers/a.js': 'export {};', 'backends/b.js': component({ summary: '' }) }),
    ).rejects.toThrow(/b\.js: its type[^]*b\.js: a modifier[^]*b\.js: its summary[^]*a\.js must export/);
  });

  it('accepts a config that refers to components and word lists', async () => {
    const config = {
      type: 'object',
      additionalProperties: false,
      properties: {
        words: {
          'x-reference': 'word-list',
          if: { type: 'string' },
          then: { pattern: '^a' },
          else: { type: 'array', items: { type: 'string' } },
        },
        provider: { 'x-reference': 'token-provider', if: { type: 'string' }, then: { pattern: '^a' }, else: {} },
      },
    };
    expect((await discoverIn({ 'modifiers/upper.js': component({ config }) })).types('modifier')).toEqual(['upper']);
  });

  it('refuses one type in two places', async () => {
    await expect(
      discoverIn({ 'modifiers/upper.js': component(), 'modifiers/upper/upper.js': component() }),
    ).rejects.toThrow(/modifiers\/upper\.js and modifiers\/upper\/upper\.js/);
  });
});
