import Type from 'typebox';
import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { defineBackend, type Backend } from '../kernel/component.ts';
import { ollama } from '../kernel/dialects/ollama-fields.ts';
import { errorFromStatus } from '../kernel/dialects/provider-error.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { decodeChatBody } from './ollama/decode-body.ts';
import { encodeChatRequest } from './ollama/encode-request.ts';
import { LineDecoder } from './ollama/line-decoder.ts';

const config = strictObject({
  ...targetFields('Address of the server; /api/chat is added to its path.', 'http://127.0.0.1:11434'),
  thinkLevels: defaulted(
    Type.Boolean({
      description:
        'Asks for low and high effort by name; false for models, and for older servers, that know thinking only as on and off.',
    }),
    true,
  ),
});

/**
 * The chat API of Ollama: answers are lines of JSON, images are inline, calls have objects for arguments. `create` throws a
 * TypeError for an address or a header that can't be used.
 */
export const ollamaBackend = defineBackend({
  type: ollama,
  summary: 'Calls the chat API of an Ollama server.',
  config,
  needs: ['clock'],
  examples: [
    { title: 'A server on this machine', config: { baseUrl: 'http://127.0.0.1:11434', model: 'qwen3' } },
    { title: 'A model of the cloud', config: { baseUrl: 'https://ollama.com', model: 'gpt-oss:120b' } },
    {
      title: 'An older server',
      config: { baseUrl: 'http://127.0.0.1:11434', model: 'deepseek-r1', thinkLevels: false },
    },
  ],
  create({ baseUrl, model, headers, thinkLevels }, { clock }): Backend {
    const target = { ...readTarget(baseUrl, headers), model, thinkLevels };
    return {
      origin: target.origin,
      model,
      encode: (request, run) => encodeChatRequest(request, target, run),
      decode: () => new LineDecoder(),
      decodeBody: (body) => decodeChatBody(body),
      decodeError: (head, body) => errorFromStatus(head, body, clock.wallTime()),
    };
  },
});
