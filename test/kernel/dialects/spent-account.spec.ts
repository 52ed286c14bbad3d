import { describe, expect, it } from '@jest/globals';
import { failureFromStatus } from '../../../src/backends/gemini/provider-failure.ts';
import { errorFromAnswer } from '../../../src/backends/bedrock-converse/provider-exception.ts';
import { errorFromEvent, errorFromStatus, errorInDocument } from '../../../src/kernel/dialects/provider-error.ts';
import type { SluiceError } from '../../../src/kernel/errors.ts';
import { refusalOf } from '../../../src/kernel/tokens/refusal-of.ts';

const headOf = (status: number, headers: Record<string, string> = {}) => ({
  status,
  headers: { 'content-type': 'application/json', ...headers },
});
const failureOf = (status: number, error: unknown): SluiceError =>
  errorFromStatus(headOf(status), JSON.stringify(typeof error === 'string' ? { error } : { error }), 0);

const anthropic = (message: string): object => ({ type: 'invalid_request_error', message });
const tooLow =
  'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.';

describe('a provider that says that the account has nothing left to spend', () => {
  it.each<readonly [string, number, unknown]>([
    ['Anthropic, no credit', 400, anthropic(tooLow)],
    [
      'Anthropic, a limit of the month',
      400,
      anthropic('You have reached your specified API usage limits. You will regain access on 2026-08-01 at 00:00 UTC.'),
    ],
    [
      'Anthropic, a limit of the workspace',
      400,
      anthropic('You have reached your specified workspace API usage limits. You will regain access on 2026-08-01.'),
    ],
    ['Anthropic, no payment', 402, { type: 'billing_error', message: 'There is an issue with your billing.' }],
    [
      'OpenAI, a hard limit',
      400,
      {
        type: 'invalid_request_error',
        code: 'billing_hard_limit_reached',
        message: 'Billing hard limit has been reached',
      },
    ],
    [
      'Alibaba',
      400,
      { code: 'Arrearage', message: 'Access denied, please make sure your account is in good standing.' },
    ],
    ['Moonshot', 403, { type: 'exceeded_current_quota_error', message: 'Your account is suspended' }],
    ['DeepSeek', 402, { message: 'Insufficient Balance', type: 'unknown_error', code: 'invalid_request_error' }],
    ['OpenRouter', 402, { code: 402, message: 'Insufficient credits' }],
    ['OpenRouter, a limit of the key', 403, { code: 403, message: 'Key limit exceeded (monthly limit). Manage it.' }],
    [
      'xAI',
      403,
      'Your team 0b1c has either used all available credits or reached its monthly spending limit. To continue, buy.',
    ],
  ])('is not the mistake of the client: %s', (_who, status, error) => {
    const failure = failureOf(status, error);
    expect(failure).toMatchObject({ code: 'UPSTREAM_ERROR', status: 502, kind: 'upstream' });
    expect(failure.message).not.toMatch(/credit|billing|limit/i);
    expect(refusalOf(failure)).toEqual({ reason: 'quota' });
  });

  it.each<readonly [string, SluiceError]>([
    ['OpenAI', failureOf(429, { type: 'insufficient_quota', code: 'insufficient_quota', message: 'You exceeded' })],
    ['OpenAI, no payment', failureOf(429, { type: 'billing_not_active', code: 'billing_not_active', message: 'x' })],
    ['Moonshot', failureOf(429, { type: 'exceeded_current_quota_error', message: 'x' })],
    [
      'Cohere',
      errorFromStatus(
        headOf(429),
        JSON.stringify({
          message:
            "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade to a Production key with higher rate limits at 'https://dashboard.cohere.com/api-keys'.",
        }),
        0,
      ),
    ],
    [
      'Bedrock',
      errorFromAnswer(
        headOf(429, { 'x-amzn-errortype': 'ThrottlingException' }),
        JSON.stringify({ message: 'Too many tokens per day, please wait before trying again.' }),
        0,
      ),
    ],
    ['Gemini', failureFromStatus(headOf(429), geminiBody(['GenerateRequestsPerDayPerProjectPerModel-FreeTier']), 0)],
  ])('with 429 is a rate limit to the client, and a quota to the token provider: %s', (_who, failure) => {
    expect(failure).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED', status: 429 });
    expect(refusalOf(failure)).toMatchObject({ reason: 'quota' });
  });

  it('may say so in a stream or in a document, too', () => {
    const error = { type: 'billing_error', message: 'There is an issue with your billing.' };
    for (const failure of [errorFromEvent(JSON.stringify({ type: 'error', error })), errorInDocument({ error })]) {
      expect(failure).toMatchObject({ code: 'UPSTREAM_ERROR' });
      expect(failure !== undefined && refusalOf(failure)).toEqual({ reason: 'quota' });
    }
    const low = errorFromEvent(JSON.stringify({ type: 'error', error: anthropic(tooLow) }));
    expect(refusalOf(low)).toEqual({ reason: 'quota' });
  });
});

describe('what only sounds like it', () => {
  it.each<readonly [string, number, unknown]>([
    ['what a client wrote and a provider repeats', 400, anthropic(`messages.0: Unexpected value "${tooLow}"`)],
    ['what a client names a field', 400, anthropic('credit balance: Extra inputs are not permitted')],
    ['a code with another word in it', 400, { code: 'invalid_credit_card_format', message: 'x' }],
  ])('is a request that is rejected: %s', (_what, status, error) => {
    const failure = failureOf(status, error);
    expect(failure).toMatchObject({ code: 'UPSTREAM_REJECTED', status: 400 });
    expect(refusalOf(failure)).toBeUndefined();
  });

  it.each<readonly [string, SluiceError]>([
    [
      'of a minute, of Cohere',
      errorFromStatus(
        headOf(429),
        JSON.stringify({ message: 'You are using a Trial key, which is limited to 20 API calls / minute.' }),
        0,
      ),
    ],
    ['of Bedrock', errorFromAnswer(headOf(429), JSON.stringify({ message: 'Too many tokens, please wait.' }), 0)],
    ['of a minute, of Gemini', failureFromStatus(headOf(429), geminiBody(['GenerateRequestsPerMinutePerProject']), 0)],
    ['of Vertex', failureFromStatus(headOf(429), geminiBody([]), 0)],
  ])('is a rate limit: %s', (_what, failure) => {
    expect(failure.code).toBe('UPSTREAM_RATE_LIMITED');
    expect(refusalOf(failure)).toMatchObject({ reason: 'rate-limited' });
  });

  it('is a 403 about one request', () => {
    expect(failureOf(403, { type: 'permission_error', message: 'Your key may not use this model.' })).toMatchObject({
      code: 'UPSTREAM_AUTH',
    });
  });
});

function geminiBody(quotaIds: readonly string[]): string {
  const violations = quotaIds.map((quotaId) => ({ quotaMetric: 'generativelanguage.googleapis.com/x', quotaId }));
  const failure = { '@type': 'type.googleapis.com/google.rpc.QuotaFailure', violations };
  const details =
    quotaIds.length === 0 ? [] : [failure, { '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '48s' }];
  return JSON.stringify({ error: { code: 429, status: 'RESOURCE_EXHAUSTED', message: 'Exhausted', details } });
}
