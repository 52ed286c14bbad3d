import { describe, expect, it } from '@jest/globals';
import type { AwaitedFile } from '../../src/compile/awaited-files.ts';
import { Pipelines, type Compile } from '../../src/compile/pipelines.ts';
import type { Snapshot } from '../../src/definitions/pipeline-folder.ts';
import { compiledPipeline } from '../support/compiled-pipeline.ts';
import { LogCapture } from '../support/log-capture.ts';
import { TestClock } from '../support/test-clock.ts';

/** The folder at one moment. The text of a definition names the files that it needs: `r1 a b`. */
function folder(texts: Readonly<Record<string, string>>): Snapshot {
  const pipelines = new Map(Object.entries(texts).map(([name, text]) => [name, { file: `${name}.json`, text }]));
  return { pipelines, resources: new Map(), problems: [] };
}

/** Pipelines over files that are there when `files` has them; counts what is compiled and what is looked at. */
function open() {
  const files = new Set<string>();
  const compiled: string[] = [];
  const looked: string[] = [];
  const awaited = (name: string): AwaitedFile => ({
    shownPath: name,
    state: name,
    hasNews: () => {
      looked.push(name);
      return files.has(name);
    },
  });
  const compile: Compile = (name, { pipelines }) => {
    compiled.push(name);
    const [revision = '', ...needed] = (pipelines.get(name)?.text ?? '').split(' ');
    const missing = needed.filter((file) => !files.has(file));
    if (missing.length === 0) return { pipeline: compiledPipeline({ name, revision }), diagnostics: [] };
    const diagnostics = missing.map((file) => ({
      code: 'secret.missing',
      severity: 'error' as const,
      message: `${file} does not exist`,
      file: `${name}.json`,
      pointer: '',
      line: 1,
      column: 1,
    }));
    return { pipeline: undefined, diagnostics, secretFiles: missing.map(awaited) };
  };
  const clock = new TestClock();
  const log = new LogCapture();
  const pipelines = new Pipelines(compile, clock, log);
  const status = (): string =>
    pipelines
      .status()
      .map(({ name, revision = 'nothing', degraded }) => `${name}: ${revision}${degraded ? ', degraded' : ''}`)
      .join('; ');
  return { pipelines, files, compiled, looked, log, clock, status };
}

describe('a definition that was refused for want of a file', () => {
  it('is compiled again when the file has come, and not before', () => {
    const { pipelines, files, compiled, log, status } = open();
    pipelines.apply(folder({ one: 'r1 key', other: 'r1' }));
    for (let looks = 0; looks < 3; looks += 1) pipelines.lookAgain();
    expect([status(), compiled.splice(0)]).toEqual(['one: nothing, degraded; other: r1', ['one', 'other']]);
    expect(log.messages('error')).toHaveLength(2);
    files.add('key');
    for (let looks = 0; looks < 3; looks += 1) pipelines.lookAgain();
    expect([status(), compiled]).toEqual(['one: r1; other: r1', ['one']]);
    expect(log.lines.slice(-2)).toMatchObject([
      {
        message: 'a secret file has changed, its definition is checked again',
        fields: { pipeline: 'one', files: ['key'] },
      },
      { message: 'pipeline serves', fields: { pipeline: 'one', revision: 'r1' } },
    ]);
    expect(log.messages('error')).toHaveLength(2);
  });

  it('leaves the last good one in service until then', () => {
    const { pipelines, files, status } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({ one: 'r2 key' }));
    pipelines.lookAgain();
    expect(status()).toBe('one: r1, degraded');
    files.add('key');
    pipelines.lookAgain();
    expect(status()).toBe('one: r2');
  });

  it('is no longer degraded where it is the one that serves', () => {
    const { pipelines, files, status } = open();
    files.add('key');
    pipelines.apply(folder({ one: 'r1 key' }));
    files.delete('key');
    pipelines.apply(folder({ one: 'r1  key' }));
    expect(status()).toBe('one: r1, degraded');
    files.add('key').add('');
    pipelines.lookAgain();
    expect([status(), pipelines.generationsLive]).toEqual(['one: r1', 1]);
  });

  it('names what is still missing when one of several has come', () => {
    const { pipelines, files, compiled, log, status } = open();
    pipelines.apply(folder({ one: 'r1 a b' }));
    files.add('a');
    for (let looks = 0; looks < 3; looks += 1) pipelines.lookAgain();
    expect([status(), compiled]).toEqual(['one: nothing, degraded', ['one', 'one']]);
    expect(pipelines.status()[0]?.problems.map(({ message }) => message)).toEqual(['b does not exist']);
    expect(log.messages('error').slice(-2)).toEqual([
      expect.stringContaining('b does not exist'),
      'definition refused',
    ]);
    files.add('b');
    pipelines.lookAgain();
    expect(status()).toBe('one: r1');
  });

  it('is looked after no more when it was edited, deleted or closed', async () => {
    const { pipelines, files, looked, compiled, clock } = open();
    pipelines.apply(folder({ edited: 'r1 a', deleted: 'r1 b', closed: 'r1 c' }));
    pipelines.apply(folder({ edited: 'r2', closed: 'r1 c' }));
    pipelines.lookAgain();
    expect(looked.splice(0)).toEqual(['c']);
    await pipelines.close();
    compiled.length = 0;
    for (const name of ['a', 'b', 'c']) files.add(name);
    pipelines.lookAgain();
    expect([looked, compiled, clock.pending]).toEqual([[], [], 0]);
  });
});

describe('a look at what is missing', () => {
  it('is none where nothing is', () => {
    const { pipelines, looked } = open();
    pipelines.lookAgain();
    pipelines.apply(folder({ one: 'r1', two: 'r1' }));
    pipelines.lookAgain();
    expect(looked).toEqual([]);
  });

  it('is one for all definitions that miss the same file', () => {
    const { pipelines, files, looked, status } = open();
    pipelines.apply(folder({ one: 'r1 key', two: 'r1 key', three: 'r1 key key' }));
    pipelines.lookAgain();
    expect(looked.splice(0)).toEqual(['key']);
    files.add('key');
    pipelines.lookAgain();
    expect([looked, status()]).toEqual([['key'], 'one: r1; two: r1; three: r1']);
  });

  it('is at 256 files at most, and each file has its turn', () => {
    const { pipelines, files, looked, status } = open();
    const names = Array.from({ length: 600 }, (_, index) => `n${index}`);
    pipelines.apply(folder(Object.fromEntries(names.map((name) => [name, `r1 ${name}`]))));
    const seen = new Set<string>();
    for (let looks = 0; looks < 3; looks += 1) {
      pipelines.lookAgain();
      expect(looked).toHaveLength(256);
      for (const name of looked.splice(0)) seen.add(name);
    }
    expect(seen.size).toBe(600);
    for (const name of names) files.add(name);
    for (let looks = 0; looks < 4; looks += 1) pipelines.lookAgain();
    expect(status()).not.toContain('nothing');
  });
});
