import { describe, expect, it } from '@jest/globals';
import { Pipelines, type Compile } from '../../src/compile/pipelines.ts';
import type { Diagnostic } from '../../src/definitions/diagnostic.ts';
import type { FolderSource, Snapshot } from '../../src/definitions/pipeline-folder.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import { compiledPipeline } from '../support/compiled-pipeline.ts';
import { LogCapture } from '../support/log-capture.ts';
import { watchProcess } from '../support/process-watch.ts';
import { TestClock } from '../support/test-clock.ts';
import { turn } from '../support/turn.ts';

const source = (file: string, text: string): FolderSource => ({ file, text });

/** The folder at one moment: texts by name, of pipelines and of resources. */
function folder(
  pipelines: Readonly<Record<string, string>>,
  resources: Readonly<Record<string, string>> = {},
): Snapshot {
  const read = (texts: Readonly<Record<string, string>>): Map<string, FolderSource> =>
    new Map(Object.entries(texts).map(([name, text]) => [name, source(`${name}.json`, text)]));
  return { pipelines: read(pipelines), resources: read(resources), problems: [] };
}

interface Opened {
  readonly pipelines: Pipelines;
  readonly clock: TestClock;
  readonly log: LogCapture;
  /** Revisions that were disposed, in order. */
  readonly disposed: string[];
  readonly serving: (name?: string) => string | undefined;
}

/**
 * The text of a document is its revision. One that begins with "bad" is refused; the disposal of one that ends with
 * "!" rejects, as that of a component does which can't let go.
 */
function open(): Opened {
  const clock = new TestClock();
  const log = new LogCapture();
  const disposed: string[] = [];
  const compile: Compile = (name, { pipelines }) => {
    const revision = pipelines.get(name)?.text ?? '';
    if (revision.startsWith('bad')) return { pipeline: undefined, diagnostics: [refused(name)] };
    const dispose = async (): Promise<void> => {
      disposed.push(revision);
      await Promise.resolve();
      if (revision.endsWith('!')) throw new Error('a file that will not close');
    };
    return { pipeline: compiledPipeline({ name, revision, dispose }), diagnostics: [] };
  };
  const pipelines = new Pipelines(compile, clock, log);
  const serving = (name = 'one'): string | undefined =>
    pipelines.status().find((entry) => entry.name === name)?.revision;
  return { pipelines, clock, log, disposed, serving };
}

function refused(name: string): Diagnostic {
  return {
    code: 'schema.required',
    severity: 'error',
    message: 'There is no backend.',
    file: `${name}.json`,
    pointer: '',
    line: 1,
    column: 1,
  };
}

function refusalOf(pipelines: Pipelines, name = 'one'): string | undefined {
  try {
    pipelines.acquire(name).release();
    return undefined;
  } catch (error) {
    return (error as SluiceError).code;
  }
}

describe('a pipeline', () => {
  it('is taken when it is new, and its forerunner is disposed', async () => {
    const { pipelines, disposed, serving } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({ one: 'r2' }));
    await turn();
    expect([serving(), disposed, pipelines.generationsLive]).toEqual(['r2', ['r1'], 1]);
  });

  it('is not built again where nothing has changed', () => {
    const { pipelines, disposed, log } = open();
    for (let times = 0; times < 3; times += 1) pipelines.apply(folder({ one: 'r1' }, { 'word-list/words': '[]' }));
    expect([disposed, log.messages('info')]).toEqual([[], ['pipeline serves']]);
  });

  it('stays for the runs that have it, until the last of them is over', async () => {
    const { pipelines, disposed } = open();
    pipelines.apply(folder({ one: 'r1' }));
    const [first, second] = [pipelines.acquire('one'), pipelines.acquire('one')];
    pipelines.apply(folder({ one: 'r2' }));
    expect([first.pipeline.revision, pipelines.acquire('one').pipeline.revision, pipelines.generationsLive]).toEqual([
      'r1',
      'r2',
      2,
    ]);
    first.release();
    first.release();
    expect(disposed).toEqual([]);
    second.release();
    await turn();
    expect([disposed, pipelines.generationsLive]).toEqual([['r1'], 1]);
  });

  it('goes on with its last good definition while the newest is bad', () => {
    const { pipelines, serving } = open();
    pipelines.apply(folder({ one: 'r1', two: 'bad' }));
    pipelines.apply(folder({ one: 'bad', two: 'bad' }));
    expect(pipelines.status().map(({ name, serving: serves, degraded }) => [name, serves, degraded])).toEqual([
      ['one', true, true],
      ['two', false, true],
    ]);
    expect([serving('one'), refusalOf(pipelines, 'one'), refusalOf(pipelines, 'two')]).toEqual([
      'r1',
      undefined,
      'DEFINITION_INVALID',
    ]);
  });

  it.each([
    ['three', 'PIPELINE_UNKNOWN'],
    ['No Name', 'PIPELINE_NAME_INVALID'],
    ['__proto__', 'PIPELINE_NAME_INVALID'],
  ])('that is not there is refused: %s', (name, code) => {
    expect(refusalOf(open().pipelines, name)).toBe(code);
  });
});

describe('a pipeline that depends on others', () => {
  /** A text names the pipelines that it calls: `r1 calls b, c`. One that is not there, or is bad, is a mistake. */
  function openCalling(): { readonly pipelines: Pipelines; readonly built: string[]; readonly degraded: () => string } {
    const built: string[] = [];
    const compile: Compile = (name, { pipelines }) => {
      const revision = pipelines.get(name)?.text ?? '';
      const calls = revision.split(' calls ')[1]?.split(', ') ?? [];
      built.push(name);
      const isGood = calls.every((callee) => pipelines.get(callee)?.text.startsWith('bad') === false);
      if (!isGood) return { pipeline: undefined, diagnostics: [refused(name)], calls };
      return { pipeline: compiledPipeline({ name, revision }), diagnostics: [], calls };
    };
    const pipelines = new Pipelines(compile, new TestClock(), new LogCapture());
    const degraded = (): string =>
      pipelines
        .status()
        .flatMap(({ name, degraded: is }) => (is ? [name] : []))
        .join();
    return { pipelines, built, degraded };
  }

  it('is built again when one of them changes, comes or goes, and only then', async () => {
    const { pipelines, built, degraded } = openCalling();
    const steps: readonly [texts: Readonly<Record<string, string>>, built: string, degraded: string][] = [
      [{ a: 'r1 calls b', other: 'r1' }, 'a,other', 'a'],
      [{ a: 'r1 calls b', other: 'r2' }, 'other', 'a'],
      [{ a: 'r1 calls b', b: 'bad', other: 'r2' }, 'a,b', 'a'],
      [{ a: 'r1 calls b', b: 'r1', other: 'r2' }, 'a,b', ''],
      [{ a: 'r1 calls b', b: 'r1', other: 'r2' }, '', ''],
      [{ a: 'r1 calls b', b: 'r2 calls other', other: 'r2' }, 'a,b', ''],
      [{ a: 'r1 calls b', other: 'r2' }, 'a', 'a'],
      [{ a: 'r2', other: 'r2' }, 'a', ''],
      [{ a: 'r2', b: 'r1', other: 'r2' }, 'b', ''],
    ];
    for (const [texts, names, bad] of steps) {
      built.length = 0;
      pipelines.apply(folder(texts));
      expect([built.join(), degraded()]).toEqual([names, bad]);
    }
    await pipelines.close();
  });
});

describe('a component that can not let go', () => {
  it('keeps no other pipeline from its new definition', async () => {
    using watch = watchProcess();
    const { pipelines, log, serving } = open();
    pipelines.apply(folder({ one: 'r1!', two: 'r1' }));
    pipelines.apply(folder({ one: 'r2', two: 'r2' }));
    await turn(4);
    expect([serving('one'), serving('two'), pipelines.generationsLive]).toEqual(['r2', 'r2', 2]);
    expect(log.lines.filter(({ level }) => level === 'error')).toEqual([
      expect.objectContaining({
        message: 'a generation was not disposed cleanly',
        fields: { pipeline: 'one', error: 'Error: a file that will not close' },
      }),
    ]);
    expect(watch.escaped).toEqual([]);
  });

  it('keeps no other pipeline from an edit of a resource that it does not use', async () => {
    using watch = watchProcess();
    const { pipelines, disposed, serving } = open();
    pipelines.apply(folder({ one: 'r1!', two: 'r1' }, { 'word-list/words': '["a"]' }));
    // Every edit of a resource builds all pipelines; the twin of what serves already is disposed at once.
    pipelines.apply(folder({ one: 'r1!', two: 'r2' }, { 'word-list/words': '["b"]' }));
    await turn(4);
    expect([serving('one'), serving('two'), disposed]).toEqual(['r1!', 'r2', ['r1!', 'r1']]);
    expect(watch.escaped).toEqual([]);
  });

  it('fails no run that is the last of its generation', async () => {
    using watch = watchProcess();
    const { pipelines, serving } = open();
    pipelines.apply(folder({ one: 'r1!' }));
    const lease = pipelines.acquire('one');
    pipelines.apply(folder({ one: 'r2' }));
    lease.release();
    await turn(4);
    expect([serving(), pipelines.generationsLive, watch.escaped]).toEqual(['r2', 1, []]);
  });

  it('does not keep the engine from closing', async () => {
    using watch = watchProcess();
    const { pipelines, disposed } = open();
    pipelines.apply(folder({ one: 'r1!', two: 'r2' }));
    await pipelines.close();
    expect([disposed, pipelines.generationsLive, watch.escaped]).toEqual([['r1!', 'r2'], 0, []]);
  });
});

describe('a pipeline that was deleted', () => {
  const grace = 5_000;

  it('serves for five seconds more, and is then gone', async () => {
    const { pipelines, clock, disposed } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({}));
    await clock.advance(grace - 1);
    expect(refusalOf(pipelines)).toBeUndefined();
    await clock.advance(1);
    expect([refusalOf(pipelines), disposed, pipelines.status(), clock.pending]).toEqual([
      'PIPELINE_UNKNOWN',
      ['r1'],
      [],
      0,
    ]);
  });

  it('begins its time anew each time that it is deleted', async () => {
    const { pipelines, clock } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({}));
    await clock.advance(grace - 1_000);
    pipelines.apply(folder({ one: 'r2' }));
    await clock.advance(500);
    pipelines.apply(folder({}));
    await clock.advance(grace - 1);
    expect([refusalOf(pipelines), clock.pending]).toEqual([undefined, 1]);
    await clock.advance(1);
    expect([refusalOf(pipelines), clock.pending]).toEqual(['PIPELINE_UNKNOWN', 0]);
  });

  it.each([
    ['as it was', 'r1', 'r1'],
    ['anew', 'r2', 'r2'],
    ['with a mistake', 'bad', 'r1'],
  ])('stays when it is written again in time: %s', async (_how, text, revision) => {
    const { pipelines, clock, serving } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({}));
    await clock.advance(grace - 1);
    pipelines.apply(folder({ one: text }));
    await clock.advance(10 * grace);
    expect([serving(), refusalOf(pipelines), clock.pending]).toEqual([revision, undefined, 0]);
  });

  it('counts its time from when it was gone, however often the folder is looked at', async () => {
    const { pipelines, clock } = open();
    pipelines.apply(folder({ one: 'r1' }));
    for (let looks = 0; looks < 5; looks += 1) {
      pipelines.apply(folder({}));
      await clock.advance(grace / 5);
    }
    expect(refusalOf(pipelines)).toBe('PIPELINE_UNKNOWN');
  });

  it('can come back after it was gone', async () => {
    const { pipelines, clock, serving, disposed } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({}));
    await clock.advance(grace);
    pipelines.apply(folder({ one: 'r1' }));
    await clock.advance(grace);
    expect([serving(), disposed, pipelines.generationsLive]).toEqual(['r1', ['r1'], 1]);
  });

  it('lets its runs finish', async () => {
    const { pipelines, clock, disposed } = open();
    pipelines.apply(folder({ one: 'r1' }));
    const lease = pipelines.acquire('one');
    pipelines.apply(folder({}));
    await clock.advance(grace);
    expect([disposed, pipelines.generationsLive]).toEqual([[], 1]);
    lease.release();
    await turn();
    expect([disposed, pipelines.generationsLive]).toEqual([['r1'], 0]);
  });

  it('leaves no timer when the engine closes meanwhile', async () => {
    const { pipelines, clock } = open();
    pipelines.apply(folder({ one: 'r1' }));
    pipelines.apply(folder({}));
    await pipelines.close();
    expect(clock.pending).toBe(0);
  });
});
