import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  type Json,
  meta,
  start,
  say,
  end,
  sign,
  finish,
  open,
  read,
  write,
  typesOf,
  finalOf,
  outputOf,
} from '../support/response-events.ts';

describe('the end of an answer', () => {
  it.each([
    ['length', 'incomplete', { reason: 'max_output_tokens' }],
    ['content_filter', 'incomplete', { reason: 'content_filter' }],
    ['refusal', 'incomplete', { reason: 'content_filter' }],
    ['error', 'failed', null],
    ['pause', 'completed', null],
    ['tool_calls', 'completed', null],
  ] as const)('%s is %s', (unified, status, details) => {
    const events = write([meta(), start('a', 'text'), say('a', 'Hm'), end('a'), finish(unified)]);
    expect(events.at(-1)).toMatchObject({
      type: `response.${status}`,
      response: { status, incomplete_details: details, error: status === 'failed' ? { code: 'server_error' } : null },
    });
  });

  it('that was cut short shows at its last item', () => {
    const events = write([
      start('a', 'text'),
      say('a', 'x'),
      end('a'),
      start('b', 'tool_call'),
      end('b'),
      finish('length'),
    ]);
    expect(outputOf(events).map(({ status }) => status)).toEqual(['completed', 'incomplete']);
  });

  it('as a refusal has its words', () => {
    const block = write([start('a', 'refusal'), say('a', 'I '), say('a', "can't"), end('a'), finish('refusal')]);
    expect(typesOf(block).slice(3, 8)).toEqual([
      'content_part.added',
      'refusal.delta',
      'refusal.delta',
      'refusal.done',
      'content_part.done',
    ]);
    expect(finalOf(block)).toMatchObject({ status: 'completed', output: [{ content: [{ refusal: "I can't" }] }] });
    const told = write([
      start('a', 'text'),
      say('a', 'x'),
      end('a'),
      finish('refusal', { refusal: { explanation: 'no' } }),
    ]);
    expect(finalOf(told)).toMatchObject({
      status: 'completed',
      output: [{ content: [{ text: 'x' }, { type: 'refusal', refusal: 'no' }] }],
    });
  });
});

describe('a failure', () => {
  it('is an error event and the whole response as failed, and nothing after it', () => {
    const stream = open();
    const bytes = [meta(), start('a', 'text'), say('a', 'Hm')].map((event) => stream.encode(event)).join('');
    const events = read(bytes + stream.fail(new SluiceError('UPSTREAM_RATE_LIMITED')));
    expect(typesOf(events).slice(-2)).toEqual(['error', 'failed']);
    const error = { code: 'rate_limit_exceeded', message: 'The model provider limits the rate of requests.' };
    expect(events.at(-2)).toMatchObject({ ...error, param: null, error: { ...error, type: 'rate_limit_error' } });
    expect(finalOf(events)).toMatchObject({
      status: 'failed',
      error,
      output: [{ status: 'incomplete', content: [{ text: 'Hm' }] }],
    });
  });

  it('before anything else begins the response', () => {
    expect(typesOf(read(open().fail(new SluiceError('UPSTREAM_STALLED'))))).toEqual([
      'created',
      'in_progress',
      'error',
      'failed',
    ]);
  });
});

describe('what the format can say of other providers', () => {
  it('are citations of pages, in code points', () => {
    const cite = (more: Json): AnswerEvent => ({ type: 'annotation', blockId: 'a', annotation: {}, ...more });
    const lost: string[] = [];
    const events = write(
      [
        meta(),
        start('a', 'text'),
        say('a', '😀é page'),
        cite({ url: 'https://e.com', title: 'E', start: 0, end: 6, unit: 'byte' }),
        cite({ url: 'https://e.com', start: 2, end: 3 }),
        cite({ url: 'https://e.com' }),
        cite({ citedText: 'a book' }),
        end('a'),
      ],
      lost,
    );
    expect(outputOf(events)).toMatchObject([
      {
        content: [
          {
            annotations: [
              { type: 'url_citation', start_index: 0, end_index: 2, url: 'https://e.com', title: 'E' },
              { type: 'url_citation', start_index: 1, end_index: 2, url: 'https://e.com', title: 'https://e.com' },
              { type: 'url_citation', start_index: 7, end_index: 7, url: 'https://e.com', title: 'https://e.com' },
            ],
          },
        ],
      },
    ]);
    expect(events.filter(({ type }) => type === 'response.output_text.annotation.added')).toHaveLength(3);
    expect(lost).toEqual(['answer.citations']);
  });

  it('are pictures', () => {
    const events = write([
      meta('gemini'),
      start('a', 'image', { mediaType: 'image/png' }),
      { type: 'media.delta', blockId: 'a', base64: 'AA' },
      { type: 'media.delta', blockId: 'a', base64: 'BB' },
      end('a'),
      start('b', 'image', { initial: { type: 'image_url', image_url: { url: 'data:image/webp;base64,CC' } } }),
      end('b'),
    ]);
    const picture = { type: 'image_generation_call', status: 'completed' };
    expect(outputOf(events)).toEqual([
      { ...picture, id: 'ig_run-1_0', result: 'AABB', output_format: 'png' },
      { ...picture, id: 'ig_run-1_1', result: 'CC', output_format: 'webp' },
    ]);
  });

  it('are log probabilities', () => {
    const entry = { token: 'x', logprob: -1, bytes: null, top_logprobs: [] };
    const events = write([
      meta('openai-chat'),
      start('a', 'text'),
      say('a', 'x', { logprobs: { content: [entry] } }),
      end('a'),
    ]);
    expect(outputOf(events)).toMatchObject([{ content: [{ logprobs: [entry] }] }]);
  });

  it.each([
    ['server_tool_call', 'answer.server_tools'],
    ['server_tool_result', 'answer.server_tools'],
    ['audio', 'answer.media'],
    ['image', 'answer.media'],
    ['compaction', 'answer.compaction'],
    ['unknown', 'answer.unknown_blocks'],
  ] as const)('is no %s: that is lost as %s', (kind, what) => {
    const lost: string[] = [];
    expect(outputOf(write([meta(), start('a', kind, { initial: { type: 'x' } }), end('a')], lost))).toEqual([]);
    expect(lost).toEqual([what]);
  });

  it.each([
    [[start('a', 'text', { choice: 1 }), say('a', 'x'), end('a')], 'answer.choices'],
    [[finish('stop', { stopSequence: '###' })], 'answer.stop_sequence'],
    [[finish('pause')], 'answer.pause'],
    [[{ type: 'safety', scope: 'prompt', verdicts: [{}] }], 'answer.safety'],
    [[start('a', 'text'), sign('a', 'x', 'gemini'), end('a')], 'answer.signature'],
  ] as readonly (readonly [readonly AnswerEvent[], string])[])('%# is lost with a word', (events, what) => {
    const lost: string[] = [];
    expect(outputOf(write([meta(), ...events], lost)).length).toBeLessThan(2);
    expect(lost).toEqual([what]);
  });
});
