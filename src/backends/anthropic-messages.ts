import Type from 'typebox';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { anthropicMessages } from '../kernel/dialects/anthropic-messages-fields.ts';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { errorFromStatus } from '../kernel/dialects/provider-error.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { decodeMessageBody } from './anthropic-messages/decode-body.ts';
import { encodeMessagesRequest, type MessagesTarget } from './anthropic-messages/encode-request.ts';
import { MessageStreamDecoder } from './anthropic-messages/stream-decoder.ts';

const mebibyte = 1_048_576;
const imageTypes = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

const config = strictObject({
  ...targetFields(
    'Address of the API; /v1/messages is added to its path (/messages where it ends with /v1), a query is kept.',
    'https://api.anthropic.com',
  ),
  version: defaulted(
    Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}$',
      'x-hint': 'a date such as "2023-06-01"',
      description: 'Version of the API (anthropic-version). System messages among the others need "2026-10-21".',
    }),
    '2023-06-01',
  ),
  beta: defaulted(
    Type.Array(Type.String({ pattern: '^[\\x21-\\x2b\\x2d-\\x7e]{1,128}$' }), {
      maxItems: 32,
      description: 'Features of the API that are to be switched on (anthropic-beta).',
    }),
    [],
  ),
  defaultMaxTokens: defaulted(
    Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Limit of output tokens (max_tokens, which the API demands) for a client that sets none; a thinking budget comes on top.',
    }),
    4_096,
  ),
  thinking: defaulted(
    Type.Enum(['budget', 'adaptive'], {
      description:
        'How reasoning is asked for where the client used another format: as a budget of tokens, or, for models that take no budget, as adaptive thinking with an effort.',
    }),
    'budget',
  ),
  sampling: defaulted(
    Type.Enum(['one', 'both', 'none'], {
      description:
        'Settings of sampling that the model takes from clients of other formats: either temperature or top_p (temperature wins), both at once, or none of temperature, top_p and top_k.',
    }),
    'one',
  ),
  maxImageBytes: defaulted(
    Type.Integer({ minimum: 1, maximum: 100 * mebibyte, description: 'Largest image that is sent, in bytes.' }),
    5 * mebibyte,
  ),
  maxDocumentBytes: defaulted(
    Type.Integer({ minimum: 1, maximum: 100 * mebibyte, description: 'Largest document that is sent, in bytes.' }),
    32 * mebibyte,
  ),
});

/**
 * The Anthropic messages API, and servers that are compatible with it. The key comes from the token provider: as
 * `x-api-key`, or a token as a bearer token. `create` throws a TypeError for an address or a header that can't be used.
 */
export const anthropicMessagesBackend = defineBackend({
  type: anthropicMessages,
  summary: 'Calls the Anthropic messages API or a server that is compatible with it.',
  config,
  needs: ['clock'],
  examples: [
    { title: 'Anthropic', config: { baseUrl: 'https://api.anthropic.com', model: 'claude-sonnet-4-5' } },
    {
      title: 'A model that thinks adaptively and samples by itself',
      config: {
        baseUrl: 'https://api.anthropic.com',
        model: 'claude-opus-4-8',
        thinking: 'adaptive',
        sampling: 'none',
        defaultMaxTokens: 16_384,
      },
    },
    {
      title: 'A feature in beta',
      config: {
        baseUrl: 'https://api.anthropic.com/v1',
        model: 'claude-sonnet-4-5',
        beta: ['context-management-2025-06-27'],
      },
    },
    {
      title: 'Another server of the format',
      config: { baseUrl: 'http://127.0.0.1:11434', model: 'qwen3', sampling: 'both', defaultMaxTokens: 8_192 },
    },
  ],
  create({ baseUrl, headers, maxImageBytes, maxDocumentBytes, ...options }, { clock }): Backend {
    const target: MessagesTarget = {
      ...readTarget(baseUrl, headers),
      ...options,
      image: { types: imageTypes, maxBytes: maxImageBytes },
      document: { types: ['application/pdf'], maxBytes: maxDocumentBytes },
    };
    return {
      origin: target.origin,
      model: target.model,
      encode: (request, run) => encodeMessagesRequest(request, target, run),
      decode: () => new MessageStreamDecoder(),
      decodeBody: (body) => decodeMessageBody(body),
      decodeError: (head, body) => errorFromStatus(head, body, clock.wallTime()),
    };
  },
});
