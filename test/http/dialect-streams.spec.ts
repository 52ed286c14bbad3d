import { afterEach, describe, expect, it } from '@jest/globals';
import { askWith, dialectNames, questionOf, statusOf, type DialectName } from '../support/dialect-clients.ts';
import { startFaultUpstream, type FaultUpstream } from '../support/fault-upstream.ts';
import { doneFrame, finishFrame, roleFrame, textFrame } from '../support/openai-stream.ts';
import { probe, type ProbeClient } from '../support/probe-client.ts';
import { streaming, type Step } from '../support/scenario.ts';
import { openAiBackend, startSluice, type Sluice } from '../support/sluice.ts';
import { TestClock } from '../support/test-clock.ts';

/*
 * Streams of every dialect through the engine: their type, signs of life while nothing comes, and the one error frame at
 * the end of a stream that failed, with no terminator of success behind it.
 */

interface Stage {
  readonly clock: TestClock;
  readonly upstream: FaultUpstream;
  readonly sluice: Sluice;
  ask(dialect: DialectName): Promise<ProbeClient>;
}
let open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.reverse()) await close();
  open = [];
});

async function openStage(steps: readonly Step[], definition: object = {}): Promise<Stage> {
  const clock = new TestClock();
  const upstream = await startFaultUpstream(steps, { clock });
  const backends = { provider: openAiBackend(upstream.origin) };
  const sluice = await startSluice({ clock, pipelines: { support: { backends, ...definition } } });
  const clients: ProbeClient[] = [];
  open.push(async () => {
    for (const client of clients) client.destroy();
    await sluice.close();
    await upstream.close();
  });
  const ask = async (dialect: DialectName): Promise<ProbeClient> => {
    const client = await probe({ port: sluice.port, clock }, askWith(dialect, questionOf(dialect), { stream: true }));
    clients.push(client);
    return client;
  };
  return { clock, upstream, sluice, ask };
}

type Json = Readonly<Record<string, unknown>>;

/** The documents of a stream: data of events, or lines. */
function documentsOf(text: string): readonly Json[] {
  return text
    .split('\n')
    .map((line) => (line.startsWith('data: ') ? line.slice(6) : line))
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Json);
}

const dig = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((inner, key) => (inner as Record<string | number, unknown> | undefined)?.[key], value);

/** What each dialect's client adds up. */
const textsOf: Readonly<Record<DialectName, (document: Json) => unknown>> = {
  'openai-chat': (document) => dig(document, 'choices', 0, 'delta', 'content'),
  'openai-responses': (document) => (document['type'] === 'response.output_text.delta' ? document['delta'] : ''),
  'anthropic-messages': (document) => dig(document, 'delta', 'text'),
  gemini: (document) => dig(document, 'candidates', 0, 'content', 'parts', 0, 'text'),
  ollama: (document) => dig(document, 'message', 'content'),
  native: (document) => (document['type'] === 'text.delta' ? document['text'] : ''),
};
const textOf = (dialect: DialectName, text: string): string =>
  documentsOf(text)
    .map((document) => textsOf[dialect](document))
    .filter((piece) => typeof piece === 'string')
    .join('');

/** Only the end of a good stream has it. */
const successes: Readonly<Record<DialectName, RegExp>> = {
  'openai-chat': /data: \[DONE\]|"finish_reason":"/,
  'openai-responses': /response\.(?:completed|incomplete)/,
  'anthropic-messages': /message_stop|"stop_reason":"/,
  gemini: /"finishReason"/,
  ollama: /"done":true/,
  native: /"outcome":"ok"|"type":"finish"/,
};
const streamTypes: Readonly<Record<DialectName, string>> = {
  'openai-chat': 'text/event-stream; charset=utf-8',
  'openai-responses': 'text/event-stream; charset=utf-8',
  'anthropic-messages': 'text/event-stream; charset=utf-8',
  gemini: 'text/event-stream; charset=utf-8',
  ollama: 'application/x-ndjson',
  native: 'text/event-stream; charset=utf-8',
};
const comment = /: hb\n\n/g;
const signsOfLife: Readonly<Record<DialectName, RegExp>> = {
  'openai-chat': comment,
  'openai-responses': comment,
  'anthropic-messages': /event: ping\ndata: \{"type":"ping"\}\n\n/g,
  gemini: comment,
  ollama: /\{"model":"[^"]*","created_at":"[^"]*","message":\{"role":"assistant","content":""\},"done":false\}\n/g,
  native: comment,
};
const countSigns = (dialect: DialectName, text: string): number => [...text.matchAll(signsOfLife[dialect])].length;

/** The last document of a stream that failed, and how many of the end are of the error. */
function expectFailed(dialect: DialectName, text: string, code: string): void {
  const documents = documentsOf(text);
  const last = documents.at(-1) ?? {};
  const message = expect.any(String) as unknown;
  switch (dialect) {
    case 'openai-chat':
      expect(last).toEqual({ error: { message, type: 'upstream_error', param: null, code } });
      break;
    case 'openai-responses':
      expect(documents.at(-2)).toMatchObject({ type: 'error', code, message });
      expect(last).toMatchObject({ type: 'response.failed', response: { status: 'failed', error: { code, message } } });
      break;
    case 'anthropic-messages':
      expect(text).toMatch(/event: error\ndata: [^\n]*\n\n$/);
      expect(last).toEqual({
        type: 'error',
        error: { type: 'api_error', message, code },
        request_id: expect.any(String),
      });
      break;
    case 'gemini':
      expect(last).toMatchObject({ error: { code: 502, message, status: 'UNAVAILABLE' } });
      break;
    case 'ollama':
      expect(text.endsWith('\n')).toBe(true);
      expect(last).toEqual({ error: message, code });
      break;
    case 'native':
      expect(documents.at(-2)).toMatchObject({ type: 'error', code, message });
      expect(last).toMatchObject({ type: 'stream.end', outcome: 'error' });
      break;
  }
  expect(documents.filter(({ error, type }) => error !== undefined && type !== 'error').length).toBeLessThanOrEqual(1);
  expect(text).not.toMatch(successes[dialect]);
}

const begun = [roleFrame(), textFrame('Hel')];
const rest = [textFrame('lo'), finishFrame(), doneFrame].join('');

describe('a stream', () => {
  it.each(dialectNames)('has the type and the headers of its dialect, and ends with success (%s)', async (dialect) => {
    const stage = await openStage(streaming([...begun, rest]));
    const client = await stage.ask(dialect);
    expect(await client.end()).toBe('complete');
    const { status, headers, text } = await client.response();
    expect([status, headers['content-type']]).toEqual([200, streamTypes[dialect]]);
    expect([headers['cache-control'], headers['x-accel-buffering']]).toEqual(['no-cache, no-transform', 'no']);
    expect(headers['request-id']).toBe(headers['x-sluice-run']);
    expect(headers['x-request-id']).toBe(headers['x-sluice-run']);
    expect(textOf(dialect, text)).toBe('Hello');
    expect(text).toMatch(successes[dialect]);
  });
});

describe('a sign of life', () => {
  const silences: readonly (readonly [name: string, steps: readonly Step[], advance: number, signs: number])[] = [
    ['before the provider answers', [{ wait: 41_000 }, ...streaming([...begun, rest])], 41_000, 3],
    [
      'before the first content',
      streaming([roleFrame()], [{ wait: 41_000 }, { write: { text: textFrame('Hel') + rest } }]),
      41_000,
      3,
    ],
    ['in the middle of a text', streaming(begun, [{ wait: 31_000 }, { write: { text: rest } }]), 31_000, 2],
  ];
  it.each(dialectNames.flatMap((dialect) => silences.map((silence) => [dialect, ...silence] as const)))(
    'comes in the form of the dialect (%s, %s)',
    async (dialect, _name, steps, milliseconds, signs) => {
      const stage = await openStage(steps);
      const client = await stage.ask(dialect);
      await stage.upstream.nextRequest();
      if (signs === 2) await client.until('Hel');
      await stage.clock.advance(milliseconds);
      expect(await client.end()).toBe('complete');
      const { text } = await client.response();
      expect(countSigns(dialect, text)).toBe(signs);
      expect(textOf(dialect, text)).toBe('Hello');
      expect(text).toMatch(successes[dialect]);
    },
  );
});

describe('a stream that fails', () => {
  const failures: readonly (readonly [name: string, steps: readonly Step[], code: string])[] = [
    ['the connection is reset', ['rst'], 'UPSTREAM_RESET'],
    ['the stream ends too early', ['end'], 'UPSTREAM_TRUNCATED'],
    ['a frame is no JSON', [{ write: { text: 'data: {"choices":\n\n' } }, 'stall'], 'UPSTREAM_BAD_FRAME'],
    [
      'the provider says that it failed',
      [{ write: { text: 'data: {"error":{"message":"secret words","type":"server_error"}}\n\n' } }, 'end'],
      'UPSTREAM_ERROR',
    ],
  ];
  it.each(dialectNames.flatMap((dialect) => failures.map((failure) => [dialect, ...failure] as const)))(
    'ends with the error of its dialect, and with nothing else (%s: %s)',
    async (dialect, _name, steps, code) => {
      const stage = await openStage(streaming(begun, steps));
      const client = await stage.ask(dialect);
      expect(await client.end()).toBe('complete');
      const { status, text } = await client.response();
      expect([status, textOf(dialect, text)]).toEqual([200, 'Hel']);
      expect(text).not.toContain('secret words');
      expectFailed(dialect, text, code);
    },
  );

  it.each(dialectNames)(
    'has its status while nothing was shown, and an error frame after commitAfter (%s)',
    async (dialect) => {
      const steps: readonly Step[] = [...streaming([roleFrame()], []), { wait: 12_000 }, 'rst'];
      const early = await openStage(steps, { output: { commitAfter: '20s' } });
      const first = await early.ask(dialect);
      await early.upstream.nextRequest();
      await early.clock.advance(12_000);
      await first.end();
      const refused = await first.response();
      expect([refused.status, refused.headers['content-type']?.includes('json')]).toEqual([
        statusOf(dialect, 'UPSTREAM_RESET'),
        true,
      ]);

      const late = await openStage(steps, { output: { commitAfter: '5s' } });
      const second = await late.ask(dialect);
      await late.upstream.nextRequest();
      await late.clock.advance(12_000);
      expect(await second.end()).toBe('complete');
      const { status, headers, text } = await second.response();
      expect([status, headers['content-type']]).toEqual([200, streamTypes[dialect]]);
      expect(countSigns(dialect, text)).toBe(1);
      expect(textOf(dialect, text)).toBe('');
      expectFailed(dialect, text, 'UPSTREAM_RESET');
    },
  );
});
