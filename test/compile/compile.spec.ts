import { beforeAll, describe, expect, it } from '@jest/globals';
import { createCompile } from '../../src/compile/compile.ts';
import type { Compiled } from '../../src/compile/pipelines.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { formatDiagnostic } from '../../src/definitions/diagnostic.ts';
import type { FolderSource } from '../../src/definitions/pipeline-folder.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { HttpForwarder } from '../../src/forward/http-forwarder.ts';
import { Ticker } from '../../src/kernel/ticker.ts';
import { probe, type ProbeResponse } from '../support/probe-client.ts';
import { productRegistry, scriptedBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { testRun } from '../support/test-run.ts';

let registry: Registry;
beforeAll(async () => {
  registry = await productRegistry();
});

const backends = { one: scriptedBackend([{ say: 'hello' }]) };
const mask = { name: 'mask', type: 'mask-words', config: { words: ['a secret'] } };
/** Looks for what the mask hides. */
const swap = { name: 'swap', type: 'replace', config: { rules: [{ find: 'a secret', with: 'a plan' }] } };
/** Looks for something else. */
const rename = { name: 'rename', type: 'replace', config: { rules: [{ find: 'elephant', with: 'mouse' }] } };
const notice = {
  name: 'notice',
  type: 'insert',
  phase: 'end',
  when: "response.finishReason == 'stop'",
  config: { text: '!' },
};

/** Compiles the pipeline `support` as it lies in a folder with these resources. */
function compile(definition: object, resources: Readonly<Record<string, unknown>> = {}): Compiled {
  const { capabilities } = testRun();
  const read = readEnvironment({});
  if ('problems' in read) throw new Error(read.problems.join('\n'));
  const forwarder = new HttpForwarder(capabilities.clock, new Ticker(capabilities.clock));
  const counters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const one = createCompile({ registry, environment: read.environment, capabilities, forwarder, counters });
  const source = (file: string, value: unknown): FolderSource => ({ file, text: JSON.stringify(value, undefined, 1) });
  return one('support', {
    pipelines: new Map([
      ['support', source('support.json', { apiVersion: 'sluice/v1', name: 'support', backends, ...definition })],
    ]),
    resources: new Map(Object.entries(resources).map(([key, value]) => [key, source(`${key}.json`, value)])),
    problems: [],
  });
}

const lines = ({ diagnostics }: Compiled): string[] => diagnostics.map(formatDiagnostic);

describe('a definition that is compiled', () => {
  it('comes with its plan', async () => {
    const { pipeline, plan, diagnostics } = compile({ modifiers: [rename, mask, notice] });
    expect(diagnostics).toEqual([]);
    expect(plan).toBe(pipeline?.plan);
    expect(plan).toMatchObject({
      mode: 'splice',
      maxHeldCharacters: 14,
      steps: [
        { name: 'rename', type: 'replace', guard: false, conditional: false, phase: 'stream' },
        { name: 'mask', type: 'mask-words', guard: true, conditional: false, phase: 'stream' },
        { name: 'notice', type: 'insert', guard: false, conditional: true, phase: 'end' },
      ],
    });
    await pipeline?.dispose();
  });

  it('has a plan without steps where it has no modifiers', () => {
    expect(compile({}).plan).toEqual({ mode: 'pass', maxHeldCharacters: 0, steps: [] });
  });

  it('has none where it is refused, by the check or by a component', () => {
    for (const definition of [{ modifers: [] }, { modifiers: [badPattern] }]) {
      const { pipeline, plan, diagnostics } = compile(definition);
      expect([pipeline, plan, diagnostics.some(({ severity }) => severity === 'error')]).toEqual([
        undefined,
        undefined,
        true,
      ]);
    }
  });
});

/** Well-shaped, but refused by its component. */
const badPattern = { type: 'mask-patterns', config: { patterns: [{ name: 'broken', regex: '(' }] } };

describe('steps that work against each other', () => {
  const warning =
    'warning  plan.rewritten-twice  "mask" (/modifiers/0) rewrites what "swap" (/modifiers/1) looks for, such as "a secret", so the later one never sees it';

  it('are warned of at the later one, and the pipeline serves', () => {
    const compiled = compile({ modifiers: [mask, swap] });
    expect(compiled.pipeline).toBeDefined();
    expect(lines(compiled)).toEqual([`support.json:30:3  ${warning}`]);
  });

  it('are warned of in the definition, whose order it is, also where the steps are shared', () => {
    const compiled = compile({ modifiers: ['mask', 'swap'] }, { 'modifier/mask': mask, 'modifier/swap': swap });
    expect(lines(compiled)).toEqual([`support.json:22:3  ${warning}`]);
  });

  it('are none where each looks for something of its own', () => {
    expect(lines(compile({ modifiers: [rename, mask] }))).toEqual([]);
    expect(lines(compile({ modifiers: [mask, rename] }))).toEqual([]);
  });

  it('are reported with the other warnings, in the order of the text', () => {
    const timeouts = { firstToken: '2m', total: '1m' };
    const slow = { one: { ...scriptedBackend([{ say: 'x' }]), timeouts } };
    const codes = compile({ modifiers: [mask, swap], backends: slow }).diagnostics.map(({ code, line }) => [
      code,
      line,
    ]);
    expect(codes).toEqual([
      ['timeouts.order', expect.any(Number)],
      ['plan.rewritten-twice', expect.any(Number)],
    ]);
  });
});

describe('a component that refuses its configuration', () => {
  it('is pointed at in the definition', () => {
    expect(lines(compile({ modifiers: [mask, badPattern] }))).toEqual([
      expect.stringMatching(/^support\.json:30:3 {2}error {2}build\.failed {2}/),
    ]);
  });

  it('is pointed at in the file of the shared step', () => {
    expect(
      lines(compile({ modifiers: ['patterns'] }, { 'modifier/patterns': { ...badPattern, name: 'patterns' } })),
    ).toEqual([expect.stringMatching(/^modifier\/patterns\.json:1:1 {2}error {2}build\.failed {2}/)]);
  });
});

describe('the plan of a pipeline that serves', () => {
  const messages = [{ role: 'user', content: 'hi' }];
  const modifiers = [mask, notice];
  const plan = 'splice; holds 7; mask: window 7, notice: live at the end';

  async function ask(sluice: Sluice, name: string, stream: boolean): Promise<ProbeResponse> {
    const client = await probe(
      { port: sluice.port },
      { path: `/pipelines/${name}/v1/chat/completions`, body: { stream, messages } },
    );
    await client.end();
    client.destroy();
    return client.response();
  }

  it('is in the log when it is loaded, and in a header where the definition asks for it', async () => {
    const sluice = await startSluice({
      pipelines: {
        quiet: { backends, modifiers },
        shown: { backends, modifiers, output: { debug: true } },
        empty: { backends, output: { debug: true } },
      },
    });
    try {
      const loaded = sluice.log.lines.filter(({ message }) => message === 'pipeline serves');
      expect(loaded.map(({ fields }) => [fields['pipeline'], fields['plan']])).toEqual([
        ['empty', 'pass; holds 0'],
        ['quiet', plan],
        ['shown', plan],
      ]);
      for (const stream of [true, false]) {
        expect((await ask(sluice, 'quiet', stream)).headers).not.toHaveProperty('x-sluice-plan');
        expect((await ask(sluice, 'shown', stream)).headers['x-sluice-plan']).toBe(plan);
        expect((await ask(sluice, 'empty', stream)).headers['x-sluice-plan']).toBe('pass; holds 0');
      }
    } finally {
      await sluice.close();
    }
  });
});
