import { beforeAll, describe, expect, it } from '@jest/globals';
import type { DocumentSource } from '../../src/definitions/read-document.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { productRegistry } from '../support/sluice.ts';
import { backend, check, findings } from './check-support.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await productRegistry();
});

type Documents = Readonly<Record<string, unknown>>;

/** A pipeline with one step for each pipeline that it calls; a name with a slash is that of a shared step. */
function calling(name: string, ...callees: readonly string[]): object {
  const modifiers = callees.map((callee, index) =>
    callee.startsWith('shared/')
      ? callee.slice('shared/'.length)
      : { name: `step-${index}`, type: 'translate', config: { pipeline: callee, language: 'German' } },
  );
  return { apiVersion: 'sluice/v1', name, backends: { one: backend }, modifiers };
}

const translating = (pipeline: string): object => ({ type: 'translate', config: { pipeline, language: 'German' } });

function sources(documents: Documents): ReadonlyMap<string, DocumentSource> {
  return new Map(
    Object.entries(documents).map(([name, value]) => [
      name,
      { file: `pipelines/${name}.json`, text: typeof value === 'string' ? value : JSON.stringify(value, undefined, 1) },
    ]),
  );
}

/** The findings about one pipeline of a folder, without code and severity where it is about calls. */
function about(name: string, pipelines: Documents, resources: Documents = {}): string[] {
  const context = { registry, pipelines: sources(pipelines) };
  const definition = context.pipelines.get(name)?.text ?? '';
  return findings(definition, { name, resources, context });
}

describe('a pipeline that is called', () => {
  it.each<readonly [string, Documents, string[]]>([
    ['is there', { a: calling('a', 'b'), b: calling('b') }, []],
    ['is there, and calls others', { a: calling('a', 'b', 'c'), b: calling('b', 'c'), c: calling('c') }, []],
    ['is there, whatever is wrong with it', { a: calling('a', 'b'), b: '{ "name": 5' }, []],
    ['is not there', { a: calling('a', 'b') }, ['a.json:18:17  error  ref.unknown  there is no pipeline "b"']],
    [
      'is not there, but one with nearly its name',
      { a: calling('a', 'translater'), translator: calling('translator') },
      ['a.json:18:17  error  ref.unknown  there is no pipeline "translater", did you mean "translator"?'],
    ],
    ['is in a circle of others', { a: calling('a', 'b'), b: calling('b', 'c'), c: calling('c', 'b') }, []],
  ])('%s', (_name, pipelines, lines) => {
    expect(about('a', pipelines)).toEqual(lines);
  });

  it('is pointed at', () => {
    const context = { registry, pipelines: sources({}) };
    expect(check(calling('support', 'gone', 'away'), { context }).diagnostics).toMatchObject([
      { code: 'ref.unknown', pointer: '/modifiers/0/config/pipeline' },
      { code: 'ref.unknown', pointer: '/modifiers/1/config/pipeline' },
    ]);
  });

  it('is not repeated where it looks like a key', () => {
    const [line = ''] = about('a', { a: calling('a', 'sk-abcdefghijklmnop0123456789') });
    expect(line).toContain('ref.unknown');
    expect(line).not.toContain('abcdefghijklmnop');
  });
});

describe('a circle of calls', () => {
  const forEver = 'these pipelines call each other for ever';

  it.each<readonly [string, Documents, readonly [name: string, way: string][]]>([
    ['of one', { a: calling('a', 'a') }, [['a', 'a -> a']]],
    [
      'of two',
      { a: calling('a', 'b'), b: calling('b', 'a') },
      [
        ['a', 'a -> b -> a'],
        ['b', 'b -> a -> b'],
      ],
    ],
    [
      'of three',
      { a: calling('a', 'b'), b: calling('b', 'c'), c: calling('c', 'a') },
      [
        ['a', 'a -> b -> c -> a'],
        ['b', 'b -> c -> a -> b'],
        ['c', 'c -> a -> b -> c'],
      ],
    ],
    [
      'whose shortest way is told',
      { a: calling('a', 'b'), b: calling('b', 'c', 'd'), c: calling('c', 'd'), d: calling('d', 'a') },
      [['a', 'a -> b -> d -> a']],
    ],
    [
      'with a pipeline in it that has other mistakes',
      { a: calling('a', 'b'), b: { ...calling('b', 'a'), nonsense: true, backends: {} } },
      [['a', 'a -> b -> a']],
    ],
  ])('%s', (_name, pipelines, ways) => {
    for (const [name, way] of ways)
      expect(about(name, pipelines)).toEqual([`${name}.json:18:17  error  call.cycle  ${forEver}: ${way}`]);
  });

  it('is found through shared steps, and reported where the pipeline is named', () => {
    const resources = { 'modifier/to-a': translating('a'), 'modifier/to-b': translating('b') };
    const pipelines = { a: calling('a', 'shared/to-b'), b: calling('b', 'shared/to-a') };
    const place = 'resources/modifier/to-b.json:1:42  error  call.cycle';
    expect(about('a', pipelines, resources)).toEqual([`${place}  ${forEver}: a -> b -> a`]);
  });

  it('is none where a shared step is there that nobody uses', () => {
    const resources = { 'modifier/to-a': translating('a') };
    expect(about('a', { a: calling('a', 'b'), b: calling('b') }, resources)).toEqual([]);
  });

  it('is found in every component that calls: moderation too', () => {
    const judged = {
      ...calling('a'),
      modifiers: [{ type: 'moderate', config: { check: { pipeline: 'b' }, onError: 'block' } }],
    };
    expect(about('a', { a: judged, b: calling('b', 'a') })).toEqual([expect.stringContaining('call.cycle')]);
    expect(about('a', { a: judged, b: calling('b') })).toEqual([]);
  });

  it('is told once for each place that leads into it', () => {
    const lines = about('a', { a: calling('a', 'b', 'b', 'c'), b: calling('b', 'a'), c: calling('c') });
    expect(lines.map((line) => line.split('  ')[2])).toEqual(['call.cycle', 'call.cycle']);
  });

  it('is looked for in a folder of many in little time', () => {
    const names = Array.from({ length: 60 }, (_, index) => `p-${index}`);
    const pipelines = Object.fromEntries(
      names.map((name, index) => [name, calling(name, ...names.slice(index + 1, index + 20))]),
    );
    expect(about('p-0', pipelines)).toEqual([]);
  });
});

describe('what a check depends on', () => {
  const calls = (pipelines: Documents): readonly string[] => {
    const context = { registry, pipelines: sources(pipelines) };
    return check(context.pipelines.get('a')?.text, { name: 'a', context }).calls.toSorted();
  };

  it.each<readonly [string, Documents, string[]]>([
    ['nothing where nobody is called', { a: calling('a'), b: calling('b', 'a') }, []],
    ['one that is not there', { a: calling('a', 'b') }, ['b']],
    [
      'all that are called, also by others',
      { a: calling('a', 'b'), b: calling('b', 'c'), c: calling('c') },
      ['b', 'c'],
    ],
    ['those of a circle', { a: calling('a', 'b'), b: calling('b', 'c'), c: calling('c', 'b') }, ['b', 'c']],
    ['not itself', { a: calling('a', 'a') }, []],
  ])('is %s', (_name, pipelines, names) => {
    expect(calls(pipelines)).toEqual(names);
  });
});
