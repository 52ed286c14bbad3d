import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import { chunk, decode, failure, head, ofType, stop, typesOf } from '../support/chat-chunks.ts';

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

  it.each([
    ['content in parts', chunk({ content: [{ type: 'text', text: 'a' }] })],
    ['a message in place of a delta', chunk({}, { delta: undefined, message: { content: 'a' } })],
    ['the text of a completion', chunk({}, { delta: undefined, text: 'a' })],
    ['arguments that are no text', chunk({ tool_calls: [{ index: 0, function: { name: 'f', arguments: { a: 1 } } }] })],
  ])('%s is written anew', (_title, data) => {
    expect(new ChatStreamDecoder().frame('', data).irregular).toBe(true);
    expect(new ChatStreamDecoder().frame('', chunk({ content: 'a' })).irregular).toBeUndefined();
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

  it.each<readonly [string, (text: string) => Record<string, unknown>]>([
    ['its details', (text) => ({ reasoning: text, reasoning_details: [{ type: 'reasoning.text', text }] })],
    ['a summary', (text) => ({ reasoning: text, reasoning_details: [{ type: 'reasoning.summary', summary: text }] })],
    ['two spellings', (text) => ({ reasoning: text, reasoning_content: text })],
  ])(
    'are not given to a frame that says its text again in %s: there it would stay when the text is masked',
    (_way, delta) => {
      const texts = textFrames(...['a', 'b', 'c', 'c'].map((text) => chunk(delta(text))), stop);
      expect(texts.map(({ text }) => text)).toEqual(['a', 'b', 'c', 'c']);
      expect(texts.map((event) => (event as AnswerEvent).template)).toEqual(texts.map(() => undefined));
    },
  );
});
