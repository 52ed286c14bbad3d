import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ollamaEncoder } from '../../src/encoders/ollama.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { Encoder, StreamEncoder } from '../../src/kernel/component.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, FinishReason } from '../../src/kernel/event.ts';
import { answerEvents } from '../support/answer-events.ts';
import { chatRequest } from '../support/chat-run.ts';
import { readLines } from '../support/ollama-lines.ts';
import { testRun, type TestRun } from '../support/test-run.ts';

type Json = Record<string, unknown>;

const request = chatRequest({ dialect: 'ollama', model: 'alias' });
const encoder: Encoder = ollamaEncoder.create({}, {});
const open = (test: TestRun = testRun()): StreamEncoder =>
  encoder.open({ run: test.run, request, created: 1_767_225_600 });
const write = (events: readonly AnswerEvent[], test = testRun()): Json[] => {
  const stream = open(test);
  return readLines(events.map((event) => stream.encode(event)).join('') + stream.end());
};
const messagesOf = (lines: readonly Json[]): unknown[] => lines.map(({ message }) => message);

const role = 'assistant' as const;
const meta: AnswerEvent = { type: 'response.meta', provider: 'openai-chat', responseId: 'r', model: 'gpt' };
const text = (blockId: string, ...pieces: string[]): AnswerEvent[] => [
  { type: 'block.start', blockId, kind: 'text', role },
  ...pieces.map((piece): AnswerEvent => ({ type: 'text.delta', blockId, role, text: piece })),
  { type: 'block.end', blockId },
];
const call = (blockId: string, fields: Json, ...pieces: string[]): AnswerEvent[] => [
  { type: 'block.start', blockId, kind: 'tool_call', role, ...fields },
  ...pieces.map((json): AnswerEvent => ({ type: 'toolArgs.delta', blockId, json })),
  { type: 'block.end', blockId },
];
const finish = (unified: FinishReason = 'stop'): AnswerEvent => ({
  type: 'finish',
  reason: { unified },
});
const message = (fields: Json = {}): Json => ({ role, content: '', ...fields });

describe('a stream', () => {
  it('is lines of text and one last line with the reason, the counts and the time it took', async () => {
    const test = testRun();
    const stream = open(test);
    let bytes = stream.encode(meta);
    await test.clock.advance(2);
    for (const event of text('b0', 'Grüße, ', '世界 \n"😀"')) bytes += stream.encode(event);
    await test.clock.advance(3);
    bytes += stream.encode(finish('length'));
    bytes += stream.encode({ type: 'usage', input: { total: 7 }, output: { total: 2 } });
    const [first, second, last, ...rest] = readLines(bytes + stream.end());
    expect(rest).toEqual([]);
    expect(first).toEqual({
      model: 'gpt',
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      message: message({ content: 'Grüße, ' }),
      done: false,
    });
    expect(second).toMatchObject({ message: message({ content: '世界 \n"😀"' }), done: false });
    expect(last).toEqual({
      model: 'gpt',
      created_at: expect.any(String),
      message: message(),
      done: true,
      done_reason: 'length',
      total_duration: 5_000_000,
      load_duration: 0,
      prompt_eval_count: 7,
      prompt_eval_duration: 2_000_000,
      eval_count: 2,
      eval_duration: 3_000_000,
    });
  });

  it.each([
    ['stop', 'stop'],
    ['length', 'length'],
    ['tool_calls', 'stop'],
    ['content_filter', 'content_filter'],
    ['refusal', 'content_filter'],
    ['error', 'error'],
  ] as const)('that ended with %s says %s', (unified, word) => {
    expect(write([meta, ...text('b0', 'x'), finish(unified)]).at(-1)).toMatchObject({ done_reason: word });
  });

  it('has thinking, refusals as content, and calls whole, with an id for each', () => {
    const lines = write([
      meta,
      { type: 'block.start', blockId: 'r', kind: 'reasoning', role },
      { type: 'text.delta', blockId: 'r', role, text: 'Hm.' },
      { type: 'block.end', blockId: 'r' },
      { type: 'block.start', blockId: 'n', kind: 'refusal', role },
      { type: 'text.delta', blockId: 'n', role, text: 'No.' },
      { type: 'block.end', blockId: 'n' },
      ...call('c0', { name: 'weather', callId: 'call_1' }, '{"city":', '"Ulm"}'),
      ...call('c1', { name: 'time' }),
      finish('tool_calls'),
    ]);
    expect(messagesOf(lines)).toEqual([
      message({ thinking: 'Hm.' }),
      message({ content: 'No.' }),
      message({ tool_calls: [{ id: 'call_1', function: { index: 0, name: 'weather', arguments: { city: 'Ulm' } } }] }),
      message({ tool_calls: [{ id: 'call_run-1_1', function: { index: 1, name: 'time', arguments: {} } }] }),
      message(),
    ]);
  });

  it('has images, joined from their pieces', () => {
    const lines = write([
      meta,
      { type: 'block.start', blockId: 'i', kind: 'image', role },
      { type: 'media.delta', blockId: 'i', base64: 'iVBO' },
      { type: 'media.delta', blockId: 'i', base64: 'Rw0K' },
      { type: 'block.end', blockId: 'i' },
    ]);
    expect(messagesOf(lines)[0]).toEqual(message({ images: ['iVBORw0K'] }));
  });

  it('takes arguments that came whole, and wraps what is no JSON', () => {
    const test = testRun();
    const lines = write(
      [
        ...call('c0', { name: 'f' }).map((event) =>
          event.type === 'block.end' ? { ...event, final: '{"a":1}' } : event,
        ),
        ...call('c1', { name: 'f' }, '{"a":'),
        ...call('c2', { name: 'f', kind: 'custom_tool_call' }, 'free text'),
      ],
      test,
    );
    const args = messagesOf(lines)
      .slice(0, 3)
      .map((entry) => (entry as { tool_calls: { function: Json }[] }).tool_calls[0]?.function['arguments']);
    expect(args).toEqual([{ a: 1 }, { _raw: '{"a":' }, { input: 'free text' }]);
    expect(test.lost).toEqual(['answer.tool_arguments']);
  });

  it('is whole without a word of a provider: its model is the one that was asked for', () => {
    expect(write([])).toEqual([expect.objectContaining({ model: 'alias', done: true, done_reason: 'stop' })]);
    const lines = write([...text('b0', 'Blocked.'), finish()]);
    expect(lines.map(({ model, done }) => [model, done])).toEqual([
      ['alias', false],
      ['alias', true],
    ]);
  });

  it('that fails ends with the error and nothing else', () => {
    const stream = open();
    stream.encode(meta);
    expect(readLines(stream.fail(new SluiceError('UPSTREAM_RESET')))).toEqual([
      { error: 'The model provider broke the connection.', code: 'UPSTREAM_RESET' },
    ]);
  });

  it('beats with a line that says nothing', () => {
    const stream = open();
    expect(readLines(stream.heartbeat)).toEqual([
      { model: 'alias', created_at: expect.any(String), message: message(), done: false },
    ]);
    stream.encode({ ...meta, model: 'größer' });
    expect(readLines(stream.heartbeat)[0]).toMatchObject({ model: 'größer' });
  });

  const start = (kind: 'audio' | 'server_tool_call' | 'reasoning_redacted' | 'image'): AnswerEvent[] => [
    { type: 'block.start', blockId: 'x', kind, role },
    { type: 'block.end', blockId: 'x' },
  ];
  it.each<readonly [string, readonly AnswerEvent[]]>([
    ['answer.choices', [{ type: 'block.start', blockId: 'x', kind: 'text', role, choice: 1 }]],
    ['answer.citations', [{ type: 'annotation', blockId: 'x', annotation: {} }]],
    ['answer.signature', [{ type: 'reasoning.signature', blockId: 'x', value: 's' }]],
    ['answer.safety', [{ type: 'safety', scope: 'prompt', verdicts: [] }]],
    ['answer.stop_sequence', [{ type: 'finish', reason: { unified: 'stop' }, stopSequence: 'END' }]],
    ['answer.pause', [{ type: 'finish', reason: { unified: 'pause' } }]],
    ['answer.usage_details', [{ type: 'usage', input: { total: 9, cacheRead: 4 } }]],
    ['answer.refusal_details', [{ type: 'finish', reason: { unified: 'refusal' }, refusal: {} }]],
    ['answer.media', start('audio')],
    ['answer.media', start('image')],
    ['answer.server_tools', start('server_tool_call')],
    ['answer.reasoning', start('reasoning_redacted')],
    [
      'answer.logprobs',
      [
        { type: 'block.start', blockId: 'x', kind: 'text', role },
        { type: 'text.delta', blockId: 'x', role, text: 't', logprobs: [1] },
      ],
    ],
  ])('names %s as lost', (what, events) => {
    const test = testRun();
    write(events, test);
    expect(test.lost).toEqual([what]);
  });

  it('drops the text of further choices', () => {
    const lines = write([
      ...text('b0', 'one'),
      ...text('b1', 'two').map((event): AnswerEvent => ({ ...event, choice: 1 }) as AnswerEvent),
      { type: 'finish', reason: { unified: 'length' }, choice: 1 },
      finish(),
    ]);
    expect(messagesOf(lines)).toEqual([message({ content: 'one' }), message()]);
    expect(lines.at(-1)).toMatchObject({ done_reason: 'stop' });
  });
});

describe('a stream of any order', () => {
  it('has every text and call of the first choice, and ends once', () => {
    fc.assert(
      fc.property(answerEvents, (events) => {
        const fold = new AnswerFold();
        for (const event of events) fold.push(event);
        const blocks = fold.answer.choices.find(({ index }) => index === 0)?.blocks ?? [];
        const expected = (...kinds: string[]): string =>
          blocks
            .filter(({ kind }) => kinds.includes(kind))
            .map((block) => block.text)
            .join('')
            .length.toString();
        const lines = write(events);
        const joined = (field: string): string =>
          lines
            .map((line) => (line['message'] as Record<string, string>)[field] ?? '')
            .join('')
            .length.toString();
        expect([joined('content'), joined('thinking')]).toEqual([
          expected('text', 'refusal'),
          expected('reasoning', 'reasoning_summary'),
        ]);
        const calls = lines.flatMap((line) => (line['message'] as { tool_calls?: unknown[] }).tool_calls ?? []);
        expect(calls).toHaveLength(blocks.filter(({ kind }) => kind === 'tool_call').length);
        expect(lines.filter(({ done }) => done === true)).toEqual([lines.at(-1)]);
      }),
    );
  });

  it('has the same bytes for a piece of text, whichever way it is written', () => {
    const template = { dialect: 'openai-chat', before: 'x', after: 'y' };
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom('text', 'reasoning'), (piece, kind) => {
        const [one, other] = [open(), open()];
        for (const stream of [one, other]) {
          stream.encode(meta);
          stream.encode({ type: 'block.start', blockId: 'b', kind: kind as 'text', role });
        }
        const json = Buffer.from(JSON.stringify(piece).slice(1, -1)).toString('latin1');
        const slow = one.encode({ type: 'text.delta', blockId: 'b', role, text: piece });
        expect(readLines(other.encodeText('b', template, json))).toEqual(readLines(slow));
        expect(slow).toMatch(/^[\u0000-\u00ff]*$/);
      }),
    );
  });
});
