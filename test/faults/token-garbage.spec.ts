import { describe, expect, it } from '@jest/globals';
import { gzipSync } from 'node:zlib';
import { askWith, dialectNames, expectDialectError, questionOf as questionIn } from '../support/dialect-clients.ts';
import type { TokenServerAnswer } from '../support/token-server.ts';
import { startTokenServer } from '../support/token-server.ts';
import { row } from './catalogue.ts';
import { forms, seenBy } from './seen.ts';
import { useTokenStages, openTokenStage, type TokenStage } from './token-stage.ts';

useTokenStages();

type Code = 'TOKEN_INVALID' | 'TOKEN_UNAVAILABLE';
type Garbage = readonly [name: string, answer: TokenServerAnswer, code: Code, reason: string, retryAfter?: string];

const token = (members: object): TokenServerAnswer => ({
  json: { access_token: 'token-1', token_type: 'Bearer', expires_in: 3_600, ...members },
});
const page = '<html><body>Log in, please.</body></html>';
const noObject = 'the token server did not answer with a JSON object';
const noHeader = 'the token has characters that no header takes';
const noLifetime = 'the token server tells no usable lifetime';
const deep = JSON.parse(`${'{"a":'.repeat(40)}1${'}'.repeat(40)}`) as unknown;

const garbage: readonly Garbage[] = [
  ['a page', { body: page, headers: { 'content-type': 'text/html' } }, 'TOKEN_INVALID', noObject],
  ['nothing', {}, 'TOKEN_INVALID', noObject],
  ['half a document', { body: '{"access_token":"token-1' }, 'TOKEN_INVALID', noObject],
  ['a list', { json: [token({}).json] }, 'TOKEN_INVALID', noObject],
  [
    'ten megabytes',
    { body: `"${'x'.repeat(10_000_000)}"` },
    'TOKEN_INVALID',
    'the answer of the token server is too large',
  ],
  ['depth', { json: { ...Object(token({}).json), deep } }, 'TOKEN_INVALID', noObject],
  ['a prototype', { body: '{"__proto__":{"polluted":1},"access_token":"token-1"}' }, 'TOKEN_INVALID', noObject],
  ['no token', { json: { token_type: 'Bearer' } }, 'TOKEN_INVALID', 'the answer has no access_token'],
  ['an empty token', token({ access_token: ' ' }), 'TOKEN_INVALID', 'the token is empty'],
  ['a number for a token', token({ access_token: 42 }), 'TOKEN_INVALID', 'the answer has no access_token'],
  ['a token with a second header', token({ access_token: 'a\r\nx-injected: 1' }), 'TOKEN_INVALID', noHeader],
  ['a token with NUL', token({ access_token: 'a\0b' }), 'TOKEN_INVALID', noHeader],
  ['a token in Chinese', token({ access_token: '令牌' }), 'TOKEN_INVALID', noHeader],
  [
    'a token of 20,000 characters',
    token({ access_token: 'x'.repeat(20_000) }),
    'TOKEN_INVALID',
    'the token is too long',
  ],
  ['a lifetime of 0', token({ expires_in: 0 }), 'TOKEN_INVALID', 'the token has expired at its birth'],
  ['a lifetime of -1', token({ expires_in: -1 }), 'TOKEN_INVALID', 'the token has expired at its birth'],
  [
    'a lifetime of 1e12',
    token({ expires_in: 1e12 }),
    'TOKEN_INVALID',
    'the token server tells a lifetime of more than ten years',
  ],
  ['a lifetime in words', token({ expires_in: 'an hour' }), 'TOKEN_INVALID', noLifetime],
  ['a lifetime that is an object', token({ expires_in: {} }), 'TOKEN_INVALID', noLifetime],
  ['another type of token', token({ token_type: 'mac' }), 'TOKEN_INVALID', 'the token is of a type that is not Bearer'],
  [
    'bytes that are compressed',
    { raw: gzipped(), headers: {} },
    'TOKEN_INVALID',
    'the token server compresses unasked',
  ],
  [
    'a refusal of the client',
    { status: 401, json: { error: 'invalid_client' } },
    'TOKEN_UNAVAILABLE',
    'invalid_client',
  ],
  ['a refusal in a page', { status: 403, body: page }, 'TOKEN_UNAVAILABLE', 'the token server refused'],
  [
    'its limit of rate',
    { status: 429, headers: { 'retry-after': '7' } },
    'TOKEN_UNAVAILABLE',
    'the token server refused',
    '7',
  ],
  [
    'its own failure',
    { status: 503, headers: { 'retry-after': '30' } },
    'TOKEN_UNAVAILABLE',
    'the token server refused',
    '30',
  ],
  ['no HTTP', { raw: 'SSH-2.0-OpenSSH_9.6\r\n' }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_BAD_CONTENT'],
  [
    'a head of 100 KB',
    { raw: `HTTP/1.1 200 OK\r\nx-long: ${'x'.repeat(100_000)}\r\n\r\n` },
    'TOKEN_UNAVAILABLE',
    'UPSTREAM_BAD_CONTENT',
  ],
  ['a reset', { fault: 'reset' }, 'TOKEN_UNAVAILABLE', 'UPSTREAM_RESET'],
  [
    'less than it announces',
    { raw: 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{}' },
    'TOKEN_UNAVAILABLE',
    'UPSTREAM_TRUNCATED',
  ],
];

function gzipped(): Buffer {
  const body = gzipSync(JSON.stringify(token({}).json));
  const head = `HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: ${body.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), body]);
}

/** A document and a stream in every dialect, each with a token server that is asked anew. */
async function expectRefusedInAllDialects(
  stage: TokenStage,
  [, , code, reason, retryAfter = '1']: Garbage,
): Promise<void> {
  const asked = stage.tokens.requests.length;
  let questions = 0;
  for (const dialect of dialectNames)
    for (const stream of [false, true]) {
      const client = await stage.send(askWith(dialect, questionIn(dialect), { stream }));
      await client.end();
      const response = await client.response();
      const message = expectDialectError(response, dialect, code);
      expect([dialect, response.headers['retry-after']]).toEqual([dialect, retryAfter]);
      expect(`${message}${response.text}`).not.toMatch(/login|oauth2|127\.0\.0\.1/);
      expect(response.text).not.toContain(reason);
      questions += 1;
      await stage.clock.advance(Number(retryAfter) * 1_000);
    }
  expect([stage.tokens.requests.length - asked, stage.upstream.connections.length]).toEqual([questions, 0]);
  for (const { fields } of stage.ended())
    expect(fields).toMatchObject({ code, reason, tokenProvider: 'login > oauth2-client-credentials' });
}

describe(row('token-garbage'), () => {
  it.each(garbage)('%s: nothing is sent, and the log names the link', async (...fault) => {
    const stage = await openTokenStage();
    stage.tokens.answer(fault[1]);
    await expectRefusedInAllDialects(stage, fault);
  });

  it.each([301, 302, 303, 307, 308])('status %i: nobody goes where the token server points', async (status) => {
    const elsewhere = await startTokenServer();
    try {
      const stage = await openTokenStage();
      stage.tokens.answer({ status, headers: { location: elsewhere.url } });
      const fault: Garbage = ['', {}, 'TOKEN_INVALID', 'the token server redirects'];
      await expectRefusedInAllDialects(stage, fault);
      expect(elsewhere.requests).toEqual([]);
    } finally {
      await elsewhere.close();
    }
  });

  it.each<readonly [string, object]>([
    ['no lifetime', { expires_in: undefined }],
    ['a lifetime of null', { expires_in: null }],
    ['a lifetime as text', { expires_in: '3600' }],
    ['a type in small letters', { token_type: 'bearer' }],
    ['no type', { token_type: undefined }],
  ])('%s is good enough', async (_name, members) => {
    const stage = await openTokenStage();
    stage.tokens.answer(() => ({ json: { ...Object(stage.grant().json), ...members } }));
    for (const form of forms)
      expect(await seenBy(await stage.ask(form), form)).toMatchObject({ end: 'ok', text: 'Hello' });
    expect(stage.tokens.requests).toHaveLength(1);
  });
});
