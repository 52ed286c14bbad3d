import Type from 'typebox';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { decodeChatBody } from './openai-chat/decode-body.ts';
import { encodeChatRequest } from './openai-chat/encode-request.ts';
import { errorFromStatus } from './openai-chat/provider-error.ts';
import { ChatStreamDecoder } from './openai-chat/stream-decoder.ts';

/** Headers that are the engine's, or that hold a credential: those belong to a token provider. */
const reservedHeaders = new Set([
  'accept',
  'accept-encoding',
  'api-key',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
  'x-goog-api-key',
]);
const headerName = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
const headerValue = /^[\x20-\x7e]{0,1024}$/;

const config = strictObject({
  baseUrl: Type.String({
    pattern: '^https?://[^\\s#@]+$',
    maxLength: 2048,
    'x-hint': 'an http or https address without credentials, such as "https://api.openai.com/v1"',
    description: 'Address of the API; /chat/completions is added to its path, a query (api-version) is kept.',
  }),
  model: Type.String({ minLength: 1, maxLength: 256, description: 'Model that is asked for.' }),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String({ pattern: '^[\\x20-\\x7e]*$', maxLength: 1024 }), {
      maxProperties: 32,
      description: 'Further headers, such as OpenAI-Organization. Credentials belong to a token provider.',
    }),
  ),
  includeUsage: defaulted(
    Type.Boolean({
      description: 'Asks for the usage of a stream (stream_options.include_usage); false for servers that refuse it.',
    }),
    true,
  ),
  maxTokensField: defaulted(
    Type.Enum(['max_completion_tokens', 'max_tokens'], {
      description: 'Name under which the limit of output tokens is sent when the client used none of the two.',
    }),
    'max_completion_tokens',
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
        maxTokensField: 'max_tokens',
        includeUsage: false,
      },
    },
  ],
  create({ baseUrl, model, headers = {}, includeUsage, maxTokensField }, { clock }): Backend {
    const { origin, path } = readBaseUrl(baseUrl);
    const target = { origin, path, model, headers: readHeaders(headers), includeUsage, maxTokensField };
    return {
      origin,
      model,
      encode: (request, run) => encodeChatRequest(request, target, run),
      decode: () => new ChatStreamDecoder(),
      decodeBody: (body) => decodeChatBody(body),
      decodeError: (head, body) => errorFromStatus(head, body, clock.wallTime()),
    };
  },
});

function readBaseUrl(baseUrl: string): { readonly origin: string; readonly path: string } {
  const url = URL.parse(baseUrl);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new TypeError('baseUrl is no http or https address');
  if (url.username !== '' || url.password !== '')
    throw new TypeError('baseUrl holds a credential; use a token provider');
  if (url.hash !== '') throw new TypeError('baseUrl holds a fragment');
  return { origin: url.origin, path: `${url.pathname.replace(/\/+$/, '')}/chat/completions${url.search}` };
}

function readHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!headerName.test(name) || !headerValue.test(value))
      throw new TypeError(`headers: "${name.slice(0, 64)}" is no valid header`);
    if (reservedHeaders.has(lower))
      throw new TypeError(`headers: "${lower}" can't be set here; a credential belongs to a token provider`);
    checked[lower] = value;
  }
  return checked;
}
