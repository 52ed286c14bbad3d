import Type from 'typebox';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { errorFromStatus } from '../kernel/dialects/provider-error.ts';
import { strictObject } from '../kernel/schema.ts';
import { decodeChatBody } from './openai-chat/decode-body.ts';
import { encodeChatRequest } from './openai-chat/encode-request.ts';
import { ChatStreamDecoder } from './openai-chat/stream-decoder.ts';
import { vendorNames, vendorOfHost, vendors, type Vendor } from './openai-chat/vendors.ts';

const config = strictObject({
  ...targetFields(
    'Address of the API; /chat/completions is added to its path, a query (api-version) is kept.',
    'https://api.openai.com/v1',
  ),
  vendor: Type.Optional(
    Type.Enum([...vendorNames], {
      description:
        'Whose server it is. What it would refuse is said in its words, or left out and named; "compatible" is sent what a client of this format said. Default: by the host of baseUrl.',
    }),
  ),
  includeUsage: Type.Optional(
    Type.Boolean({
      description:
        'Asks for the usage of a stream (stream_options.include_usage); false for servers that refuse it. Default: by the vendor.',
    }),
  ),
  maxTokensField: Type.Optional(
    Type.Enum(['max_completion_tokens', 'max_tokens'], {
      description:
        'Name under which the limit of output tokens is sent when the client used none of the two. Default: by the vendor.',
    }),
  ),
});

/**
 * The OpenAI chat completions API, and everything that calls itself compatible with it. `create` throws a TypeError for
 * an address or a header that can't be used.
 */
export const openaiChatBackend = defineBackend({
  type: 'openai-chat',
  summary: 'Calls the OpenAI chat completions API or a server that is compatible with it.',
  config,
  needs: ['clock'],
  examples: [
    { title: 'OpenAI', config: { baseUrl: 'https://api.openai.com/v1', model: 'gpt-5-mini' } },
    {
      title: 'A deployment on Azure',
      config: {
        baseUrl: 'https://example.openai.azure.com/openai/deployments/chat?api-version=2026-06-01',
        model: 'gpt-5-mini',
      },
    },
    {
      title: 'A local server',
      config: {
        baseUrl: 'http://127.0.0.1:11434/v1',
        model: 'qwen3',
        vendor: 'ollama',
      },
    },
  ],
  create({ baseUrl, model, headers, vendor: name, includeUsage, maxTokensField }, { clock }): Backend {
    const place = readTarget(baseUrl, headers);
    const vendor: Vendor = name === undefined ? vendorOfHost(new URL(place.origin).hostname) : vendors[name];
    const target = {
      ...place,
      model,
      vendor: {
        ...vendor,
        ...(includeUsage !== undefined && { includeUsage, ...(includeUsage && { streamOptions: true }) }),
        ...(maxTokensField !== undefined && { maxTokensField }),
      },
    };
    return {
      origin: target.origin,
      model,
      encode: (request, run) => encodeChatRequest(request, target, run),
      decode: () => new ChatStreamDecoder(),
      decodeBody: (body) => decodeChatBody(body),
      decodeError: (head, body) => errorFromStatus(head, body, clock.wallTime()),
    };
  },
});
