import Anthropic, { APIConnectionError, APIError } from '@anthropic-ai/sdk';
import { readMessage } from '../direct/anthropic.mjs';

/** The official client of Anthropic. */
export const anthropic = {
  name: 'anthropic',
  dialect: 'anthropic-messages',
  async read({ address, pipeline, prompt }) {
    const client = new Anthropic({ baseURL: address, apiKey: 'none', maxRetries: 0 });
    const stream = client.messages.stream({
      model: pipeline,
      max_tokens: 4_096,
      messages: [{ role: 'user', content: prompt }],
    });
    return readMessage(await stream.finalMessage());
  },
  isReported: (error) => error instanceof APIError && !(error instanceof APIConnectionError),
};
