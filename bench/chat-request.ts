import type { Dialect } from './dialects.ts';
import type { Target } from './load-job.ts';

const system = 'You are a careful assistant. Answer in plain words and keep to what you know.';
const conversation = [
  { role: 'user', content: 'How do I read an answer while it is still being written?' },
  { role: 'assistant', content: 'Ask for a stream and handle each event as it arrives; the last one says [DONE].' },
  {
    role: 'user',
    content: 'And what does a gateway between us cost? Please explain it with an example in two paragraphs.',
  },
];
const user = 'bench-user-1';
const settings = { model: 'mock', temperature: 0.2, max_tokens: 512 };

/** The request that every system gets, about 600 bytes, as a client of the format writes it. */
const bodies: Readonly<Record<Dialect, (stream: boolean) => object>> = {
  /** With `include_usage` all streams have one usage chunk. */
  openai: (stream) => ({
    ...settings,
    messages: [{ role: 'system', content: system }, ...conversation],
    user,
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  }),
  anthropic: (stream) => ({ ...settings, system, messages: conversation, metadata: { user_id: user }, stream }),
};

const headers: Readonly<Record<Dialect, readonly string[]>> = {
  openai: ['authorization: Bearer bench-client'],
  anthropic: ['x-api-key: bench-client', 'anthropic-version: 2023-06-01'],
};

/** The bytes of one HTTP/1.1 request, ready for the socket. */
export function chatRequest({ path, dialect, stream }: Target): Buffer {
  const body = JSON.stringify(bodies[dialect](stream));
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `accept: ${stream ? 'text/event-stream' : 'application/json'}`,
    ...headers[dialect],
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
