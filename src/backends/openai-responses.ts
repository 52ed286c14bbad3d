import Type from 'typebox';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { openaiResponses } from '../kernel/dialects/openai-responses-fields.ts';
import { errorFromStatus } from '../kernel/dialects/provider-error.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { decodeResponseBody } from './openai-responses/decode-body.ts';
import { encodeResponsesRequest } from './openai-responses/encode-request.ts';
import { ResponsesStreamDecoder } from './openai-responses/stream-decoder.ts';

/** Models of OpenAI that do not reason, and refuse to be asked for it. */
const plainModels = /(?:^|[/.])(?:gpt-3\.5|gpt-4|chatgpt)|(?:^|[/.])gpt-[\d.]+-chat/;

const config = strictObject({
  ...targetFields(
    'Address of the API; /responses is added to its path, a query (api-version) is kept.',
    'https://api.openai.com/v1',
  ),
  encryptedReasoning: Type.Optional(
    Type.Boolean({
      description:
        'Asks for reasoning in encrypted form, so that clients of other formats can send it back; by default for all but the models of OpenAI that are known not to reason.',
    }),
  ),
  stateless: defaulted(
    Type.Boolean({
      description:
        'Tells the server to keep nothing ("store": false) of what clients of other formats ask; false for servers that do not know the field.',
    }),
    true,
  ),
});

/**
 * The OpenAI Responses API, and the servers that have it too: Azure, xAI, DeepSeek, LM Studio, Bedrock. `create` throws a
 * TypeError for an address or a header that can't be used.
 */
export const openaiResponsesBackend = defineBackend({
  type: openaiResponses,
  summary: 'Calls the OpenAI Responses API or a server that is compatible with it.',
  config,
  needs: ['clock'],
  examples: [
    { title: 'OpenAI', config: { baseUrl: 'https://api.openai.com/v1', model: 'gpt-5-mini' } },
    {
      title: 'Azure',
      config: { baseUrl: 'https://example.openai.azure.com/openai/v1?api-version=preview', model: 'gpt-5-mini' },
    },
    {
      title: 'A local server',
      config: { baseUrl: 'http://127.0.0.1:1234/v1', model: 'qwen3', encryptedReasoning: false, stateless: false },
    },
  ],
  create({ baseUrl, model, headers, encryptedReasoning, stateless }, { clock }): Backend {
    const target = {
      ...readTarget(baseUrl, headers),
      model,
      encryptedReasoning: encryptedReasoning ?? !plainModels.test(model),
      stateless,
    };
    return {
      origin: target.origin,
      model,
      encode: (request, run) => encodeResponsesRequest(request, target, run),
      decode: ({ dialect }) => new ResponsesStreamDecoder(dialect === openaiResponses),
      decodeBody: (body, { dialect }) => decodeResponseBody(body, dialect === openaiResponses),
      decodeError: (head, body) => errorFromStatus(head, body, clock.wallTime()),
    };
  },
});
