import { describe, expect, it } from '@jest/globals';
import { decodeChatBody } from '../../src/backends/openai-chat/decode-body.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { encodeContext } from '../support/chat-run.ts';

type Json = Record<string, unknown>;
const chat = openaiChatEncoder.create({}, {});

describe('an answer in one document', () => {
  const message = { role: 'assistant', content: 'Hi', refusal: null };
  const document = (choice: Json, top: Json = {}): Json => ({
    id: 'c1',
    object: 'chat.completion',
    created: 7,
    model: 'm',
    choices: [{ index: 0, finish_reason: 'stop', logprobs: null, message, ...choice }],
    ...top,
  });
  const again = (body: Json): unknown => {
    const fold = new AnswerFold();
    for (const event of decodeChatBody(JSON.stringify(body))) fold.push(event);
    return JSON.parse(JSON.stringify(chat.encodeAnswer(fold.answer, encodeContext())));
  };

  it('of another format refuses with the words of the refusal, and waits for no call that it can not say', () => {
    const meta = { type: 'response.meta', provider: 'anthropic-messages' } as const;
    const encode = (finish: AnswerEvent): unknown => {
      const fold = new AnswerFold();
      for (const event of [meta, finish]) fold.push(event);
      return chat.encodeAnswer(fold.answer, encodeContext());
    };
    const refused = { type: 'finish', reason: { unified: 'refusal' } } as const;
    expect(encode({ ...refused, refusal: { explanation: 'no' } })).toMatchObject({
      choices: [{ finish_reason: 'stop', message: { content: null, refusal: 'no' } }],
    });
    expect(encode(refused)).toMatchObject({
      choices: [{ finish_reason: 'content_filter', message: { refusal: null } }],
    });
    expect(encode({ type: 'finish', reason: { unified: 'tool_calls' } })).toMatchObject({
      choices: [{ finish_reason: 'stop' }],
    });
  });

  it.each<readonly [string, Json]>([
    ['text', document({})],
    [
      'usage with fields of the vendor',
      document(
        {},
        {
          usage: {
            prompt_tokens: 1,
            completion_tokens: 2,
            total_tokens: 3,
            cost: 0.1,
            prompt_tokens_details: { cached_tokens: 0, x: 1 },
          },
          service_tier: 'flex',
          system_fingerprint: 'fp',
          provider: 'P',
        },
      ),
    ],
    [
      'tool calls',
      document({
        finish_reason: 'tool_calls',
        message: {
          ...message,
          content: null,
          tool_calls: [
            { id: 'x', type: 'function', function: { name: 'f', arguments: '{}' } },
            { id: 'y', type: 'custom', custom: { name: 'g', input: 'i' } },
          ],
        },
      }),
    ],
    [
      'a function call',
      document({
        finish_reason: 'function_call',
        message: { ...message, content: null, function_call: { name: 'f', arguments: '{}' } },
      }),
    ],
    ['a refusal', document({ message: { ...message, content: null, refusal: 'no' } })],
    ['reasoning', document({ message: { ...message, reasoning_content: 'r' } })],
    [
      'reasoning with its proof',
      document({
        message: {
          ...message,
          reasoning: 'r',
          reasoning_details: [{ type: 'reasoning.text', text: 'r', format: 'f1', index: 0, signature: 's' }],
        },
      }),
    ],
    [
      'a summary of reasoning, and what it is made of',
      document({
        message: {
          ...message,
          reasoning: 'r',
          reasoning_details: [
            { type: 'reasoning.summary', summary: 'r', format: 'openai-responses-v1', index: 0 },
            { type: 'reasoning.encrypted', data: 'd', id: 'rs_1', format: 'openai-responses-v1', index: 0 },
            { type: 'reasoning.encrypted', data: 'e', id: 'rs_2', format: 'openai-responses-v1', index: 1 },
          ],
        },
      }),
    ],
    [
      'log probabilities',
      document({ logprobs: { content: [{ token: 'Hi', logprob: -1, bytes: null, top_logprobs: [] }], refusal: null } }),
    ],
    [
      'annotations',
      document({ message: { ...message, annotations: [{ type: 'url_citation', url_citation: { url: 'u' } }] } }),
    ],
    [
      'audio and images',
      document({
        message: {
          ...message,
          audio: { id: 'a', data: 'AA', transcript: 't', expires_at: 1 },
          images: [{ type: 'image_url', image_url: { url: 'u' } }],
        },
      }),
    ],
    ['fields of the vendor', document({ native_finish_reason: 'end', message: { ...message, vendor: { a: 1 } } })],
  ])('%s is the same when decoded and encoded', (_title, body) => {
    expect(again(body)).toEqual(body);
  });

  it('of several choices', () => {
    const body = {
      ...document({}),
      choices: [0, 1].map((index) => ({
        index,
        finish_reason: 'stop',
        logprobs: null,
        message: { ...message, content: `t${index}` },
      })),
    };
    expect(again(body)).toEqual(body);
  });
});

describe('errors', () => {
  it.each([
    [
      new SluiceError('REQUEST_INVALID', { details: { field: 'messages[0].role', reason: 'no' } }),
      { type: 'invalid_request_error', param: 'messages[0].role', code: 'REQUEST_INVALID' },
    ],
    [
      new SluiceError('MODEL_UNKNOWN', { details: { model: 'x', known: 'y' } }),
      { type: 'invalid_request_error', param: null, code: 'model_not_found' },
    ],
    [new SluiceError('UPSTREAM_RATE_LIMITED'), { type: 'rate_limit_error', param: null, code: 'rate_limit_exceeded' }],
    [new SluiceError('OVERLOADED'), { type: 'server_error', param: null, code: 'overloaded' }],
    [new SluiceError('UPSTREAM_STALLED'), { type: 'timeout', param: null, code: 'UPSTREAM_STALLED' }],
    [new SluiceError('INTERNAL'), { type: 'server_error', param: null, code: 'INTERNAL' }],
  ])('%s', (error, expected) => {
    expect(chat.encodeError(error, 'r1')).toEqual({
      contentType: 'application/json',
      body: { error: { message: error.message, ...expected, request_id: 'r1' } },
    });
  });
});

describe('models', () => {
  it('are a list', () => {
    expect(chat.encodeModels?.([{ id: 'a', created: 1, ownedBy: 'sluice' }])).toEqual({
      object: 'list',
      data: [{ id: 'a', object: 'model', created: 1, owned_by: 'sluice' }],
    });
  });
});
