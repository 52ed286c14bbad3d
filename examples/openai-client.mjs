// The official client of OpenAI; only the base URL is ours. The key is checked by nobody yet.
import OpenAI from 'openai';

const url = process.env.BASE_URL ?? 'http://127.0.0.1:8787';
const question = process.argv[2] ?? 'What is in the vault?';

const client = new OpenAI({ baseURL: `${url}/pipelines/demo/v1`, apiKey: 'none' });
const stream = await client.chat.completions.create({
  model: 'demo',
  stream: true,
  messages: [{ role: 'user', content: question }],
});

for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta.content ?? '');
}
process.stdout.write('\n');
