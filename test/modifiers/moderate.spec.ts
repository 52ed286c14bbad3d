import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import type { HttpAnswer, HttpCall, HttpCaller } from '../../src/kernel/http-caller.ts';
import type { PipelineAnswer, PipelineCaller } from '../../src/kernel/pipeline-caller.ts';
import { moderate } from '../../src/modifiers/moderate.ts';
import { buildConfig, exampleSecret } from '../support/component-instance.ts';
import { answerOf, playAnswer, type PlayedAnswer } from '../support/moderated-answer.ts';
import { settle } from '../support/segment-player.ts';

const answerBody = (body: unknown, status = 200): HttpAnswer => ({ status, headers: {}, body: JSON.stringify(body) });
const moderations = (flagged: boolean, scores: Record<string, number> = {}): HttpAnswer =>
  answerBody({ results: [{ flagged, categories: { violence: flagged, hate: false }, category_scores: scores }] });

/** A service that flags what it is told, and keeps what it was asked. */
function service(judge: (input: string) => HttpAnswer | Promise<HttpAnswer>): HttpCaller & { calls: HttpCall[] } {
  const calls: HttpCall[] = [];
  return {
    calls,
    call: async (request) => {
      calls.push(request);
      const { input, text } = JSON.parse(request.body ?? '{}') as { input?: string; text?: string };
      return judge(input ?? text ?? '');
    },
  };
}
const wordService = (word: string): ReturnType<typeof service> => service((input) => moderations(input.includes(word)));
const url = 'https://moderation.example.com/v1/moderations';

async function play(
  config: Record<string, unknown>,
  http: HttpCaller,
  events: readonly AnswerEvent[],
): Promise<PlayedAnswer> {
  const played = playAnswer(moderate, config, { http });
  for (const event of events) {
    played.chain.push(event);
    await settle(40);
  }
  return played;
}
const endings = ({ left }: PlayedAnswer): string[] =>
  left.flatMap((event) => (event.type === 'finish' ? [event.reason.unified] : []));

describe('moderate', () => {
  it('asks for each sentence and lets it pass', async () => {
    const http = wordService('bomb');
    const played = await play(
      { check: { url, model: 'omni', token: { $env: 'MODERATION_TOKEN' } }, onError: 'block' },
      http,
      answerOf(['All is', ' well. It', ' goes on.']),
    );
    expect(played.text()).toBe('All is well. It goes on.');
    expect(http.calls.map(({ body }) => JSON.parse(body ?? ''))).toEqual([
      { model: 'omni', input: 'All is well.' },
      { model: 'omni', input: ' It goes on.' },
    ]);
    expect(http.calls[0]).toMatchObject({
      method: 'POST',
      url,
      network: 'public',
      timeoutMilliseconds: 5_000,
      headers: { authorization: `Bearer ${exampleSecret}` },
    });
    expect(played.left.at(-3)).toEqual({ type: 'block.end', blockId: 'b0', final: 'the whole' });
    expect([endings(played), played.clock.pending, played.failures]).toEqual([['stop'], 0, []]);
  });

  it('ends the answer in front of the sentence that is flagged, and says so', async () => {
    const played = await play(
      { check: { url }, onError: 'block', message: ' (stopped)' },
      wordService('bomb'),
      answerOf(['Fine. A bomb. More.']),
    );
    expect([played.text(), endings(played)]).toEqual(['Fine. (stopped)', ['content_filter']]);
    expect(played.left.at(-1)).toMatchObject({ type: 'stream.end' });
    expect(played.meter.value('moderation_flagged')).toBe(1);
    expect(played.log.text()).toContain('violence');
    expect(played.log.text()).not.toContain('bomb');
  });

  it.each([
    ['by length', { characters: 6 }, ['one tw', 'o bomb', ' three'], ['one tw', 'o bomb']],
    ['with an overlap', { characters: 6, overlap: 3 }, ['a bom', 'b is h', 'ere'], ['a bomb', 'omb is he']],
  ])('judges %s', async (_name, window, pieces, expected) => {
    const http = wordService('tree');
    await play({ check: { url }, window, onError: 'block', parallel: 2 }, http, answerOf(pieces));
    expect(http.calls.map(({ body }) => (JSON.parse(body ?? '') as { input: string }).input).slice(0, 2)).toEqual(
      expected,
    );
  });

  it('judges what came in a time', async () => {
    const http = wordService('bomb');
    const played = playAnswer(moderate, { check: { url }, window: { time: '200ms' }, onError: 'block' }, { http });
    const [start, first, second, ...rest] = answerOf(['one ', 'two ', 'three']);
    for (const event of [start, first, second]) if (event !== undefined) played.chain.push(event);
    await played.clock.advance(199);
    expect(played.text()).toBe('');
    await played.clock.advance(1);
    expect(played.text()).toBe('one two ');
    for (const event of rest) played.chain.push(event);
    await settle(40);
    expect([played.text(), played.clock.pending, http.calls.length]).toEqual(['one two three', 0, 2]);
  });

  it.each<[string, string[], number]>([
    ['decoded', ['{"cmd":"b\\u00', '6fmb", "n": 1}'], 1],
    ['in a name', ['{"bomb":', '1}'], 1],
    ['and lets others pass', ['{"cmd":"fl', 'ower"}'], 0],
  ])('judges the arguments of a tool %s', async (_name, pieces, stops) => {
    const played = await play({ check: { url }, onError: 'block' }, wordService('bomb'), answerOf(pieces, 'tool_call'));
    const json = played.left.map((event) => (event.type === 'toolArgs.delta' ? event.json : '')).join('');
    expect(json).toBe(stops > 0 ? json : pieces.join(''));
    expect(json.includes('}')).toBe(stops === 0);
    expect(endings(played)).toEqual([stops > 0 ? 'content_filter' : 'stop']);
  });

  it('judges the words beside the end of a choice', async () => {
    const finish: AnswerEvent = {
      type: 'finish',
      reason: { unified: 'refusal' },
      refusal: { explanation: 'No bomb for you' },
    };
    const http = wordService('bomb');
    const played = await play({ check: { url }, onError: 'block' }, http, [
      ...answerOf(['Yes.']).slice(0, 3),
      finish,
      { type: 'stream.end', outcome: 'ok' },
    ]);
    expect(endings(played)).toEqual(['content_filter']);
    const other = await play({ check: { url }, onError: 'block' }, wordService('tree'), [
      ...answerOf(['Yes.']).slice(0, 3),
      finish,
      { type: 'stream.end', outcome: 'ok' },
    ]);
    expect(other.left).toContainEqual(finish);
  });

  it('looks at the channels of its config only', async () => {
    const http = wordService('bomb');
    const played = await play(
      { check: { url }, onError: 'block', channels: ['text'] },
      http,
      answerOf(['bomb'], 'reasoning'),
    );
    expect([played.text(), http.calls.length]).toEqual(['bomb', 0]);
  });

  it('keeps choices apart', async () => {
    const events: AnswerEvent[] = [0, 1].map((choice) => ({
      type: 'block.start',
      blockId: `c${choice}`,
      kind: 'text',
      role: 'assistant',
      choice,
    }));
    const say = (choice: number, text: string): AnswerEvent => ({
      type: 'text.delta',
      blockId: `c${choice}`,
      role: 'assistant',
      text,
      choice,
    });
    events.push(say(0, 'A bomb. '), say(1, 'A tree. '), say(0, 'More.'), say(1, 'Leaves.'));
    events.push(...[0, 1].map((choice): AnswerEvent => ({ type: 'block.end', blockId: `c${choice}`, choice })));
    events.push(...[0, 1].map((choice): AnswerEvent => ({ type: 'finish', choice, reason: { unified: 'stop' } })), {
      type: 'stream.end',
      outcome: 'ok',
    });
    const played = await play({ check: { url }, onError: 'block' }, wordService('bomb'), events);
    expect([played.text(), endings(played).sort()]).toEqual(['A tree. Leaves.', ['content_filter', 'stop']]);
  });

  it('keeps what comes with a piece of text, where the piece stays whole', async () => {
    const events = answerOf(['Yes', '.', ' No.']).map((event): AnswerEvent =>
      event.type === 'text.delta' ? { ...event, logprobs: [event.text] } : event,
    );
    const played = await play({ check: { url }, onError: 'block' }, wordService('bomb'), events);
    expect(played.left).toEqual(events);
  });

  it('pauses the provider when as much waits as may, and no sooner', async () => {
    const answers: (() => void)[] = [];
    const http = service(
      (input) => new Promise((resolve) => answers.push(() => resolve(moderations(input.includes('bomb'))))),
    );
    const played = playAnswer(moderate, { check: { url }, onError: 'block', ahead: 64, parallel: 1 }, { http });
    const [start] = answerOf([]);
    if (start !== undefined) played.chain.push(start);
    const say = (text: string): void =>
      played.chain.push({ type: 'text.delta', blockId: 'b0', role: 'assistant', text });
    say(`${'a'.repeat(30)}. `);
    say('b'.repeat(31));
    expect(played.pauses).toEqual([]);
    say('c');
    expect(played.pauses).toEqual([true]);
    answers.shift()?.();
    await settle(40);
    expect([played.pauses, played.text()]).toEqual([[true, false], `${'a'.repeat(30)}.`]);
  });
});

describe('moderate without a verdict', () => {
  const failures: [string, () => HttpAnswer | Promise<HttpAnswer>][] = [
    ['no connection', () => Promise.reject(new SluiceError('UPSTREAM_CONNECT'))],
    ['a status', () => answerBody({}, 500)],
    ['no JSON', () => ({ status: 200, headers: {}, body: '<html>the text' })],
    ['no results', () => answerBody({ results: [] })],
    ['no flag', () => answerBody({ results: [{}] })],
    ['a throw', () => Promise.reject(new TypeError('the text'))],
  ];

  it.each(failures)('fails the run where nothing has left: %s', async (_name, judge) => {
    const played = playAnswer(moderate, { check: { url }, onError: 'block' }, { http: service(judge) });
    const push = async (): Promise<void> => {
      for (const event of answerOf(['the text.', ' more'])) {
        played.chain.push(event);
        await settle(60);
      }
    };
    const thrown = await push().then(
      () => played.failures[0],
      (error: unknown) => error,
    );
    expect(thrown).toMatchObject({ code: 'MODERATION_UNAVAILABLE', status: 503 });
    expect(played.text()).toBe('');
    expect(played.log.text()).not.toContain('the text');
    expect(played.clock.pending).toBe(0);
  });

  it.each(failures)('lets the text pass where the author says so: %s', async (_name, judge) => {
    const played = await play({ check: { url }, onError: 'allow' }, service(judge), answerOf(['the text.', ' more']));
    expect([played.text(), played.meter.value('moderation_failures')]).toEqual(['the text. more', 2]);
    expect(played.log.messages('warn')).toHaveLength(2);
    expect(played.log.text()).not.toContain('the text');
  });

  it('ends an answer of which something has left', async () => {
    let count = 0;
    const http = service(() => (++count > 1 ? answerBody({}, 503) : moderations(false)));
    const played = await play({ check: { url }, onError: 'block' }, http, answerOf(['First. Second. Third']));
    expect([played.text(), endings(played)]).toEqual(['First.', ['content_filter']]);
  });

  it('waits no longer than it may', async () => {
    const http = service(() => new Promise(() => undefined));
    const played = playAnswer(moderate, { check: { url, timeout: '3s' }, onError: 'allow' }, { http });
    for (const event of answerOf(['Text.'])) played.chain.push(event);
    await played.clock.advance(2_999);
    expect(played.text()).toBe('');
    await played.clock.advance(1);
    expect([played.text(), played.clock.pending]).toEqual(['Text.', 0]);
  });

  it('lets nothing go when the stream fails or the client leaves', async () => {
    for (const end of ['fail', 'abort'] as const) {
      const answers: (() => void)[] = [];
      const http = service(() => new Promise((resolve) => answers.push(() => resolve(moderations(false)))));
      const played = playAnswer(moderate, { check: { url }, onError: 'allow' }, { http });
      for (const event of answerOf(['Text. More.']).slice(0, 2)) played.chain.push(event);
      await settle();
      if (end === 'abort') played.abort.abort(new SluiceError('CLIENT_GONE'));
      else played.chain.fail();
      for (const answer of answers) answer();
      await settle(40);
      expect([played.text(), played.clock.pending]).toEqual(['', 0]);
    }
  });
});

describe('the verdicts of moderate', () => {
  const webhook = { url: 'https://hook.example.com/', format: 'webhook' };
  it.each<[string, Record<string, unknown>, HttpAnswer, boolean]>([
    ['flagged', { url }, moderations(true), true],
    ['not flagged', { url }, moderations(false), false],
    ['a score over its threshold', { url, thresholds: { hate: 0.5 } }, moderations(false, { hate: 0.5 }), true],
    [
      'a score below its threshold',
      { url, thresholds: { violence: 0.9 } },
      moderations(true, { violence: 0.8 }),
      false,
    ],
    ['a category without a threshold', { url, thresholds: { hate: 0.5 } }, moderations(true, { hate: 0.1 }), true],
    ['a threshold without a score', { url, thresholds: { other: 0.5 } }, moderations(false, { hate: 0.1 }), true],
    ['a webhook that flags', webhook, answerBody({ flagged: true, reason: 'spam' }), true],
    ['a webhook that blocks', webhook, answerBody({ action: 'block' }), true],
    ['a webhook that allows', webhook, answerBody({ action: 'allow' }), false],
    ['a webhook that does not flag', webhook, answerBody({ flagged: false }), false],
    ['a webhook of another mind', webhook, answerBody({ action: 'perhaps' }), true],
    ['a webhook that says nothing', webhook, answerBody({}), true],
    ['a webhook that says yes in words', webhook, answerBody({ flagged: 'no' }), true],
  ])('%s', async (_name, check, answer, stops) => {
    const http = service((input) =>
      input === 'First.'
        ? check['format'] === 'webhook'
          ? answerBody({ flagged: false })
          : moderations(false, { hate: 0, violence: 0, other: 0 })
        : answer,
    );
    const played = await play({ check, onError: 'block' }, http, answerOf(['First. Second.']));
    expect(played.text()).toBe(stops ? 'First.' : 'First. Second.');
  });

  it('tells a webhook where the text is from', async () => {
    const http = service(() => answerBody({ flagged: false }));
    await play({ check: webhook, onError: 'block' }, http, answerOf(['Why?'], 'reasoning'));
    expect(JSON.parse(http.calls[0]?.body ?? '')).toEqual({
      text: 'Why?',
      context: { pipeline: 'test', run: 'run-1', channel: 'reasoning' },
    });
  });

  it.each<[string, Record<string, unknown>, Partial<PipelineAnswer>, boolean]>([
    ['an exact word', { flaggedWhen: 'unsafe' }, { text: ' UNSAFE\n' }, true],
    ['another word', { flaggedWhen: 'unsafe' }, { text: 'not unsafe' }, false],
    ['the word that passes', { flaggedWhen: 'unsafe', passesWhen: 'safe' }, { text: 'Safe' }, false],
    ['neither word', { flaggedWhen: 'unsafe', passesWhen: 'safe' }, { text: 'hm' }, true],
    ['a field', {}, { text: '{"flagged": true}' }, true],
    ['a field that is false', {}, { text: '{"flagged": false}' }, false],
    ['a field with a value', { flaggedWhen: { field: 'verdict', equals: 'bad' } }, { text: '{"verdict":"bad"}' }, true],
    ['no such field', {}, { text: '{"other": 1}' }, true],
    ['no JSON', {}, { text: 'I think so' }, true],
    ['a judge that was cut off', { flaggedWhen: 'unsafe' }, { text: 'safe', finish: 'length' }, true],
  ])('of a pipeline: %s', async (_name, check, answer, stops) => {
    const asked: unknown[] = [];
    const pipelines: PipelineCaller = {
      call: async (name, request) => {
        asked.push([name, request]);
        if (request.user !== 'First.') return { text: '', finish: 'stop', ...answer };
        return {
          text: check['flaggedWhen'] === 'unsafe' ? 'safe' : '{"flagged":false,"verdict":"good"}',
          finish: 'stop',
        };
      },
    };
    const played = playAnswer(
      moderate,
      { check: { pipeline: 'judge', system: 'Judge.', ...check }, onError: 'block' },
      { pipelines },
    );
    for (const event of answerOf(['First. Second.'])) {
      played.chain.push(event);
      await settle(40);
    }
    expect(played.text()).toBe(stops ? 'First.' : 'First. Second.');
    expect(asked[0]).toEqual(['judge', { user: 'First.', system: 'Judge.' }]);
  });
});

describe('the config of moderate', () => {
  it.each<[string, Record<string, unknown>]>([
    ['no word about errors', { check: { url } }],
    ['another address', { check: { url: 'ftp://example.com' }, onError: 'block' }],
    ['a literal token', { check: { url, token: 'abc' }, onError: 'block' }],
    ['an empty window', { check: { url }, window: {}, onError: 'block' }],
    ['no check', { onError: 'block' }],
  ])('is refused by its schema: %s', (_name, config) => {
    expect(buildConfig(moderate, config).mistakes).not.toEqual([]);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['neither service nor pipeline', { check: {}, onError: 'block' }, 'either "url" or "pipeline"'],
    ['both', { check: { url, pipeline: 'judge' }, onError: 'block' }, 'either "url" or "pipeline"'],
    [
      'two windows',
      { check: { url }, window: { characters: 9, time: '1s' }, onError: 'block' },
      'either "characters" or "time"',
    ],
    ['only an overlap', { check: { url }, window: { overlap: 9 }, onError: 'block' }, 'either "characters" or "time"'],
    [
      'a piece longer than may wait',
      { check: { url }, window: { characters: 100 }, ahead: 64, onError: 'block' },
      '"ahead" must be at least',
    ],
  ])('is refused when it is built: %s', (_name, config, message) => {
    expect(() => playAnswer(moderate, config, {})).toThrow(message);
  });

  it('is a guard, and says how much it holds at most', () => {
    expect(moderate.guard).toBe(true);
    const { built } = buildConfig(moderate, { check: { url }, onError: 'block' });
    expect(built).toMatchObject({
      ahead: 2_000,
      window: 'sentence',
      parallel: 4,
      check: { format: 'openai', network: 'public', timeout: '5s' },
    });
  });
});
