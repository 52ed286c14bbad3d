import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SluiceError } from '../../../src/kernel/errors.ts';
import type { HttpAnswer } from '../../../src/kernel/http-caller.ts';
import {
  checkTokenStatus,
  parseObject,
  readTokenDocument as readAt,
} from '../../../src/kernel/tokens/token-document.ts';
import { textWithin } from '../../support/log-capture.ts';

const canary = 'canary-4711-secret';
const wallTime = Date.parse('2026-10-21T07:27:00Z');
const readTokenDocument = (read: HttpAnswer): Record<string, unknown> => readAt(read, wallTime);
const answer = (body: string, status = 200, headers: HttpAnswer['headers'] = {}): HttpAnswer => ({
  status,
  headers,
  body,
});

function failureOf(work: () => unknown): SluiceError {
  try {
    work();
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('it did not fail');
}

describe('the document of a token server', () => {
  it.each([200, 201, 299])('with status %i is its object', (status) => {
    expect(readTokenDocument(answer('{"access_token":"t","expires_in":3600}', status))).toEqual({
      access_token: 't',
      expires_in: 3600,
    });
  });

  it.each([
    '',
    ' ',
    '<html>canary-4711-secret</html>',
    '"canary-4711-secret"',
    '["canary-4711-secret"]',
    'null',
    '42',
    '{"access_token":"canary-4711-secret"',
    '{"access_token":"canary-4711-secret"}}',
    '\ufeff\ufeff{"a":1}',
    '{"a":1}\ufeff',
    '\ufeff',
    'access_token=canary-4711-secret',
    '{"access_token":"canary-4711-secret","__proto__":{"admin":true}}',
    '{"a":{"b":[{"__proto__":1}]},"access_token":"canary-4711-secret"}',
    `{"deep":${'{"a":'.repeat(40)}"canary-4711-secret"${'}'.repeat(40)}}`,
    '['.repeat(60_000),
  ])('is not %#', (body) => {
    const failure = failureOf(() => readTokenDocument(answer(body)));
    expect(failure.code).toBe('TOKEN_INVALID');
    expect(textWithin(failure)).not.toContain(canary);
  });

  it('may begin with a byte order mark, which is none of its text', () => {
    expect(readTokenDocument(answer('\ufeff{"access_token":"t"}'))).toEqual({ access_token: 't' });
    const refusal = answer('\ufeff{"error":"invalid_client"}', 400);
    expect(failureOf(() => readTokenDocument(refusal)).context['reason']).toBe('invalid_client');
  });

  it('is not read where it is compressed, though nobody asked for that', () => {
    const failure = failureOf(() =>
      readTokenDocument(answer('\x1f\x8bcanary-4711-secret', 200, { 'content-encoding': 'GZIP' })),
    );
    expect(failure).toMatchObject({
      code: 'TOKEN_INVALID',
      context: { reason: 'the token server compresses unasked' },
    });
    expect(readTokenDocument(answer('{"a":1}', 200, { 'content-encoding': 'utf-8' }))).toEqual({ a: 1 });
  });

  it.each([301, 302, 303, 304, 307, 308])('is nowhere else, whatever a %i says', (status) => {
    const headers = { location: `https://evil.example/${canary}` };
    const failure = failureOf(() => readTokenDocument(answer('{"access_token":"t"}', status, headers)));
    expect(failure).toMatchObject({ code: 'TOKEN_INVALID', context: { status, reason: 'the token server redirects' } });
    expect(textWithin(failure)).not.toContain(canary);
  });

  it.each([
    [400, '{"error":"invalid_client","error_description":"canary-4711-secret"}', 'invalid_client'],
    [401, '{"error":"canary-4711-secret"}', 'the token server refused'],
    [403, '{"error":{"code":"AccessDenied","message":"canary-4711-secret"}}', 'AccessDenied'],
    [403, '{"error":{"code":403,"message":"canary-4711-secret","status":"PERMISSION_DENIED"}}', 'PERMISSION_DENIED'],
    [400, '{"code":"NoIdInRequest","message":"canary-4711-secret"}', 'NoIdInRequest'],
    [400, '{"error":"canary_of_letters","error_description":"canary_of_letters"}', 'another error'],
    [403, '{"error":{"code":"canary_of_letters","message":"canary_of_letters"}}', 'another error'],
    [403, '{"error":{"status":"CANARY_OF_LETTERS"},"Code":"canary_of_letters"}', 'another error'],
    [403, '{"code":"canary_of_letters","message":"canary_of_letters"}', 'another error'],
    [400, '{"error":"canary_of_letters","code":"invalid_grant"}', 'another error'],
    [400, '{"error":"invalid_grant","code":"other"}', 'invalid_grant'],
    [404, '<html>canary-4711-secret</html>', 'the token server refused'],
    [429, '', 'the token server refused'],
    [500, '{"error":null}', 'the token server refused'],
    [503, '{"error":["invalid_client"]}', 'the token server refused'],
    [0, '', 'the token server refused'],
  ])('with status %i and %j is a refusal: %s', (status, body, reason) => {
    const failure = failureOf(() => readTokenDocument(answer(body, status)));
    expect(failure).toMatchObject({ code: 'TOKEN_UNAVAILABLE', context: { status, reason } });
    expect(failure.cause).toBeUndefined();
    expect(textWithin(failure)).not.toMatch(/canary/i);
  });

  it.each([
    ['5', 5],
    [' 120 ', 120],
    ['0', 0],
    ['-1', undefined],
    ['1.5', 1.5],
    ['9999999999', undefined],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 60],
    ['Wednesday, 21-Oct-26 07:28:00 GMT', 60],
    ['Wed, 21 Oct 2026 07:26:00 GMT', 0],
    ['Wed, soon', undefined],
    ['2026-10-21T07:28:00Z', undefined],
    [undefined, undefined],
  ])('that is to be asked for after %j', (text, seconds) => {
    const headers = text === undefined ? {} : { 'retry-after': text };
    const failure = failureOf(() => checkTokenStatus(answer('', 503, headers), wallTime));
    expect(failure.retryAfterSeconds).toBe(seconds);
  });
});

describe('parseObject', () => {
  it('reads what JSON.stringify wrote of an object, and nothing that reaches a prototype', () => {
    const value = fc.jsonValue({ maxDepth: 6 });
    fc.assert(
      fc.property(fc.dictionary(fc.string(), value, { noNullPrototype: true }), (object) => {
        const text = JSON.stringify(object);
        expect(parseObject(text)).toEqual(text.includes('"__proto__":') ? undefined : JSON.parse(text));
      }),
    );
  });

  it('is undefined for whatever else, and never throws', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const read = parseObject(text);
        expect(read === undefined || Object.getPrototypeOf(read) === Object.getPrototypeOf(JSON.parse('{}'))).toBe(
          true,
        );
      }),
    );
  });

  it('keeps keys that only look dangerous as what they are', () => {
    expect(parseObject('{"constructor":1,"prototype":{"a":2},"toString":"t"}')).toEqual({
      constructor: 1,
      prototype: { a: 2 },
      toString: 't',
    });
  });
});
