// The official client of Anthropic, for a pipeline whose provider may be any other. The key is checked by nobody yet.
import Anthropic from '@anthropic-ai/sdk';

const url = process.env.BASE_URL ?? 'http://127.0.0.1:8787';
const question = process.argv[2] ?? 'What is in the vault?';

const client = new Anthropic({ baseURL: `${url}/pipelines/demo`, apiKey: 'none' });
const stream = client.messages.stream({
  model: 'demo',
  max_tokens: 1_024,
  messages: [{ role: 'user', content: question }],
});

stream.on('text', (text) => process.stdout.write(text));
await stream.finalMessage();
process.stdout.write('\n');
