import { describe, expect, it } from '@jest/globals';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import type { Backend } from '../../src/kernel/component.ts';
import { TestClock } from '../support/test-clock.ts';

const defaults = {
  baseUrl: 'https://api.example/v1',
  model: 'm-1',
  includeUsage: true,
  maxTokensField: 'max_completion_tokens',
} as const;
const build = (): Backend => openaiChatBackend.create(defaults, { clock: new TestClock() });

describe('an error status', () => {
  const error = (status: number, body: unknown = '', headers: Record<string, string> = {}) =>
    build().decodeError({ status, headers }, typeof body === 'string' ? body : JSON.stringify(body));

  it.each([
    [429, 'UPSTREAM_RATE_LIMITED'],
    [401, 'UPSTREAM_AUTH'],
    [403, 'UPSTREAM_AUTH'],
    [503, 'UPSTREAM_OVERLOADED'],
    [529, 'UPSTREAM_OVERLOADED'],
    [500, 'UPSTREAM_5XX'],
    [502, 'UPSTREAM_5XX'],
    [400, 'UPSTREAM_REJECTED'],
    [404, 'UPSTREAM_REJECTED'],
    [413, 'UPSTREAM_REJECTED'],
    [422, 'UPSTREAM_REJECTED'],
    [402, 'UPSTREAM_ERROR'],
    [408, 'UPSTREAM_ERROR'],
  ])('%i is %s', (status, code) => {
    expect(error(status, { error: { message: 'm' } }).code).toBe(code);
  });

  it.each([
    ['{"error":{"message":"Unknown model"}}', 'Unknown model'],
    ['{"error":"Unknown model"}', 'Unknown model'],
    ['{"object":"error","message":"Unknown model"}', 'Unknown model'],
    ['{"detail":[{"loc":["body","messages"],"msg":"field required"}]}', 'body.messages: field required'],
    ['{"detail":"Unknown model"}', 'Unknown model'],
    ['{"error":{"message":"Bad\\u0000 key sk-abcdefgh12345"}}', 'Bad key [redacted]'],
    [`{"error":{"message":"${'x'.repeat(5_000)}"}}`, 'x'.repeat(500)],
    ['{}', 'it gave no reason'],
    ['', 'it gave no reason'],
  ])('the reason of %s', (body, reason) => {
    expect(error(422, body)).toMatchObject({ code: 'UPSTREAM_REJECTED', status: 422, details: { reason } });
  });

  it.each([
    [{ 'retry-after-ms': '1500' }, 1.5],
    [{ 'retry-after': '20' }, 20],
    [{ 'retry-after': 'soon' }, undefined],
    [{}, undefined],
  ])('%j', (headers, seconds) => {
    expect(error(429, '', headers as Record<string, string>).retryAfterSeconds).toBe(seconds);
  });

  it('reads a date with the clock', () => {
    const clock = new TestClock();
    const date = new Date(Math.ceil(clock.wallTime() / 1_000) * 1_000 + 30_000).toUTCString();
    const backend = openaiChatBackend.create(defaults, { clock });
    const seconds = backend.decodeError({ status: 503, headers: { 'retry-after': date } }, '').retryAfterSeconds ?? 0;
    expect(seconds).toBeGreaterThanOrEqual(30);
    expect(seconds).toBeLessThanOrEqual(31);
    const past = new Date(clock.wallTime() - 60_000).toUTCString();
    expect(backend.decodeError({ status: 503, headers: { 'retry-after': past } }, '').retryAfterSeconds).toBe(0);
  });

  it('with a page points at the address, but a busy gateway stays busy', () => {
    expect(error(404, '<!doctype html><p>Not here', { 'content-type': 'text/html' })).toMatchObject({
      code: 'UPSTREAM_BAD_CONTENT',
    });
    expect(error(502, '<html>Bad gateway</html>', { 'content-type': 'text/html' })).toMatchObject({
      code: 'UPSTREAM_5XX',
    });
  });

  it("keeps the provider's words for the log, short and clean", () => {
    const { context, message } = error(500, { error: { message: `leak sk-abcdefgh12345\n${'y'.repeat(2_000)}` } });
    expect(String(context['upstreamMessage'])).toMatch(/^leak \[redacted\] y+$/);
    expect(String(context['upstreamMessage']).length).toBeLessThanOrEqual(512);
    expect(message).not.toContain('leak');
  });
});
