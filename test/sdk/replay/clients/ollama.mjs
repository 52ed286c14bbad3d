import { Ollama } from 'ollama';
import { readLines } from '../direct/ollama.mjs';

/** The official client of Ollama. It throws what stands in an error line as a plain error. */
export const ollama = {
  name: 'ollama',
  dialect: 'ollama',
  async read({ address, pipeline, prompt }) {
    const client = new Ollama({ host: address });
    const stream = await client.chat({ model: pipeline, messages: [{ role: 'user', content: prompt }], stream: true });
    const lines = [];
    for await (const line of stream) lines.push(line);
    return readLines(lines);
  },
  isReported: ({ name, message }) =>
    name === 'ResponseError' || (name === 'Error' && !message.startsWith('Did not receive done')),
};
