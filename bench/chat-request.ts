/** The request that every system gets, about 600 bytes. With `include_usage` all streams have one usage chunk. */
export function chatBody(stream: boolean): string {
  return JSON.stringify({
    model: 'mock',
    messages: [
      { role: 'system', content: 'You are a careful assistant. Answer in plain words and keep to what you know.' },
      { role: 'user', content: 'How do I read an answer while it is still being written?' },
      { role: 'assistant', content: 'Ask for a stream and handle each event as it arrives; the last one says [DONE].' },
      {
        role: 'user',
        content: 'And what does a gateway between us cost? Please explain it with an example in two paragraphs.',
      },
    ],
    temperature: 0.2,
    max_tokens: 512,
    user: 'bench-user-1',
    stream,
    ...(stream ? { stream_options: { include_usage: true } } : {}),
  });
}

/** The bytes of one HTTP/1.1 request, ready for the socket. */
export function chatRequest(path: string, stream: boolean): Buffer {
  const body = chatBody(stream);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: 127.0.0.1',
    'content-type: application/json',
    `accept: ${stream ? 'text/event-stream' : 'application/json'}`,
    'authorization: Bearer bench-client',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`);
}
