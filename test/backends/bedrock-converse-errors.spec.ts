import { describe, expect, it } from '@jest/globals';
import { bedrockConverseBackend } from '../../src/backends/bedrock-converse.ts';
import type { Backend } from '../../src/kernel/component.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import { converseFiles, hasConverseStreams } from '../support/aws-event-stream.ts';
import { chatRequest } from '../support/chat-run.ts';
import { createInstance } from '../support/component-instance.ts';
import { testRun } from '../support/test-run.ts';

const backend: Backend = createInstance(
  bedrockConverseBackend,
  { region: 'us-east-1', model: 'amazon.nova-pro-v1:0' },
  testRun().capabilities,
);

function errorOf(event: string, data: string): SluiceError {
  const decoder = backend.decode(chatRequest());
  decoder.frame('messageStart', '{"role":"assistant"}');
  try {
    decoder.frame(event, data);
  } catch (error) {
    return error as SluiceError;
  }
  throw new Error('no error was thrown');
}

describe('a failure in the stream', () => {
  it.each([
    ['exception:throttlingException', {}, 'UPSTREAM_RATE_LIMITED', 429],
    ['exception:validationException', {}, 'UPSTREAM_REJECTED', 400],
    ['exception:serviceUnavailableException', {}, 'UPSTREAM_OVERLOADED', 503],
    ['exception:internalServerException', {}, 'UPSTREAM_5XX', 502],
    ['exception:modelStreamErrorException', {}, 'UPSTREAM_ERROR', 502],
    ['exception:modelStreamErrorException', { originalStatusCode: 529 }, 'UPSTREAM_OVERLOADED', 503],
    ['exception:modelStreamErrorException', { originalStatusCode: 400 }, 'UPSTREAM_ERROR', 502],
    ['exception:modelTimeoutException', {}, 'UPSTREAM_ERROR', 502],
    ['exception:somethingNewException', {}, 'UPSTREAM_ERROR', 502],
    ['exception:', {}, 'UPSTREAM_ERROR', 502],
    ['error:InternalFailure', {}, 'UPSTREAM_5XX', 502],
    ['error:ThrottlingException', {}, 'UPSTREAM_RATE_LIMITED', 429],
  ])('%s %j is %s', (event, more, code, status) => {
    expect(errorOf(event, JSON.stringify({ message: 'why not', ...more }))).toMatchObject({ code, status });
  });

  it('shows the words of the provider only where they blame the request', () => {
    const data = JSON.stringify({ message: 'Input is too long.' });
    expect(errorOf('exception:validationException', data).message).toContain('Input is too long.');
    expect(errorOf('exception:internalServerException', data).message).not.toContain('Input');
  });

  it.each(['', 'null', '[]', '"text"', '{', '{"message":5}'])('may hold %j', (data) => {
    expect(errorOf('exception:throttlingException', data)).toMatchObject({ code: 'UPSTREAM_RATE_LIMITED' });
  });

  it.each([
    ['messageStart', '{'],
    ['contentBlockDelta', '[]'],
    ['contentBlockDelta', '{"delta":{"text":"a"}}'],
    ['contentBlockStop', '{"contentBlockIndex":"0"}'],
    ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}'],
    ['contentBlockStart', '{"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"t"}}}'],
    ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"toolResult":[{}]}}'],
  ])('is a bad frame for %s %s', (event, data) => {
    expect(errorOf(event, data)).toMatchObject({ code: 'UPSTREAM_BAD_FRAME' });
  });
});

describe('a failure in place of an answer', () => {
  it.each([
    [
      400,
      'ValidationException:http://internal.amazon.com/coral/',
      '{"message":"The model is wrong."}',
      'UPSTREAM_REJECTED',
      400,
    ],
    [400, 'ServiceQuotaExceededException', '{"message":"Too many tokens"}', 'UPSTREAM_RATE_LIMITED', 429],
    [429, 'ThrottlingException', '{"message":"slow"}', 'UPSTREAM_RATE_LIMITED', 429],
    [429, 'ModelNotReadyException', '{"message":"warming up"}', 'UPSTREAM_OVERLOADED', 503],
    [403, 'UnrecognizedClientException', '{"message":"The security token is invalid."}', 'UPSTREAM_AUTH', 502],
    [
      400,
      undefined,
      '{"__type":"com.amazon.coral.service#ExpiredTokenException","Message":"expired"}',
      'UPSTREAM_AUTH',
      502,
    ],
    [404, 'ResourceNotFoundException', '{"message":"no such model"}', 'UPSTREAM_REJECTED', 404],
    [408, 'ModelTimeoutException', '{"message":"late"}', 'UPSTREAM_ERROR', 502],
    [424, 'ModelErrorException', '{"message":"failed"}', 'UPSTREAM_ERROR', 502],
    [500, 'InternalServerException', '{"message":"oops"}', 'UPSTREAM_5XX', 502],
    [503, 'ServiceUnavailableException', '', 'UPSTREAM_OVERLOADED', 503],
  ])('%d %s %s', (status, type, body, code, shown) => {
    const headers: Record<string, string> = type === undefined ? {} : { 'x-amzn-errortype': type };
    expect(backend.decodeError({ status, headers }, body)).toMatchObject({ code, status: shown });
  });

  it('keeps the time after which a retry makes sense', () => {
    const head = { status: 429, headers: { 'x-amzn-errortype': 'ThrottlingException', 'retry-after': '7' } };
    expect(backend.decodeError(head, '{"message":"slow"}').retryAfterSeconds).toBe(7);
  });
});

const title = hasConverseStreams ? 'recorded errors' : 'recorded errors (SKIPPED: ../shared/fixtures is not there)';

(hasConverseStreams ? describe : describe.skip)(title, () => {
  it.each(converseFiles('.json').filter(({ name }) => /\.http\d+\.json$/.test(name)))('$name', ({ name, bytes }) => {
    const status = Number(/\.http(\d+)\.json$/.exec(name)?.[1]);
    const { message } = JSON.parse(bytes.toString()) as { message: string };
    const error = backend.decodeError({ status, headers: {} }, bytes.toString());
    expect(error.code).toBe(status === 403 ? 'UPSTREAM_AUTH' : 'UPSTREAM_REJECTED');
    if (status === 400) expect(error.message).toContain(message.slice(0, 60));
  });
});
