import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { escapeJsonText } from '../../src/kernel/json-text.ts';

type Json = Record<string, unknown>;
const head = { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'm' };
const chunk = (delta: Json, rest: Json = {}, top: Json = {}): string =>
  JSON.stringify({ ...head, choices: [{ index: 0, delta, finish_reason: null, ...rest }], ...top });
const stop = chunk({}, { finish_reason: 'stop' });

function decode(...frames: readonly string[]): AnswerEvent[] {
  const decoder = new ChatStreamDecoder();
  const order = new EventOrder();
  const events = [...frames.flatMap((data) => decoder.frame('', data).events), ...decoder.end()];
  for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
  return events;
}
function failure(...frames: readonly string[]): { code: string; message: string; status: number } {
  try {
    decode(...frames);
  } catch (error) {
    return error as { code: string; message: string; status: number };
  }
  throw new Error('nothing was thrown');
}
function blocksOf(events: readonly AnswerEvent[], choice = 0): readonly unknown[] {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return (fold.answer.choices.find(({ index }) => index === choice)?.blocks ?? []).map(
    ({ kind, text, arguments: json, start }) =>
      kind.endsWith('tool_call') ? { kind, name: start.name, id: start.callId, json } : { kind, text },
  );
}
const typesOf = (events: readonly AnswerEvent[]): readonly string[] => events.map(({ type }) => type);
const ofType = <T extends AnswerEvent['type']>(events: readonly AnswerEvent[], type: T): readonly EventOfType<T>[] =>
  events.filter((event): event is EventOfType<T> & AnswerEvent => event.type === type);

describe('a plain stream', () => {
  it('becomes metadata, one block, finish and usage', () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 2,
      total_tokens: 7,
      prompt_tokens_details: { cached_tokens: 3 },
      completion_tokens_details: { reasoning_tokens: 1 },
    };
    const events = decode(
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'Hi' }),
      stop,
      JSON.stringify({ ...head, choices: [], usage }),
      '[DONE]',
    );
    expect(events).toEqual([
      { type: 'response.meta', responseId: 'c1', model: 'm', created: 1, provider: 'openai-chat', role: 'assistant' },
      { type: 'block.start', blockId: 'b0', kind: 'text', role: 'assistant', index: 0 },
      { type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'Hi' },
      { type: 'block.end', blockId: 'b0' },
      { type: 'finish', reason: { unified: 'stop', raw: 'stop' } },
      {
        type: 'usage',
        input: { total: 5, noCache: 2, cacheRead: 3 },
        output: { total: 2, reasoning: 1 },
        total: 7,
        final: true,
        raw: usage,
      },
    ]);
  });
});

describe('deviations of compatible providers', () => {
  it.each<readonly [string, readonly string[], readonly unknown[]]>([
    ['no role at all', [chunk({ content: 'a' }), stop], [{ kind: 'text', text: 'a' }]],
    ['no content at all', [chunk({ role: 'assistant' }), stop], [{ kind: 'text', text: '' }]],
    [
      'null fields',
      [
        chunk(
          {
            role: null,
            content: 'a',
            refusal: null,
            tool_calls: null,
            function_call: null,
            reasoning: null,
            audio: null,
          },
          { logprobs: null },
          { usage: null },
        ),
        stop,
      ],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'reasoning_content',
      [chunk({ content: null, reasoning_content: 'r' }), chunk({ content: 'a', reasoning_content: null }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'reasoning',
      [chunk({ reasoning: 'r', content: '' }), chunk({ content: 'a' }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    [
      'reasoning that comes back',
      [chunk({ reasoning: 'r' }), chunk({ content: 'a' }), chunk({ reasoning: 's' }), chunk({ content: 'b' }), stop],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'ab' },
        { kind: 'reasoning', text: 's' },
      ],
    ],
    [
      'reasoning said twice',
      [chunk({ reasoning: 'r', reasoning_details: [{ type: 'reasoning.text', text: 'r', index: 0 }] }), stop],
      [{ kind: 'reasoning', text: 'r' }],
    ],
    [
      'reasoning in details only',
      [chunk({ content: '', reasoning_details: [{ type: 'reasoning.text', text: 'r' }] }), stop],
      [{ kind: 'reasoning', text: 'r' }],
    ],
    [
      'a list as content',
      [
        chunk({
          content: [
            { type: 'thinking', thinking: [{ type: 'text', text: 'r' }] },
            { type: 'text', text: 'a' },
          ],
        }),
        stop,
      ],
      [
        { kind: 'reasoning', text: 'r' },
        { kind: 'text', text: 'a' },
      ],
    ],
    ['a refusal', [chunk({ refusal: 'no' }), stop], [{ kind: 'refusal', text: 'no' }]],
    [
      'a message in place of a delta',
      [
        JSON.stringify({
          ...head,
          choices: [{ index: 0, message: { role: 'assistant', content: 'a' }, finish_reason: 'stop' }],
        }),
      ],
      [{ kind: 'text', text: 'a' }],
    ],
    [
      'the cumulative message beside the delta',
      [
        chunk({ content: 'a' }, { message: { content: 'a' } }),
        chunk({ content: 'b' }, { message: { content: 'ab' } }),
        stop,
      ],
      [{ kind: 'text', text: 'ab' }],
    ],
    [
      'a tool call without index',
      [chunk({ tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{}' } }] }, { finish_reason: 'tool_calls' })],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: '{}' }],
    ],
    [
      'two tool calls without index',
      [
        chunk({ tool_calls: [{ id: 'x', function: { name: 'f', arguments: '{' } }] }),
        chunk({ tool_calls: [{ id: 'y', function: { name: 'g', arguments: '[' } }] }),
        chunk({ tool_calls: [{ id: 'x', function: { arguments: '}' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: '{}' },
        { kind: 'tool_call', name: 'g', id: 'y', json: '[' },
      ],
    ],
    [
      'parallel tool calls that all have index 0',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '1' } }] }),
        chunk({ tool_calls: [{ index: 0, id: 'y', function: { name: 'g', arguments: '2' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: '1' },
        { kind: 'tool_call', name: 'g', id: 'y', json: '2' },
      ],
    ],
    [
      'interleaved fragments',
      [
        chunk({
          tool_calls: [
            { index: 0, id: 'x', function: { name: 'f', arguments: '' } },
            { index: 1, id: 'y', function: { name: 'g', arguments: '' } },
          ],
        }),
        chunk({ tool_calls: [{ index: 1, function: { arguments: 'b' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { arguments: 'a' } }] }),
        stop,
      ],
      [
        { kind: 'tool_call', name: 'f', id: 'x', json: 'a' },
        { kind: 'tool_call', name: 'g', id: 'y', json: 'b' },
      ],
    ],
    [
      'arguments before the name',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { arguments: 'a' } }] }),
        chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: 'b' } }] }),
        stop,
      ],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: 'ab' }],
    ],
    [
      'arguments as an object',
      [chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: { a: 1 } } }] }), stop],
      [{ kind: 'tool_call', name: 'f', id: 'x', json: '{"a":1}' }],
    ],
    [
      'a custom tool call',
      [
        chunk({ tool_calls: [{ index: 0, id: 'x', type: 'custom', custom: { name: 'f', input: 'a' } }] }),
        chunk({ tool_calls: [{ index: 0, custom: { input: 'b' } }] }),
        stop,
      ],
      [{ kind: 'custom_tool_call', name: 'f', id: 'x', json: 'ab' }],
    ],
    [
      'a legacy function call',
      [
        chunk({ function_call: { name: 'f', arguments: '{' } }),
        chunk({ function_call: { arguments: '}' } }),
        chunk({}, { finish_reason: 'function_call' }),
      ],
      [{ kind: 'tool_call', name: 'f', id: undefined, json: '{}' }],
    ],
    [
      'text around a tool call',
      [
        chunk({ content: 'sec' }),
        chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '' } }] }),
        chunk({ content: 'ret' }),
        stop,
      ],
      [
        { kind: 'text', text: 'secret' },
        { kind: 'tool_call', name: 'f', id: 'x', json: '' },
      ],
    ],
  ])('%s', (_title, frames, blocks) => {
    expect(blocksOf(decode(...frames))).toEqual(blocks);
  });

  it('several choices interleave', () => {
    const of = (index: number, content: string, reason: string | null = null): string =>
      JSON.stringify({ ...head, choices: [{ index, delta: { content }, finish_reason: reason }] });
    const events = decode(of(0, 'a'), of(1, 'x'), of(0, 'b'), of(1, 'y', 'length'), of(0, 'c', 'stop'), '[DONE]');
    expect([blocksOf(events, 0), blocksOf(events, 1)]).toEqual([
      [{ kind: 'text', text: 'abc' }],
      [{ kind: 'text', text: 'xy' }],
    ]);
    expect(ofType(events, 'finish').map(({ choice = 0, reason }) => [choice, reason.unified])).toEqual([
      [1, 'length'],
      [0, 'stop'],
    ]);
  });

  it('usage may come under x_groq, in every frame, or with the finish reason', () => {
    const usage = { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 };
    expect(
      ofType(decode(stop, JSON.stringify({ ...head, choices: [], x_groq: { id: 'q', usage } })), 'usage'),
    ).toHaveLength(1);
    expect(
      ofType(
        decode(chunk({ content: 'a' }, {}, { usage }), chunk({ content: 'b' }, { finish_reason: 'stop' }, { usage })),
        'usage',
      ).map(({ final }) => final),
    ).toEqual([undefined, true]);
  });

  it('the id and the model stay those that came first', () => {
    const first = JSON.stringify({
      id: '',
      model: '',
      object: '',
      created: 0,
      choices: [],
      prompt_filter_results: [{ prompt_index: 0 }],
    });
    const events = decode(
      first,
      chunk({ content: 'a' }),
      chunk({ content: 'b' }, {}, { id: 'other', model: 'other' }),
      stop,
    );
    expect(ofType(events, 'response.meta').map(({ responseId, model }) => [responseId, model])).toEqual([
      [undefined, undefined],
      ['c1', 'm'],
    ]);
    expect(typesOf(events).slice(0, 2)).toEqual(['response.meta', 'safety']);
  });

  it('log probabilities go with their text, and the frame is not copied', () => {
    const logprobs = { content: [{ token: 'a', logprob: -1 }] };
    const decoder = new ChatStreamDecoder();
    decoder.frame('', chunk({ content: 'x' }));
    const frame = decoder.frame('', chunk({ content: 'a' }, { logprobs }));
    expect(frame).toEqual({
      transparent: false,
      events: [{ type: 'text.delta', blockId: 'b0', role: 'assistant', text: 'a', logprobs }],
    });
  });

  it('encrypted reasoning is a signature', () => {
    const detail = { type: 'reasoning.encrypted', format: 'f1', id: 'r', index: 0 };
    const events = decode(chunk({ reasoning: null, reasoning_details: [{ ...detail, data: 'AAA' }] }), stop);
    expect(ofType(events, 'reasoning.signature')).toMatchObject([
      {
        value: 'AAA',
        format: 'f1',
        encrypted: true,
        ext: { 'openai-chat': { choices: { delta: { reasoning_details: [detail] } } } },
      },
    ]);
  });

  it('filter results are an event when a filter saw something', () => {
    const quiet = { hate: { filtered: false, severity: 'safe' } };
    const loud = { hate: { filtered: true, severity: 'high' } };
    expect(ofType(decode(chunk({ content: 'a' }, { content_filter_results: quiet }), stop), 'safety')).toEqual([]);
    expect(
      ofType(
        decode(
          chunk({ content: 'a' }, { content_filter_results: loud }),
          chunk({}, { finish_reason: 'content_filter' }),
        ),
        'safety',
      ),
    ).toMatchObject([{ scope: 'completion', blocked: true, verdicts: [loud] }]);
  });
});

describe('unknown fields and events', () => {
  it('go with the events of their frame, in their places', () => {
    const events = decode(
      chunk({ content: 'a', channel: 'final' }, { native_finish_reason: 'x', token_ids: [1] }, { provider: 'P' }),
      stop,
    );
    expect(events[0]?.ext).toEqual({ 'openai-chat': { provider: 'P' } });
    expect(events[1]?.ext).toEqual({
      'openai-chat': { choices: { native_finish_reason: 'x', token_ids: [1], delta: { channel: 'final' } } },
    });
  });

  it.each([
    ['{"type":"vendor.ping"}', '{"type":"vendor.ping"}'],
    [chunk({ executed_tools: [{ index: 0 }] }), chunk({ executed_tools: [{ index: 0 }] })],
  ])('%s becomes a raw event where no other carries it', (data, expected) => {
    const decoder = new ChatStreamDecoder();
    decoder.frame('', chunk({ role: 'assistant', content: '' }));
    expect(decoder.frame('', data).events).toEqual([{ type: 'raw', dialect: 'openai-chat', data: expected }]);
  });
});

describe('the end', () => {
  it.each<readonly [string, readonly string[], unknown]>([
    [
      'the terminator, no reason',
      [chunk({ content: 'a' }), '[DONE]'],
      { reason: { unified: 'stop' }, synthetic: true },
    ],
    [
      'the terminator, no reason, a tool',
      [chunk({ tool_calls: [{ index: 0, id: 'x', function: { name: 'f', arguments: '{}' } }] }), '[DONE]'],
      { reason: { unified: 'tool_calls' }, synthetic: true },
    ],
    ['a reason, no terminator', [chunk({ content: 'a' }), stop], { reason: { unified: 'stop', raw: 'stop' } }],
    [
      'the terminator twice and more',
      [stop, '[DONE]', '[DONE]', 'garbage'],
      { reason: { unified: 'stop', raw: 'stop' } },
    ],
    ['nothing but the terminator', ['[DONE]'], { reason: { unified: 'stop' }, synthetic: true }],
  ])('%s', (_title, frames, finish) => {
    expect(ofType(decode(...frames), 'finish')).toEqual([{ type: 'finish', ...(finish as object) }]);
  });

  it.each<readonly [string, readonly string[]]>([
    ['nothing', []],
    ['neither reason nor terminator', [chunk({ content: 'a' })]],
    [
      'one of two choices',
      [
        JSON.stringify({
          ...head,
          choices: [
            { index: 0, delta: {}, finish_reason: 'stop' },
            { index: 1, delta: { content: 'a' } },
          ],
        }),
      ],
    ],
  ])('%s is a truncated answer', (_title, frames) => {
    expect(failure(...frames).code).toBe('UPSTREAM_TRUNCATED');
  });

  it('every cut of a stream is either complete or an error', () => {
    const frames = [
      chunk({ role: 'assistant', content: '' }),
      chunk({ content: 'a' }),
      chunk({ content: 'b' }),
      stop,
      '[DONE]',
    ];
    const outcomes = frames.map((_frame, count) => {
      try {
        return typesOf(decode(...frames.slice(0, count))).includes('finish');
      } catch {
        return 'error';
      }
    });
    expect(outcomes).toEqual(['error', 'error', 'error', 'error', true]);
  });
});

describe('errors inside a stream', () => {
  it.each([
    ['{"error":{"message":"busy","type":"rate_limit_error"}}', 'UPSTREAM_RATE_LIMITED'],
    ['{"error":{"message":"busy","code":429}}', 'UPSTREAM_RATE_LIMITED'],
    ['{"error":{"message":"busy","type":"overloaded_error"}}', 'UPSTREAM_OVERLOADED'],
    ['{"error":{"message":"no","type":"authentication_error"}}', 'UPSTREAM_AUTH'],
    ['{"error":{"message":"broken","type":"server_error"}}', 'UPSTREAM_ERROR'],
    ['{"error":{"message":"broken","code":502}}', 'UPSTREAM_5XX'],
    ['{"error":"something"}', 'UPSTREAM_ERROR'],
    ['{"object":"error","message":"bad","type":"BadRequestError","code":400}', 'UPSTREAM_REJECTED'],
    [chunk({ content: 'a' }, {}, { error: { code: 400, message: 'Token limit reached' } }), 'UPSTREAM_REJECTED'],
    ['not json at all with a secret', 'UPSTREAM_BAD_FRAME'],
    ['{"choices":[{"index":0,"delta":{"content":"sec', 'UPSTREAM_BAD_FRAME'],
    ['[]', 'UPSTREAM_BAD_FRAME'],
    ['{"choices":{}}', 'UPSTREAM_BAD_FRAME'],
    ['{"choices":[1]}', 'UPSTREAM_BAD_FRAME'],
    [`{"choices":[],"x":${'['.repeat(500)}${']'.repeat(500)}}`, 'UPSTREAM_BAD_FRAME'],
  ])('%s', (data, code) => {
    const error = failure(chunk({ content: 'a' }), data);
    expect(error.code).toBe(code);
    expect(error.message).not.toContain('sec');
  });

  it('an event named error is one, whatever its data is', () => {
    for (const data of ['{"error":{"message":"m","status_code":400}}', '{"message":"m"}', 'plain words']) {
      expect(() => new ChatStreamDecoder().frame('error', data)).toThrow(
        expect.objectContaining({ kind: expect.stringMatching(/upstream|invalid_request/) }),
      );
    }
  });
});

describe('frames that may go out as they are', () => {
  const transparent = (data: string, event = ''): boolean => {
    const decoder = new ChatStreamDecoder();
    decoder.frame('', chunk({ role: 'assistant', content: 'x' }));
    return decoder.frame(event, data).transparent;
  };

  it.each([
    [chunk({ content: 'a' }), true],
    [chunk({ content: 'a' }, { logprobs: null }, { usage: null, obfuscation: 'x1y2', system_fingerprint: 'fp' }), true],
    [chunk({ tool_calls: [{ index: 0, id: 'x', type: 'function', function: { name: 'f', arguments: '' } }] }), true],
    [chunk({ content: 'a' }, { content_filter_results: { hate: { filtered: false, severity: 'safe' } } }), true],
    [chunk({ content: 'a' }, {}, { provider: 'P', sla_metrics: { ttft_ms: 1 } }), true],
    [chunk({ content: 'a', thoughts: 'secret' }), false],
    [chunk({ content: 'a' }, { message: { content: 'secret' } }), false],
    [chunk({ content: 'a' }, { logprobs: { content: [{ token: 'secret' }] } }), false],
    [chunk({ content: 'a' }, {}, { citations: ['secret'] }), false],
    [chunk({ content: 'a' }, {}, { p: 'abcdefg' }), true],
    [chunk({ content: 'a' }, {}, { p: 'secret' }), false],
    [chunk({ content: 'a' }, {}, { id: 'other' }), false],
    [chunk({ reasoning: 'a', reasoning_content: 'b' }), false],
    [
      '{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"secret","content":"a"},"finish_reason":null}]}',
      false,
    ],
  ])('%s: %s', (data, expected) => {
    expect(transparent(data)).toBe(expected);
  });

  it('a frame with a name is not', () => {
    expect(transparent(chunk({ content: 'a' }), 'secret')).toBe(false);
  });
});

describe('templates', () => {
  function textFrames(...frames: readonly string[]): readonly EventOfType<'text.delta'>[] {
    return ofType(decode(...frames), 'text.delta') as readonly (EventOfType<'text.delta'> & AnswerEvent)[];
  }

  it('are given to frames that say nothing else, one object per shape', () => {
    const texts = textFrames(
      chunk({ role: 'assistant', content: 'a' }),
      chunk({ content: 'b' }),
      chunk({ content: 'c' }),
      chunk({ content: 'd' }, { finish_reason: 'stop' }),
    );
    const templates = texts.map((event) => (event as AnswerEvent).template);
    expect(templates[0]).toBeUndefined();
    expect(templates[1]).toEqual({
      dialect: 'openai-chat',
      before: `data: ${chunk({ content: '' }).split('""')[0] ?? ''}"`,
      after: `"${chunk({ content: '' }).split('""')[1] ?? ''}\n\n`,
    });
    expect(templates[2]).toBe(templates[1]);
    expect(templates[3]).toBeUndefined();
  });

  it('join to the frame again', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1 }), (pieces) => {
        const decoder = new ChatStreamDecoder();
        decoder.frame('', chunk({ role: 'assistant', content: 'first' }));
        for (const piece of pieces) {
          const data = chunk({ content: piece });
          const [event] = decoder.frame('', data).events;
          expect(event).toMatchObject({ type: 'text.delta', text: piece });
          if (event?.template === undefined) continue;
          expect(event.template.before + escapeJsonText(piece) + event.template.after).toBe(
            Buffer.from(`data: ${data}\n\n`).toString('latin1'),
          );
        }
      }),
    );
  });

  it('are not given to a frame with usage, log probabilities, another id or an unknown text', () => {
    const texts = textFrames(
      chunk({ content: 'a' }),
      chunk({ content: 'b' }, {}, { usage: { total_tokens: 1 } }),
      chunk({ content: 'c' }, { logprobs: { content: [] } }),
      chunk({ content: 'd' }, {}, { id: 'z' }),
      chunk({ content: 'e', more: 'x' }),
      stop,
    );
    expect(texts.map((event) => (event as AnswerEvent).template)).toEqual(texts.map(() => undefined));
  });
});
