import { describe, expect, it } from '@jest/globals';
import { geminiBackend } from '../../src/backends/gemini.ts';
import { failureFromEvent, failureInDocument } from '../../src/backends/gemini/provider-failure.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import { chunk, failure } from '../support/gemini-chunks.ts';
import { TestClock } from '../support/test-clock.ts';

type Json = Record<string, unknown>;

const backend = geminiBackend.create(
  { baseUrl: 'https://generativelanguage.googleapis.com', model: 'm' },
  { clock: new TestClock() },
);
const byStatus = (status: number, body: unknown, headers: Record<string, string> = {}): SluiceError =>
  backend.decodeError({ status, headers }, typeof body === 'string' ? body : JSON.stringify(body));
const complaint = (code: number, status: string, details: readonly Json[] = []): Json => ({
  error: { code, message: 'because', status, details },
});
const retryInfo = { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '48.5s' };
const badKey = { '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: 'API_KEY_INVALID' };

describe('an error status', () => {
  it.each([
    [400, 'INVALID_ARGUMENT', 'UPSTREAM_REJECTED'],
    [401, 'UNAUTHENTICATED', 'UPSTREAM_AUTH'],
    [403, 'PERMISSION_DENIED', 'UPSTREAM_AUTH'],
    [404, 'NOT_FOUND', 'UPSTREAM_REJECTED'],
    [429, 'RESOURCE_EXHAUSTED', 'UPSTREAM_RATE_LIMITED'],
    [500, 'INTERNAL', 'UPSTREAM_5XX'],
    [503, 'UNAVAILABLE', 'UPSTREAM_OVERLOADED'],
    [504, 'DEADLINE_EXCEEDED', 'UPSTREAM_5XX'],
  ])('%i %s', (code, word, expected) => {
    expect(byStatus(code, complaint(code, word)).code).toBe(expected);
    expect(byStatus(code, [complaint(code, word)]).code).toBe(expected);
  });

  it('a request that is to blame hears the reason', () => {
    expect(byStatus(400, complaint(400, 'INVALID_ARGUMENT')).details).toEqual({ reason: 'because' });
  });

  it('a bad key is no fault of the request, whatever the status says', () => {
    const error = byStatus(400, complaint(400, 'INVALID_ARGUMENT', [badKey]));
    expect(error).toMatchObject({
      code: 'UPSTREAM_AUTH',
      context: { upstreamStatus: 400, upstreamMessage: 'because' },
    });
    expect(error.message).not.toContain('because');
  });

  it.each<[unknown, Record<string, string>, number | undefined]>([
    [complaint(429, 'RESOURCE_EXHAUSTED', [badKeyFree(), retryInfo]), {}, 48.5],
    [complaint(429, 'RESOURCE_EXHAUSTED', [retryInfo]), { 'retry-after': '7' }, 7],
    [complaint(429, 'RESOURCE_EXHAUSTED', [{ retryDelay: 'soon' }]), {}, undefined],
    ['busy', {}, undefined],
  ])('%j with %j is to be tried again after %j s', (body, headers, seconds) => {
    expect(byStatus(429, body, headers)).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', retryAfterSeconds: seconds });
  });

  it.each(['', '<html>', '[]', '[1]', 'null', '{"error":"plain"}', '{"error":{"details":[null,1,{"reason":{}}]}}'])(
    '%j is read as far as it goes',
    (body) => {
      expect(byStatus(500, body).code).toBe('UPSTREAM_5XX');
    },
  );
});

function badKeyFree(): Json {
  return { '@type': 'type.googleapis.com/google.rpc.Help', links: [] };
}

describe('an error inside a stream', () => {
  it.each<[Json, string, number | undefined]>([
    [complaint(429, 'RESOURCE_EXHAUSTED', [retryInfo]), 'UPSTREAM_RATE_LIMITED', 48.5],
    [complaint(8, 'RESOURCE_EXHAUSTED'), 'UPSTREAM_RATE_LIMITED', undefined],
    [complaint(503, 'UNAVAILABLE'), 'UPSTREAM_OVERLOADED', undefined],
    [complaint(500, 'INTERNAL'), 'UPSTREAM_5XX', undefined],
    [complaint(400, 'INVALID_ARGUMENT'), 'UPSTREAM_REJECTED', undefined],
    [complaint(400, 'INVALID_ARGUMENT', [badKey]), 'UPSTREAM_AUTH', undefined],
    [{ error: { message: 'm' } }, 'UPSTREAM_ERROR', undefined],
    [{ error: 'plain' }, 'UPSTREAM_ERROR', undefined],
  ])('%j', (document, code, retryAfterSeconds) => {
    expect(failure(chunk([{ text: 'a' }]), JSON.stringify(document))).toMatchObject({ code, retryAfterSeconds });
    expect(failureFromEvent(JSON.stringify(document))).toMatchObject({ code });
  });

  it('that is none is none', () => {
    expect(failureInDocument({ candidates: [] })).toBeUndefined();
    expect(failureInDocument({ error: null })).toBeUndefined();
  });

  it('that is no JSON is an error too', () => {
    expect(failureFromEvent('overloaded')).toMatchObject({ code: 'UPSTREAM_ERROR' });
  });
});
