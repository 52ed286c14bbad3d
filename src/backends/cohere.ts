import { readTarget, targetFields } from '../kernel/dialects/backend-target.ts';
import { defineBackend, type Backend } from '../kernel/component.ts';
import type { SluiceError } from '../kernel/errors.ts';
import { errorFromComplaint, errorFromStatus } from '../kernel/dialects/provider-error.ts';
import { strictObject } from '../kernel/schema.ts';
import type { UpstreamHead } from '../kernel/upstream.ts';
import { cohere } from './cohere/answer-parts.ts';
import { decodeChatBody } from './cohere/decode-body.ts';
import { encodeChatRequest } from './cohere/encode-request.ts';
import { CohereStreamDecoder } from './cohere/stream-decoder.ts';

/** A word in the prompt or in the answer is on the provider's list of words that it refuses. */
const deniedStatus = 498;

/** The v2 chat API of Cohere. `create` throws a TypeError for an address or a header that can't be used. */
export const cohereBackend = defineBackend({
  type: cohere,
  summary: 'Calls the v2 chat API of Cohere.',
  config: strictObject(targetFields('Address of the API; /v2/chat is added to its path.', 'https://api.cohere.com')),
  needs: ['clock'],
  examples: [
    { title: 'Cohere', config: { baseUrl: 'https://api.cohere.com', model: 'command-a-03-2025' } },
    { title: 'A private deployment', config: { baseUrl: 'https://models.example.com/cohere', model: 'command-r7b' } },
  ],
  create({ baseUrl, model, headers }, { clock }): Backend {
    const target = { ...readTarget(baseUrl, headers), model };
    return {
      origin: target.origin,
      model,
      encode: (request, run) => encodeChatRequest(request, target, run),
      decode: () => new CohereStreamDecoder(model),
      decodeBody: (body) => decodeChatBody(body, model),
      decodeError: (head, body) => decodeError(head, body, clock.wallTime()),
    };
  },
});

function decodeError(head: UpstreamHead, body: string, wallTime: number): SluiceError {
  const error = errorFromStatus(head, body, wallTime);
  if (head.status !== deniedStatus) return error;
  const message = String(error.context['upstreamMessage'] ?? '');
  return errorFromComplaint({ message, words: 'content_filter', status: undefined });
}
