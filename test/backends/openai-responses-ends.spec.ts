import { describe, expect, it } from '@jest/globals';
import { decodeResponseBody } from '../../src/backends/openai-responses/decode-body.ts';
import { ResponsesStreamDecoder } from '../../src/backends/openai-responses/stream-decoder.ts';
import { completed, created, decode, finishOf, frame, response, text, type Json } from './openai-responses/frames.ts';

describe('the end', () => {
  it.each<readonly [string, Json, unknown]>([
    [
      'length',
      { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } },
      { unified: 'length', raw: 'max_output_tokens' },
    ],
    [
      'a filter',
      { status: 'incomplete', incomplete_details: { reason: 'content_filter' } },
      { unified: 'content_filter', raw: 'content_filter' },
    ],
    ['nothing', {}, { unified: 'stop', raw: 'incomplete' }],
  ])('%s', (title, fields, reason) => {
    const events = decode([created, text('a'), frame('incomplete', { response: { ...response, ...fields } })]);
    expect(finishOf(events)).toEqual(title === 'nothing' ? { unified: 'length', raw: 'incomplete' } : reason);
    expect(events).toContainEqual({ type: 'block.end', blockId: 'b0', incomplete: true });
  });

  it('of the stream is the end of the response: what follows is dropped', () => {
    const decoder = new ResponsesStreamDecoder();
    decoder.frame('', completed());
    expect(decoder.terminated).toBe(true);
    expect(decoder.frame('', '[DONE]').events).toEqual([]);
    expect(decoder.frame('', created).events).toEqual([]);
    expect(decoder.end()).toEqual([]);
  });

  it.each<readonly [string, readonly string[]]>([
    ['a cut stream', [created, text('a')]],
    ['a stream that ends with [DONE] alone', [created, text('a'), '[DONE]']],
    ['no frame', []],
  ])('%s is truncated', (_title, frames) => {
    expect(() => decode(frames)).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
  });

  it('of a response that works on in the background is a pause', () => {
    const body = JSON.stringify({ ...response, status: 'queued', background: true });
    expect(finishOf(decodeResponseBody(body, true))).toEqual({ unified: 'pause', raw: 'queued' });
  });

  it('brings the verdicts of filters', () => {
    const filters = [
      { blocked: false, source_type: 'prompt' },
      { blocked: true, source_type: 'completion' },
    ];
    const events = decode([created, completed({ content_filters: filters })]);
    expect(events.filter((event) => event.type === 'safety')).toEqual([
      { type: 'safety', scope: 'prompt', verdicts: [filters[0]], blocked: false },
      { type: 'safety', scope: 'completion', verdicts: [filters[1]], blocked: true },
    ]);
  });
});

describe('errors', () => {
  const failed = (error: unknown): string => frame('failed', { response: { ...response, status: 'failed', error } });

  it.each<readonly [string, string, string, string]>([
    ['flat: the request', '', '{"type":"error","code":"invalid_prompt","message":"bad"}', 'UPSTREAM_REJECTED'],
    ['flat', '', '{"type":"error","code":"server_error","message":"boom","param":null}', 'UPSTREAM_ERROR'],
    [
      'nested',
      '',
      '{"type":"error","error":{"type":"insufficient_quota","code":"insufficient_quota","message":"m"}}',
      'UPSTREAM_RATE_LIMITED',
    ],
    ['by the name of the event', 'error', '{"message":"boom"}', 'UPSTREAM_ERROR'],
    [
      'of the request, by the name of the event',
      'error',
      '{"type":"error","code":"invalid_prompt"}',
      'UPSTREAM_REJECTED',
    ],
    ['no JSON, by the name of the event', 'error', 'boom', 'UPSTREAM_ERROR'],
    ['nested without end', 'error', '['.repeat(100_000), 'UPSTREAM_ERROR'],
    ['without a type', '', '{"error":{"message":"boom","code":"rate_limit_exceeded"}}', 'UPSTREAM_RATE_LIMITED'],
    ['failed', '', failed({ code: 'server_error', message: 'boom' }), 'UPSTREAM_ERROR'],
    ['failed: rate limit', '', failed({ code: 'rate_limit_exceeded', message: 'slow' }), 'UPSTREAM_RATE_LIMITED'],
    ['failed: the request', '', failed({ code: 'invalid_prompt', message: 'bad prompt' }), 'UPSTREAM_REJECTED'],
    ['failed: a picture', '', failed({ code: 'image_too_large', message: 'large' }), 'UPSTREAM_REJECTED'],
    ['failed without a reason', '', failed(null), 'UPSTREAM_ERROR'],
    ['failed without a response', '', frame('failed'), 'UPSTREAM_ERROR'],
    ['cancelled', '', frame('cancelled', { response }), 'UPSTREAM_ERROR'],
    ['completed as failed', '', completed({ status: 'failed' }), 'UPSTREAM_ERROR'],
    ['no JSON', '', '{"type":', 'UPSTREAM_BAD_FRAME'],
    ['no object', '', '[]', 'UPSTREAM_BAD_FRAME'],
    ['an item that is none', '', frame('output_item.added', { item: 1 }), 'UPSTREAM_BAD_FRAME'],
    ['a response that is none', '', frame('completed', { response: null }), 'UPSTREAM_BAD_FRAME'],
  ])('%s', (_title, event, data, code) => {
    const decoder = new ResponsesStreamDecoder();
    decoder.frame('', created);
    expect(() => decoder.frame(event, data)).toThrow(expect.objectContaining({ code }));
  });

  it.each([
    ['{"error":{"message":"m","type":"invalid_request_error"}}', 'UPSTREAM_REJECTED'],
    ['{"object":"response","status":"failed","error":{"code":"server_error"}}', 'UPSTREAM_ERROR'],
    ['{"choices":[]}', 'UPSTREAM_BAD_CONTENT'],
    ['<html>', 'UPSTREAM_BAD_CONTENT'],
  ])('in a document: %s', (body, code) => {
    expect(() => decodeResponseBody(body, false)).toThrow(expect.objectContaining({ code }));
  });
});
