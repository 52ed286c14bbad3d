import { ApiError, GoogleGenAI } from '@google/genai';
import { readChunks } from '../direct/gemini.mjs';

/** The official client of Google. */
export const googleGenai = {
  name: 'google genai',
  dialect: 'gemini',
  async read({ address, pipeline, prompt }) {
    const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: address } });
    const stream = await client.models.generateContentStream({ model: pipeline, contents: prompt });
    const chunks = [];
    for await (const chunk of stream) chunks.push(chunk);
    return readChunks(chunks);
  },
  isReported: (error) => error instanceof ApiError,
};
