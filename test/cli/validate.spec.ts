import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { validate } from '../../src/cli/validate.ts';
import { buildEngine } from '../e2e/engine-process.ts';
import { productRegistry, scriptedBackend } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

const productFolder = fileURLToPath(new URL('../../pipelines', import.meta.url));
const backends = { one: scriptedBackend([{ say: 'hello' }]) };
const target = { baseUrl: 'https://a.test', model: 'm' };
const backendWith = (token: object): object => ({ type: 'openai-chat', config: target, token });
const key = { type: 'static', config: { token: { $file: 'key.txt' } } };
const login = { tokenUrl: 'https://a.test/token', clientId: 'sluice' };
const mask = { name: 'mask', type: 'mask-words', config: { words: ['a secret'] } };
const swap = { name: 'swap', type: 'replace', config: { rules: [{ find: 'a secret', with: 'a plan' }] } };
const notice = {
  name: 'notice',
  type: 'insert',
  phase: 'end',
  when: "response.finishReason == 'stop'",
  config: { text: '!' },
};
const translating = (pipeline: string): object => ({ type: 'translate', config: { pipeline, language: 'German' } });

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-validate-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Writes a definition, or a resource, as an author does; `apiVersion` and `name` of a pipeline are filled in. */
async function write(path: string, value: object | string): Promise<void> {
  const file = join(folder, `${path}.json`);
  await mkdir(dirname(file), { recursive: true });
  const name = path.includes('/') ? {} : { apiVersion: 'sluice/v1', name: path };
  await writeFile(file, typeof value === 'string' ? value : JSON.stringify({ ...name, ...value }, undefined, 2));
}

interface Result {
  readonly code: number;
  readonly lines: readonly string[];
  readonly text: string;
  readonly errors: string;
}

async function run(args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): Promise<Result> {
  const [output, errors] = [new PassThrough({ encoding: 'utf8' }), new PassThrough({ encoding: 'utf8' })];
  let [text, complaints] = ['', ''];
  output.on('data', (piece: string) => (text += piece));
  errors.on('data', (piece: string) => (complaints += piece));
  const clock = new TestClock();
  const code = await validate({
    arguments: args,
    environment: { SLUICE_PIPELINES_DIR: folder, ...environment },
    output,
    errors,
    workingDirectory: folder,
    clock,
    registry: await productRegistry(),
  });
  await new Promise(setImmediate);
  expect(clock.pendingTimers()).toEqual([]);
  return { code, text, lines: text.split('\n').slice(0, -1), errors: complaints };
}

describe('a folder without a mistake', () => {
  it('shows the plan of each pipeline', async () => {
    await write('plain', { backends });
    await write('masked', { backends, modifiers: [mask, notice] });
    await write('german', { backends, modifiers: [translating('plain')] });
    const { code, lines, errors } = await run();
    expect([code, errors]).toEqual([0, '']);
    expect(lines.map((line) => line.replace(/[0-9a-f]{12}/, 'REVISION'))).toEqual([
      'german  revision REVISION, mode events, holds back 4000 characters',
      '  step         type       works on                           policy',
      '  translate#0  translate  whole events, reads text, refusal  window of 4000 characters',
      '',
      'masked  revision REVISION, mode splice, holds back 7 characters',
      '  step    type        works on                                           policy',
      '  mask    mask-words  rewrites text, reasoning, refusal, tool arguments  window of 7 characters  guard',
      '  notice  insert      rewrites text                                      live                    conditional, at the end',
      '',
      'plain  revision REVISION, mode pass, holds back nothing; no modifiers',
      '',
      '3 pipelines, 0 errors, 0 warnings',
    ]);
  });

  it('is that of the product', async () => {
    const { code, text } = await run([productFolder]);
    expect(text).toMatch(/^demo {2}revision [0-9a-f]{12}, mode splice, /m);
    expect([code, text.includes(' 0 errors')]).toEqual([0, true]);
  });

  it('opens no connection, also where components have somewhere to call', async () => {
    let calls = 0;
    const server = createServer(() => (calls += 1)).on('connection', () => (calls += 1));
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const check = { url: `${origin}/check`, network: 'private' };
    await write('calls', {
      backends: { one: { type: 'openai-chat', config: { baseUrl: origin, model: 'm' }, network: 'private' } },
      modifiers: [{ type: 'moderate', config: { check, onError: 'block' } }],
    });
    expect((await run()).code).toBe(0);
    await new Promise((closed) => server.close(closed));
    expect(calls).toBe(0);
  });

  it('may have no pipeline', async () => {
    expect(await run()).toMatchObject({ code: 0, lines: [`There is no pipeline in ${folder}`] });
  });
});

describe('a mistake', () => {
  it('is shown with its place, and keeps no other pipeline from being checked', async () => {
    await write('broken', '{\n  "apiVersion": "sluice/v1",\n  "name": "broken",\n  "backend": {}\n}');
    await write('fine', { backends });
    const { code, lines } = await run();
    expect(code).toBe(1);
    expect(lines).toEqual([
      'broken.json:4:3  error  schema.unknownKey  unknown key "backend", did you mean "backends"?',
      'broken  would not be loaded',
      '',
      expect.stringMatching(/^fine {2}revision /),
      '',
      '2 pipelines, 1 error, 0 warnings',
    ]);
  });

  it.each<readonly [string, () => Promise<void>, readonly string[]]>([
    [
      'that only a component finds',
      () =>
        write('a', {
          backends,
          modifiers: [{ type: 'mask-patterns', config: { patterns: [{ name: 'x', regex: '(' }] } }],
        }),
      ['a.json:21:5  error  build.failed  '],
    ],
    [
      'in a shared step',
      async () => {
        await write('a', { backends, modifiers: ['mask'] });
        await write('resources/modifier/mask', { ...mask, config: { wrods: [] } });
      },
      ['resources/modifier/mask.json:5:5  error  schema.unknownKey'],
    ],
    [
      'with words to write instead',
      () => write('a', { backends, modifiers: [{ ...mask, phase: 'end' }] }),
      ['phase.unsupported  "mask-words" does not act at the end of an answer; these do: insert  Write instead: stream'],
    ],
    [
      'a pipeline that is not there',
      () => write('a', { backends, modifiers: [translating('translator')] }),
      ['ref.unknown  there is no pipeline "translator"'],
    ],
    [
      'a circle of calls',
      async () => {
        await write('a', { backends, modifiers: [translating('b')] });
        await write('b', { backends, modifiers: [translating('a')] });
      },
      ['a.json:24:21  error  call.cycle', 'b.json:24:21  error  call.cycle'],
    ],
    [
      'a secret that is not there',
      () =>
        write('a', {
          backends: { one: { type: 'openai-chat', config: { baseUrl: 'https://a.test', model: 'm' }, token: 'main' } },
          tokenProviders: { main: { type: 'static', config: { token: { $env: 'SOME_API_KEY' } } } },
        }),
      ['a.json:19:19  error  secret.missing'],
    ],
    [
      'a field that a token provider refuses',
      async () => {
        await writeFile(join(folder, 'key.txt'), 'k');
        await write('a', { backends: { one: backendWith({ ...key, config: { ...key.config, header: 'host' } }) } });
      },
      [`a.json:17:21  error  build.failed  header: "host" can't carry a token`],
    ],
    [
      'a field that a token provider needs',
      () => write('a', { backends: { one: backendWith({ type: 'oauth2-client-credentials', config: login }) } }),
      ['a.json:13:19  error  build.failed  clientSecret: authentication "client_secret_basic" needs it'],
    ],
    [
      'a duration without a unit',
      () => write('a', { backends: { one: backendWith({ type: 'cache', config: { provider: key, ttl: 300 } }) } }),
      ['schema.type  must be a string, is a number; write a number and a unit: "250ms", "15s", "5m", "1h"'],
    ],
    ['a name that is none', () => write('No Name', { backends }), ['No Name.json:1:1  error  name.invalid']],
    ['a file that is no JSON', () => write('a', '{'), ['a.json:1:']],
  ])('%s', async (_what, prepare, shown) => {
    await prepare();
    const { code, text } = await run();
    expect(code).toBe(1);
    for (const part of shown) expect(text).toContain(part);
  });

  it('leaves a pipeline without revision and plan', async () => {
    await write('a', { backends, modifiers: [mask, swap], modifers: [] });
    const { text } = await run(['--json']);
    const { pipelines } = JSON.parse(text) as { pipelines: readonly object[] };
    expect(pipelines).toEqual([
      {
        name: 'a',
        file: join(folder, 'a.json'),
        revision: null,
        plan: null,
        diagnostics: [
          expect.objectContaining({
            code: 'schema.unknownKey',
            severity: 'error',
            pointer: '/modifers',
            suggestion: 'modifiers',
          }),
        ],
      },
    ]);
  });
});

describe('a warning', () => {
  it('is shown, and is no failure', async () => {
    await write('a', { backends, modifiers: [mask, swap] });
    const { code, lines } = await run();
    expect(code).toBe(0);
    expect(lines[0]).toMatch(
      /^a\.json:30:5 {2}warning {2}plan\.rewritten-twice {2}"mask" \(\/modifiers\/0\) rewrites what "swap"/,
    );
    expect(lines.at(-1)).toBe('1 pipeline, 0 errors, 1 warning');
  });
});

describe('one file', () => {
  beforeEach(async () => {
    await write('good', { backends, modifiers: ['mask', translating('other')] });
    await write('other', { backends });
    await write('bad', { backend: {} });
    await write('resources/modifier/mask', mask);
  });

  it.each<readonly [string, number, string]>([
    ['good.json', 0, '1 pipeline, 0 errors, 0 warnings'],
    ['./good.json', 0, '1 pipeline, 0 errors, 0 warnings'],
    ['bad.json', 1, '1 pipeline, 1 error, 0 warnings'],
  ])('is checked with what lies beside it: %s', async (file, code, summary) => {
    const result = await run([file], { SLUICE_PIPELINES_DIR: '/nowhere' });
    expect([result.code, result.lines.at(-1)]).toEqual([code, summary]);
  });

  it('is named from anywhere', async () => {
    expect((await run([join(folder, 'good.json')])).code).toBe(0);
  });

  it.each<readonly [string, string]>([
    ['nowhere.json', "nowhere.json can't be read (ENOENT)"],
    ['resources/modifier/mask.json', 'is a shared resource: check the folder of the pipelines that use it'],
    ['notes.txt', 'notes.txt is no pipeline: those are files such as '],
  ])('that is no pipeline is refused: %s', async (file, complaint) => {
    await writeFile(join(folder, 'notes.txt'), 'nothing');
    const { code, text, errors } = await run([file]);
    expect([code, text]).toEqual([2, '']);
    expect(errors).toContain(complaint);
  });

  it('is refused where another one claims its name, in both forms', async () => {
    await writeFile(join(folder, 'good.jsonc'), '{}');
    for (const file of ['good.json', 'good.jsonc']) {
      const { code, text } = await run([file]);
      expect([code, text.includes('good')]).toEqual([1, true]);
    }
  });
});

describe('the answer for programs', () => {
  it('holds everything, and nothing else is written', async () => {
    await write('a', { backends, modifiers: [mask, swap] });
    await write('No Name', {});
    const { code, text, errors } = await run(['--json']);
    expect([code, errors]).toEqual([1, '']);
    expect(JSON.parse(text)).toEqual({
      pipelines: [
        {
          name: 'a',
          file: join(folder, 'a.json'),
          revision: expect.stringMatching(/^[0-9a-f]{12}$/),
          diagnostics: [
            {
              code: 'plan.rewritten-twice',
              severity: 'warning',
              message: expect.any(String),
              file: join(folder, 'a.json'),
              pointer: '/modifiers/1',
              line: 30,
              column: 5,
            },
          ],
          plan: {
            mode: 'splice',
            maxHeldCharacters: 14,
            steps: [
              expect.objectContaining({ name: 'mask', guard: true, policy: { mode: 'window', maxHeldCharacters: 7 } }),
              expect.objectContaining({
                name: 'swap',
                guard: false,
                effect: 'text',
                conditional: false,
                phase: 'stream',
              }),
            ],
          },
        },
      ],
      problems: [expect.objectContaining({ code: 'name.invalid' })],
    });
  });
});

describe('the command itself', () => {
  it.each<readonly [string, readonly string[], Readonly<Record<string, string>>, string]>([
    ['an option that there is not', ['--jsno'], {}, "Unknown option '--jsno'\nnpm run validate"],
    ['two folders', ['a', 'b'], {}, 'One folder or one file is checked at a time; "b" is one more.'],
    ['an environment that is not in order', [], { SLUICE_LOG_LEVEL: 'loud' }, 'SLUICE_LOG_LEVEL must be one of'],
  ])('says what is wrong with %s', async (_what, args, environment, complaint) => {
    const { code, text, errors } = await run(args, environment);
    expect([code, text]).toEqual([2, '']);
    expect(errors).toContain(complaint);
  });

  it('says how it is used', async () => {
    expect(await run(['--help'])).toMatchObject({
      code: 0,
      lines: expect.arrayContaining([expect.stringContaining('-- FOLDER')]),
    });
  });

  it('fails where the folder is not there', async () => {
    const { code, text } = await run([], { SLUICE_PIPELINES_DIR: join(folder, 'gone') });
    expect([code, text.includes('error  folder.missing')]).toEqual([1, true]);
  });

  interface Ended {
    readonly code: number | string;
    readonly stdout: string;
    readonly stderr: string;
  }
  const start = (script: string, args: readonly string[]): Promise<Ended> =>
    new Promise((resolve) => {
      const env = { PATH: process.env['PATH'], SLUICE_PIPELINES_DIR: folder };
      execFile(process.execPath, [script, ...args], { env, cwd: folder }, (error, stdout, stderr) =>
        resolve({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it('runs from its source, as a process that ends by itself', async () => {
    const script = fileURLToPath(new URL('../../src/cli/validate.ts', import.meta.url));
    await write('a', { backends, modifiers: [mask] });
    expect(await start(script, [])).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringContaining('holds back 7 characters'),
    });
    await write('b', { backend: {} });
    expect(await start(script, [])).toMatchObject({ code: 1, stderr: '', stdout: expect.stringContaining('b.json:') });
    const { code, stdout } = await start(script, ['--json', 'a.json']);
    expect([code, (JSON.parse(stdout) as { pipelines: unknown[] }).pipelines.length]).toEqual([0, 1]);
    expect(await start(script, ['gone'])).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('ENOENT'),
    });
  });

  it('runs as it is built', async () => {
    await write('a', { backends, modifiers: [mask] });
    const built = await buildEngine();
    try {
      expect(await start(join(built.folder, 'cli/validate.js'), [])).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 pipeline, 0 errors, 0 warnings'),
      });
    } finally {
      await built.remove();
    }
  });
});
