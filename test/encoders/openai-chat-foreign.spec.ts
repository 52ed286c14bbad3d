import { describe, expect, it } from '@jest/globals';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';
import { anthropic, block, call, finish, meta, say, sign, text, write, type Json } from '../support/foreign-answer.ts';
import { testRun } from '../support/test-run.ts';

const detail = (index: number, fields: Json): Json => ({ type: 'reasoning.text', format: anthropic, index, ...fields });

describe('an answer of a provider of another format', () => {
  it.each<readonly [string, readonly AnswerEvent[], Json, readonly string[]]>([
    ['texts', [...text('a', 'b'), ...text('c'), finish()], { content: 'abc' }, []],
    [
      'reasoning without proof',
      [...block('reasoning', {}, say('r1'), say('r2')), ...text('a'), finish()],
      { reasoning_content: 'r1r2', content: 'a' },
      [],
    ],
    [
      'interleaved reasoning, each with its proof',
      [
        ...block('reasoning', {}, say('r'), say('1'), sign('s1')),
        ...call('x'),
        ...block('reasoning', {}, say('r2'), sign('s2')),
        ...text('a'),
        finish(),
      ],
      {
        reasoning_content: 'r1r2',
        reasoning_details: [detail(0, { text: 'r1', signature: 's1' }), detail(1, { text: 'r2', signature: 's2' })],
        content: 'a',
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      [],
    ],
    [
      'reasoning of which only some is proven',
      [
        ...block('reasoning', {}, say('r1')),
        ...block('reasoning', {}, say('r2'), sign('s2')),
        ...block('reasoning', {}, say('r3')),
        finish(),
      ],
      {
        reasoning_content: 'r1r2r3',
        reasoning_details: [
          { type: 'reasoning.text', text: 'r1', index: 0 },
          detail(1, { text: 'r2', signature: 's2' }),
          { type: 'reasoning.text', text: 'r3', index: 2 },
        ],
      },
      [],
    ],
    [
      'redacted reasoning',
      [...block('reasoning_redacted', {}, sign('x', anthropic, true)), ...text('a'), finish()],
      {
        reasoning_details: [{ type: 'reasoning.encrypted', data: 'x', format: anthropic, index: 0 }],
        content: 'a',
      },
      [],
    ],
    [
      'summaries, and what they are made of, encrypted',
      [
        ...block('reasoning_summary', {}, say('s'), sign('x', 'openai-responses', true)),
        ...block('reasoning', {}, sign('y', 'openai-responses', true)),
        finish(),
      ],
      {
        reasoning_content: 's',
        reasoning_details: [
          { type: 'reasoning.summary', summary: 's', data: 'x', format: 'openai-responses', index: 0 },
          { type: 'reasoning.encrypted', data: 'y', format: 'openai-responses', index: 1 },
        ],
      },
      [],
    ],
    [
      'proofs of Gemini, which stand before what they belong to',
      [
        ...block('reasoning', {}, sign('g0', 'gemini')),
        ...text('a'),
        ...block('reasoning', {}, sign('g1', 'gemini')),
        ...call('x'),
        ...block('reasoning', {}, sign('g2', 'gemini')),
        finish(),
      ],
      {
        content: 'a',
        reasoning_details: [
          detail(0, { signature: 'g0', format: 'gemini' }),
          detail(1, { signature: 'g1', format: 'gemini', id: 'x' }),
          detail(2, { signature: 'g2', format: 'gemini' }),
        ],
        tool_calls: [{ id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      [],
    ],
    [
      'sources on the web, and others',
      [
        ...block(
          'text',
          {},
          say('a'),
          {
            type: 'annotation',
            annotation: { x: 1 },
            dialect: anthropic,
            url: 'https://e.example',
            title: 'T',
            start: 0,
            end: 1,
          },
          { type: 'annotation', annotation: { page: 3 }, dialect: anthropic },
        ),
        finish(),
      ],
      {
        content: 'a',
        annotations: [
          {
            type: 'url_citation',
            url_citation: { url: 'https://e.example', title: 'T', start_index: 0, end_index: 1 },
          },
        ],
      },
      ['answer.citations'],
    ],
    [
      'a picture in pieces, and one by address',
      [
        ...block(
          'image',
          {},
          { type: 'media.delta', mediaType: 'image/webp', base64: 'AA' },
          { type: 'media.delta', base64: 'BB' },
        ),
        ...block('image', {}, { type: 'media.delta', url: 'https://e.example/a.png' }),
        finish(),
      ],
      {
        images: [
          { type: 'image_url', image_url: { url: 'data:image/webp;base64,AABB' } },
          { type: 'image_url', image_url: { url: 'https://e.example/a.png' } },
        ],
      },
      [],
    ],
    [
      'a file',
      [
        ...block('file', {}, { type: 'media.delta', mediaType: 'application/pdf', base64: 'AA' }),
        ...text('a'),
        finish(),
      ],
      { content: 'a' },
      ['answer.media'],
    ],
    [
      'tools that the provider ran, and its verdicts',
      [
        ...block('server_tool_call', { name: 'web_search', initial: {} }, { type: 'toolArgs.delta', json: '{}' }),
        ...block('server_tool_result', { initial: {} }),
        ...block('compaction', { initial: {} }),
        ...block('unknown', { initial: {} }),
        ...text('a'),
        { type: 'safety', scope: 'completion', verdicts: [{}] },
        finish(),
      ],
      { content: 'a' },
      ['answer.server_tools', 'answer.compaction', 'answer.unknown_blocks', 'answer.safety'],
    ],
    [
      'the sequence that ended it',
      [...text('a'), finish({ stopSequence: 'END' })],
      { content: 'a' },
      ['answer.stop_sequence'],
    ],
    [
      'a pause',
      [...text('a'), finish({ reason: { unified: 'pause', raw: 'pause_turn' } })],
      { content: 'a' },
      ['answer.pause'],
    ],
    [
      'a refusal without words of its own',
      [finish({ reason: { unified: 'refusal' }, refusal: { category: 'c', explanation: 'no' } })],
      { refusal: 'no' },
      ['answer.refusal_details'],
    ],
  ])('%s', (_title, events, message, lost) => {
    const { streamed, whole, lost: named } = write(events);
    expect(streamed).toEqual({ role: 'assistant', ...message });
    expect(whole).toEqual({ role: 'assistant', ...message });
    expect([...named].sort()).toEqual([...lost].sort());
  });

  it('with audio in pieces', () => {
    const events = block('audio', {}, { type: 'media.delta', base64: 'AA' }, { type: 'media.delta', base64: 'BB' });
    const { streamed, whole, lost } = write([...events, finish()], 'gemini');
    const audio = { id: expect.stringMatching(/^audio_run-1_/), data: 'AABB', transcript: '' };
    expect([streamed['audio'], whole['audio']]).toEqual([audio, audio]);
    expect(lost).toEqual([]);
  });

  it('has an id for a call without one, and its proof names it', () => {
    const { id: _id, ...nameless } = { id: 0, name: 'f' };
    const events = [
      ...block('reasoning', {}, sign('g', 'gemini')),
      ...block('tool_call', nameless, { type: 'toolArgs.delta', json: '{}' }),
      finish(),
    ];
    for (const message of Object.values(write(events)).slice(0, 2) as Json[])
      expect(message).toMatchObject({
        reasoning_details: [{ id: 'call_run-1_0' }],
        tool_calls: [{ id: 'call_run-1_0' }],
      });
  });

  it('counts its tokens as a client of this format does', () => {
    const { run } = testRun();
    const stream = openaiChatEncoder
      .create({}, {})
      .open(encodeContext(chatRequest({ settings: { includeUsage: true } }), run));
    stream.encode(meta(anthropic));
    stream.encode({
      type: 'usage',
      input: { total: 12, noCache: 2, cacheRead: 4, cacheWrite: 6 },
      output: { total: 7, reasoning: 3 },
      raw: { input_tokens: 2, output_tokens: 7 },
    });
    expect(stream.end()).toContain(
      '"usage":{"prompt_tokens":12,"completion_tokens":7,"total_tokens":19,"prompt_tokens_details":{"cached_tokens":4,"cache_write_tokens":6},"completion_tokens_details":{"reasoning_tokens":3}}',
    );
  });
});
