import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { openProbe, probe, requestBytes } from './probe-client.ts';
import { TestClock } from './test-clock.ts';
import { eventually, turn } from './turn.ts';

let server: Server | undefined;

async function listen(onSocket: (socket: Socket) => void, allowHalfOpen = false): Promise<{ port: number }> {
  server = createServer({ allowHalfOpen }, (socket) => {
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port };
}

/** Sends `text` as soon as the whole of a request has come. */
const answer =
  (text: string) =>
  (socket: Socket): void =>
    void socket.once('data', () => socket.write(text));
const chunked = 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n';

afterEach(() => void server?.close());

describe('ProbeClient', () => {
  it('sends what it is told, whole or byte by byte', async () => {
    const request = { path: '/p', headers: { 'X-A': '1' }, body: { a: 'ü' } };
    const text =
      'POST /p HTTP/1.1\r\nhost: sluice.test\r\ncontent-type: application/json\r\ncontent-length: 10\r\nX-A: 1\r\n\r\n{"a":"ü"}';
    expect(requestBytes(request).toString()).toBe(text);
    let reads = 0;
    let received = '';
    const options = await listen((socket) =>
      socket.on('data', (bytes) => {
        reads += 1;
        received += bytes.toString('latin1');
      }),
    );
    const client = await probe(options, request, { slice: 1 });
    await eventually(() => received.length === Buffer.byteLength(text), 'the request');
    expect(Buffer.from(received, 'latin1').toString()).toBe(text);
    expect(reads).toBeGreaterThan(20);
    client.destroy();
  });

  it('sends a part, and later the rest', async () => {
    let received = '';
    const options = await listen((socket) => socket.on('data', (bytes) => (received += bytes.toString())));
    const request = { path: '/', body: 'abcdef' };
    const whole = requestBytes(request);
    const client = await probe(options, request, { only: whole.length - 3 });
    await eventually(() => received.endsWith('abc'), 'the first half');
    expect(client.sent).toBe(0);
    await client.write(whole.subarray(-3));
    await eventually(() => received.endsWith('abcdef'), 'the second half');
    client.destroy();
  });

  it('dates every read, and reads heads, interim answers and chunks', async () => {
    const clock = new TestClock({ start: 0 });
    const options = await listen((socket) => {
      socket.once('data', () =>
        socket.write(
          `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${chunked}2\r\n\xc3\r\n`.replace('2\r\n\xc3', '1\r\n\xc3'),
          'latin1',
        ),
      );
      clock.after(250, () => socket.write('4\r\n\xbc+ \n\r\n0\r\n\r\n', 'latin1'));
    });
    const client = await probe({ ...options, clock }, { path: '/' });
    const response = await client.response();
    expect(response).toMatchObject({ status: 200, reason: 'OK', text: '', end: undefined });
    await clock.advance(250);
    expect(await client.end()).toBe('complete');
    expect([response.text, response.pieces.map(({ at }) => at)]).toEqual(['ü+ \n', [0, 250]]);
    expect(client.received.toString()).toContain('103 Early Hints');
    client.destroy();
  });

  it.each([
    ['complete', (socket: Socket) => socket.write(`${chunked}1\r\na\r\n0\r\n\r\n`)],
    ['complete', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\n\r\na')],
    ['complete', (socket: Socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na')],
    ['fin', (socket: Socket) => socket.end(`${chunked}1\r\na\r\n`)],
    ['fin', (socket: Socket) => socket.end(`${chunked}1\r\na\r\n0\r\n`)],
    ['fin', (socket: Socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\na')],
    ['fin', (socket: Socket) => socket.end()],
    [
      'reset',
      (socket: Socket) => socket.write(`${chunked}1\r\na\r\n`, () => setImmediate(() => socket.resetAndDestroy())),
    ],
    ['reset', (socket: Socket) => socket.resetAndDestroy()],
  ] as const)('tells that a response ended: %s', async (end, act) => {
    const client = await probe(await listen((socket) => socket.once('data', () => act(socket))), { path: '/' });
    expect(await client.end()).toBe(end);
    client.destroy();
  });

  it('reads two answers to two pipelined requests, the first without a body', async () => {
    const options = await listen(
      answer('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nHTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno'),
    );
    const client = await openProbe(options);
    await client.send({ method: 'HEAD', path: '/' });
    await client.send({ path: '/b' });
    expect([await client.end(0), await client.end(1)]).toEqual(['complete', 'complete']);
    expect(client.responses.map(({ status, text }) => [status, text])).toEqual([
      [200, ''],
      [404, 'no'],
    ]);
    client.destroy();
  });

  it('waits for a text that comes in pieces, and says what came in its place', async () => {
    const options = await listen((socket) =>
      socket.once('data', () => {
        socket.write(`${chunked}3\r\nneed\r\n`.replace('3', '4'));
        setImmediate(() => socket.end('3\r\nle!\r\n'));
      }),
    );
    const client = await probe(options, { path: '/' });
    expect(await client.until('needle')).toBe('needle!');
    expect(await client.until((text) => text.length > 3)).toBe('needle!');
    await expect(client.until('hay')).rejects.toThrow(/ended \(fin\) before "hay" came.*needle|before "hay" came/s);
    await expect(client.response(1)).rejects.toThrow('before response 1 came');
  });

  it('reads nothing while it is paused, so that the server is blocked', async () => {
    let blocked = false;
    const options = await listen((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        const pump = (): void => {
          while (socket.write(Buffer.alloc(65_536)));
          blocked = true;
          socket.once('drain', () => {
            blocked = false;
            pump();
          });
        };
        pump();
      }),
    );
    const client = await openProbe(options);
    client.pause();
    await client.send({ path: '/' });
    await turn(300);
    expect(blocked).toBe(true);
    expect(client.bytesReceived).toBeLessThan(1_048_576);
    client.resume();
    await eventually(() => client.bytesReceived > 20_000_000, 'much more than the system holds');
    client.destroy();
    expect([await client.close(), client.leftBy]).toEqual(['left', 'destroy']);
  });

  it('half-closes and reads on', async () => {
    const options = await listen(
      (socket) => socket.resume().once('end', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbye')),
      true,
    );
    const client = await probe(options, { path: '/' });
    client.fin();
    expect(await client.end()).toBe('complete');
    expect([client.responses[0]?.text, client.leftBy, await client.close()]).toEqual(['bye', 'fin', 'fin']);
  });

  it('resets', async () => {
    const seen = Promise.withResolvers<string>();
    const options = await listen((socket) =>
      socket.on('error', (error: NodeJS.ErrnoException) => seen.resolve(String(error.code))),
    );
    const client = await openProbe(options);
    client.reset();
    expect(await seen.promise).toBe('ECONNRESET');
    expect(await client.end()).toBe('left');
  });

  it('says what is no HTTP and goes on recording', async () => {
    const options = await listen((socket) => socket.once('data', () => socket.end('SSH-2.0\r\nmore')));
    const client = await probe(options, { path: '/' });
    await client.close();
    expect([client.malformed, client.received.toString()]).toEqual([
      expect.stringContaining('No start line'),
      'SSH-2.0\r\nmore',
    ]);
  });

  it('rejects where nobody listens', async () => {
    const { port } = await listen(() => undefined);
    await new Promise((resolve) => server?.close(resolve));
    await expect(openProbe({ port })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});
