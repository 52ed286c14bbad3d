// The official client of Gemini, for a pipeline whose provider may be any other. The key is checked by nobody yet.
import { GoogleGenAI } from '@google/genai';

const url = process.env.BASE_URL ?? 'http://127.0.0.1:8787';
const question = process.argv[2] ?? 'What is in the vault?';

const client = new GoogleGenAI({ apiKey: 'none', httpOptions: { baseUrl: `${url}/pipelines/demo` } });
const stream = await client.models.generateContentStream({ model: 'demo', contents: question });

for await (const chunk of stream) {
  process.stdout.write(chunk.text ?? '');
}
process.stdout.write('\n');
