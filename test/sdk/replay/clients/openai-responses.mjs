import OpenAI, { APIConnectionError, APIError } from 'openai';
import { readResponse } from '../direct/responses.mjs';
import { failed } from '../reading.mjs';

/** The official client of OpenAI, on responses. */
export const openaiResponses = {
  name: 'openai responses',
  dialect: 'openai-responses',
  async read({ address, pipeline, prompt }) {
    const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
    const response = await client.responses.stream({ model: pipeline, input: prompt }).finalResponse();
    return response.status === 'failed' ? failed : readResponse(response);
  },
  isReported: (error) => error instanceof APIError && !(error instanceof APIConnectionError),
};
