import OpenAI, { APIConnectionError, APIError } from 'openai';
import { isDeepStrictEqual } from 'node:util';
import { readChatChunks, readCompletion } from '../direct/chat.mjs';

/** The official client of OpenAI, on chat completions: the helper that puts a completion together, and its chunks. */
export const openaiChat = {
  name: 'openai chat',
  dialect: 'openai-chat',
  async read({ address, pipeline, prompt }) {
    const client = new OpenAI({ baseURL: `${address}/v1`, apiKey: 'none', maxRetries: 0 });
    const stream = client.chat.completions.stream({
      model: pipeline,
      messages: [{ role: 'user', content: prompt }],
      stream_options: { include_usage: true },
    });
    const chunks = [];
    for await (const chunk of stream) chunks.push(structuredClone(chunk));
    const fromChunks = readChatChunks(chunks);
    const fromHelper = readCompletion(await stream.finalChatCompletion());
    // The helper knows no reasoning.
    fromHelper.choices.forEach((choice, at) => (choice.reasoning = fromChunks.choices[at]?.reasoning));
    if (!isDeepStrictEqual(fromHelper, fromChunks))
      throw new Error(`helper and chunks differ: ${JSON.stringify(fromHelper)} and ${JSON.stringify(fromChunks)}`);
    return fromHelper;
  },
  isReported: (error) => error instanceof APIError && !(error instanceof APIConnectionError),
};
