import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { demo } from '../../src/cli/demo.ts';
import { buildEngine } from '../e2e/engine-process.ts';
import { scriptedBackend } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';
import { eventually, turn, within } from '../support/turn.ts';

const productFolder = fileURLToPath(new URL('../../pipelines', import.meta.url));
const question = 'My password is hunter2. What is in the vault?';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-demo-'));
});
const running: Running[] = [];
afterEach(async () => {
  for (const show of running.splice(0)) {
    show.stop.abort();
    await show.end();
  }
  await rm(folder, { recursive: true, force: true });
});

interface Show {
  readonly message?: string;
  readonly input?: PassThrough;
  readonly pipelines?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly isTerminal?: boolean;
}

/** A demo that runs, with everything that it has written. */
class Running {
  readonly clock = new TestClock();
  readonly pieces: string[] = [];
  readonly stop = new AbortController();
  readonly exitCode: Promise<number>;
  #isOver = false;

  constructor({ message, input = new PassThrough(), pipelines = folder, environment = {}, isTerminal = false }: Show) {
    const output = Object.assign(new PassThrough({ encoding: 'utf8' }), { isTTY: isTerminal });
    Object.assign(input, { isTTY: isTerminal });
    running.push(this);
    output.on('data', (piece: string) => this.pieces.push(piece));
    this.exitCode = demo({
      environment: { SLUICE_PIPELINES_DIR: pipelines, ...environment },
      ...(message !== undefined && { message }),
      input,
      output,
      signal: this.stop.signal,
      clock: this.clock,
    }).finally(() => (this.#isOver = true));
  }

  get text(): string {
    return this.pieces.join('');
  }

  /** Time stands still but for the waits of the script, so the times that are shown are those of the script. */
  async end(): Promise<number> {
    while (!this.#isOver) {
      const wait = this.clock.pendingTimers().find(({ label }) => label.startsWith('scripted-transport.ts'));
      if (wait === undefined) await turn();
      else await this.clock.advance(wait.dueAt - this.clock.now());
    }
    return within(this.exitCode, 'the end of the demo');
  }

  /** Waits until `text` has been written. */
  async shows(text: string): Promise<void> {
    await eventually(() => this.text.includes(text), `"${text}" on the screen`);
  }
}

const definition = (rest: object): Promise<void> =>
  writeFile(join(folder, 'demo.json'), JSON.stringify({ apiVersion: 'sluice/v1', name: 'demo', ...rest }));
const scripted = (...script: object[]): object => ({ backends: { played: scriptedBackend(script) } });

describe('the demo of the product', () => {
  it('shows the answer while it comes, and what each step did', async () => {
    const show = new Running({ message: question, pipelines: productFolder });
    expect(await show.end()).toBe(0);
    const [asked = '', blank, ...lines] = show.text.split('\n');
    expect([asked, blank]).toEqual([`> ${question}`, '']);
    expect(lines[0]).toBe('I received: "My password is [password]. What is in the vault?"');
    const rest = lines.join('\n');
    expect(rest).toContain('the word ***. Only the people of *** may know');
    expect(rest).not.toMatch(/hunter2|swordfish|bluebird/i);
    expect(rest).toContain('\n  request  no-passwords  sensitive-words  changed the request\n');
    expect(rest).toContain('\n  backend  scripted      openai-chat      demo-model, played from a script\n');
    expect(rest).toContain('\n  answer   mask-secrets  mask-words       masked 2\n');
    expect(show.pieces.length).toBeGreaterThan(20);
  });

  it('has its first text soon, and does not keep anybody waiting', async () => {
    const show = new Running({ message: question, pipelines: productFolder });
    await show.end();
    const [, first = '', whole = ''] = /first text after (\d+) ms, complete after ([\d.]+) s/.exec(show.text) ?? [];
    expect(Number(first)).toBeGreaterThanOrEqual(250);
    expect(Number(first)).toBeLessThan(350);
    expect(Number(whole)).toBeLessThan(3);
  });

  it('sends each secret in pieces, and no piece holds one whole', async () => {
    const { backends, modifiers } = JSON.parse(await readFile(join(productFolder, 'demo.json'), 'utf8')) as {
      backends: { scripted: { upstream: { script: readonly { say?: string; deltaCharacters?: number }[] } } };
      modifiers: readonly { config: { words: readonly string[] } }[];
    };
    const say = backends.scripted.upstream.script.find((step) => step.say !== undefined);
    for (const word of modifiers[0]?.config.words ?? ['']) {
      expect(say?.say).toContain(word);
      expect(word.length).toBeGreaterThan(say?.deltaCharacters ?? Number.POSITIVE_INFINITY);
    }
  });
});

describe('a conversation', () => {
  it('takes one message per line; an empty one asks the example', async () => {
    await definition(scripted({ say: 'You said {{lastUserText}}.' }));
    const input = new PassThrough();
    const show = new Running({ input });
    input.end('one\n\ntwo');
    expect(await show.end()).toBe(0);
    expect(show.text).toContain('nothing leaves this machine');
    const answers = [...show.text.matchAll(/^> (.+)\n\nYou said (.+)\.$/gm)].map(([, asked, said]) => [asked, said]);
    expect(answers).toEqual(['one', question, 'two'].map((message) => [message, message]));
    expect(show.text.match(/backend {2}played/g)).toHaveLength(3);
  });

  it('ends with its input', async () => {
    await definition(scripted({ say: 'x' }));
    const input = new PassThrough();
    input.end();
    expect(await new Running({ input }).end()).toBe(0);
  });

  it('goes on after a failure', async () => {
    const processors = [{ type: 'sensitive-words', config: { words: ['bad'], action: 'block' } }];
    await definition({ processors, ...scripted({ say: 'fine' }) });
    const input = new PassThrough();
    const show = new Running({ input });
    input.end('bad\ngood\n');
    expect(await show.end()).toBe(0);
    expect(show.text).toContain('\n> bad\n\nREQUEST_BLOCKED  The request was blocked');
    expect(show.text).toContain('sensitive-words  ended the run: REQUEST_BLOCKED\n');
    expect(show.text).toContain('\n> good\n\nfine\n');
  });

  it('sees a definition that is saved meanwhile, with the mistakes in it', async () => {
    await definition(scripted({ say: 'first' }));
    const input = new PassThrough();
    const show = new Running({ input, isTerminal: true });
    await show.shows('> ');
    await definition({ ...scripted({ say: 'second' }), modifers: [] });
    const mistake = 'unknown key "modifers", did you mean "modifiers"?';
    // The folder is looked at in the thread pool, so some of its looks may come late.
    await show.clock.advanceUntil(() => show.text.includes(mistake), 1_000, 600_000);
    expect(show.text.slice(show.text.indexOf(mistake))).toContain('> ');
    input.write('hi\n');
    await show.shows('first');
    await show.shows('complete after');
    input.end();
    expect(await show.end()).toBe(0);
    // The steps of the definition that answered are no longer known.
    expect(show.text).not.toContain('backend  played');
  });
});

describe('an end', () => {
  it('is clean when the reader has had enough, in the middle of an answer and at the prompt', async () => {
    await definition(scripted({ say: 'beginning ' }, { wait: '1h' }, { say: 'end' }));
    const middle = new Running({ message: 'hi' });
    await middle.shows('beginning');
    middle.stop.abort();
    expect(await middle.end()).toBe(0);
    expect(middle.text).not.toContain('CLIENT_GONE');

    const waiting = new Running({});
    await waiting.shows('Ctrl-C ends.');
    waiting.stop.abort();
    expect(await waiting.end()).toBe(0);
  });

  it('leaves no timer', async () => {
    await definition(scripted({ say: 'hi' }));
    const show = new Running({ message: 'hi' });
    await show.end();
    expect(show.clock.pendingTimers()).toEqual([]);
  });

  it.each<readonly [what: string, rest: object | undefined, shown: readonly string[]]>([
    [
      'without a definition',
      undefined,
      ['PIPELINE_UNKNOWN  There is no pipeline "demo".', 'What to do: Check the name'],
    ],
    [
      'with a mistake in the definition',
      { backends: {} },
      ['/demo.json:1:', 'error  schema.', 'DEFINITION_INVALID', 'What to do: '],
    ],
    [
      'with a condition that reads the end of the answer',
      {
        ...scripted({ say: 'x' }),
        modifiers: [{ type: 'mask-words', when: "response.finishReason == 'stop'", config: { words: ['x'] } }],
      },
      ['error  condition.phase  "response.finishReason" is not known yet'],
    ],
    [
      'with a provider that breaks',
      scripted({ say: 'one two' }, { wait: '1s' }, { reset: true }),
      [
        '\none two\nUPSTREAM_RESET  The model provider broke the connection.\n  What to do: Try again.',
        'over after 1.0 s',
      ],
    ],
    ['with a provider that refuses', scripted({ status: 429 }), ['UPSTREAM_RATE_LIMITED  ']],
  ])('%s says why, and what to do', async (_what, rest, shown) => {
    if (rest !== undefined) await definition(rest);
    const show = new Running({ message: 'hi' });
    expect(await show.end()).toBe(1);
    for (const text of shown) expect(show.text).toContain(text);
  });

  it('comes at once where the environment is not in order', async () => {
    const show = new Running({ message: 'hi', environment: { SLUICE_LOG_LEVEL: 'loud' } });
    expect(await show.end()).toBe(2);
    expect(show.text).toContain('SLUICE_LOG_LEVEL must be one of');
  });
});

describe('the screen', () => {
  it.each<readonly [what: string, isTerminal: boolean, environment: Record<string, string>, isColoured: boolean]>([
    ['a terminal', true, {}, true],
    ['a terminal whose owner wants none', true, { NO_COLOR: '1' }, false],
    ['a terminal that can not', true, { TERM: 'dumb' }, false],
    ['a file', false, {}, false],
  ])('%s', async (_what, isTerminal, environment, isColoured) => {
    await definition(scripted({ say: 'hi' }));
    const show = new Running({ message: 'hi', isTerminal, environment });
    await show.end();
    expect(show.text.includes('\u001b[')).toBe(isColoured);
  });

  it('is not steered by a model', async () => {
    await definition(scripted({ say: 'a\u001b[2Jb\u0007c\r\n\td\u009b1m', deltaCharacters: 1 }));
    const show = new Running({ message: 'say \u001b[31mred' });
    await show.end();
    expect(show.text).toContain('> say [31mred\n\na[2Jbc\n\td1m\n');
  });

  it('shows reasoning and the work of steps apart from the text', async () => {
    const delta = (fields: object): object => ({ sse: { choices: [{ index: 0, delta: fields }] } });
    await definition(scripted(delta({ reasoning_content: 'hmm' }), { say: 'yes' }));
    const show = new Running({ message: 'hi', isTerminal: true });
    await show.end();
    expect(show.text).toContain('\u001b[2mhmm\u001b[22m');
    expect(show.text).toContain('yes\n');
  });
});

describe('the built demo', () => {
  it('answers one message, and ends at Ctrl-C with exit code 0', async () => {
    const built = await buildEngine();
    try {
      const run = async (message: string, onText: (child: ReturnType<typeof spawn>, text: string) => void) => {
        const child = spawn(process.execPath, [join(built.folder, 'cli/demo.js'), ...message.split(' ')], {
          env: { PATH: process.env['PATH'], SLUICE_PIPELINES_DIR: productFolder },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let text = '';
        for (const stream of [child.stdout, child.stderr])
          stream.setEncoding('utf8').on('data', (piece: string) => onText(child, (text += piece)));
        const [code] = (await once(child, 'close')) as [number | null];
        return { code, text };
      };
      const whole = await run('My password is hunter2', () => {});
      expect(whole).toEqual({ code: 0, text: expect.stringContaining('"My password is [password]"') });
      expect(whole.text).toContain('masked 2');
      const cut = await run('hi', (child, text) => text.includes('I received') && child.kill('SIGINT'));
      expect(cut.code).toBe(0);
      expect(cut.text).not.toContain('masked');
    } finally {
      await built.remove();
    }
  });
});
