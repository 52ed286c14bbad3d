import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { HttpMessageReader } from './http-message-reader.ts';
import { probe } from './probe-client.ts';
import { everySplit } from './sse-cases.ts';

interface Message {
  start: string;
  headers: Record<string, string>;
  body: string;
  complete: boolean;
}

function readAll(
  kind: 'request' | 'response',
  chunks: readonly Buffer[],
  noBody = false,
): { messages: Message[]; reader: HttpMessageReader } {
  const messages: Message[] = [];
  const reader = new HttpMessageReader(kind, {
    onHead: ({ startLine, headers }) => {
      messages.push({ start: startLine, headers: { ...headers }, body: '', complete: false });
      return noBody ? 'no-body' : undefined;
    },
    onBody: (bytes) => {
      const last = messages.at(-1);
      if (last !== undefined) last.body += bytes.toString('latin1');
    },
    onEnd: () => {
      const last = messages.at(-1);
      if (last !== undefined) last.complete = true;
    },
  });
  for (const chunk of chunks) reader.push(chunk);
  return { messages, reader };
}

const chunked =
  'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nx-a: 2\r\n\r\n5\r\nhello\r\nA;ext=1\r\n, world!!\n\r\n0\r\nx-trailer: t\r\n\r\n';

describe('HttpMessageReader', () => {
  it('reads messages one after another, cut anywhere', () => {
    const second =
      'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc';
    for (const { chunks } of everySplit(Buffer.from(chunked + second))) {
      expect(readAll('response', chunks).messages).toEqual([
        {
          start: 'HTTP/1.1 200 OK',
          headers: { 'transfer-encoding': 'chunked', 'x-a': '1, 2' },
          body: 'hello, world!!\n',
          complete: true,
        },
        { start: 'HTTP/1.1 204 No Content', headers: { 'content-length': '0' }, body: '', complete: true },
        { start: 'HTTP/1.1 200 OK', headers: { 'content-length': '3' }, body: 'abc', complete: true },
      ]);
    }
  });

  it('takes a body without a length as lasting until the end', () => {
    const { messages, reader } = readAll('response', [Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc'), Buffer.from('def')]);
    expect(messages).toMatchObject([{ body: 'abcdef', complete: false }]);
    reader.end();
    expect(messages).toMatchObject([{ complete: true }]);
  });

  it('does not take a cut message as complete', () => {
    const whole = Buffer.from(chunked);
    for (let end = 1; end < whole.length; end += 1) {
      const { messages, reader } = readAll('response', [whole.subarray(0, end)]);
      reader.end();
      expect(messages.some(({ complete }) => complete)).toBe(false);
      expect(reader.isOpen).toBe(true);
    }
  });

  it.each([
    ['request', 'GET /\r\n\r\n'],
    ['request', 'GET / HTTP/2.0\r\n\r\n'],
    ['response', 'SSH-2.0-x\r\n'],
    ['response', 'HTTP/1.1 200 OK\nx: 1\n\n'],
    ['response', 'HTTP/1.1 200 OK\r\nno colon\r\n\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\nx : 1\r\n\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
    ['response', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nab\r\n'],
    ['response', 'a'.repeat(1_048_577)],
  ] as const)('refuses in a %s: %s', (kind, text) => {
    expect(() => readAll(kind, [Buffer.from(text)])).toThrow();
  });

  it('reads what Node itself writes', async () => {
    const server = createServer((_request, response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.write('first ');
      response.end('second');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = await probe({ port: (server.address() as AddressInfo).port }, { path: '/', body: {} });
    expect(await client.end()).toBe('complete');
    expect(await client.response()).toMatchObject({
      status: 200,
      text: 'first second',
      headers: { 'set-cookie': 'a=1, b=2' },
    });
    client.destroy();
    server.close();
  });
});
