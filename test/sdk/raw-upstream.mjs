import { createServer } from 'node:net';

/*
 * A model provider on a bare socket, so that it can break a connection in every way there is. The first segment of the
 * path names the scenario: a pipeline for "reset" has the base URL http://127.0.0.1:PORT/reset/v1.
 */

const maximumRequestBytes = 1024 * 1024;

const chunk = (delta, rest = {}) => ({
  id: 'chatcmpl-1',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'mock-1',
  choices: [{ index: 0, delta, logprobs: null, finish_reason: null, ...rest }],
});

/** A server-sent event in an HTTP chunk of its own. */
const framed = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (value) => framed(`data: ${typeof value === 'string' ? value : JSON.stringify(value)}\n\n`);

const head = (fields, status = '200 OK') => `HTTP/1.1 ${status}\r\n${fields.join('\r\n')}\r\n\r\n`;
const streamHead = head(['content-type: text/event-stream', 'transfer-encoding: chunked']);
const role = event(chunk({ role: 'assistant', content: '' }));
const hello = event(chunk({ content: 'Hello' }));
const there = event(chunk({ content: ' there' }));
const stop = event(chunk({}, { finish_reason: 'stop' }));
const done = event('[DONE]');
const lastChunk = '0\r\n\r\n';
const beginning = streamHead + role + hello + there;

const jsonError = (status, body, fields = []) =>
  head(['content-type: application/json', `content-length: ${Buffer.byteLength(body)}`, ...fields], status) + body;

const toolCall = (part) => event(chunk({ tool_calls: [{ index: 0, ...part }] }));

const completion = JSON.stringify({
  id: 'chatcmpl-1',
  object: 'chat.completion',
  created: 1_760_000_000,
  model: 'mock-1',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: 'Hello there', refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    },
  ],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
});

/** What each scenario does with the socket once the request has arrived. */
const scenarios = {
  whole: (socket, body) =>
    body.stream === true
      ? socket.write(beginning + stop + usageOf(body) + done + lastChunk)
      : socket.write(head(['content-type: application/json', `content-length: ${completion.length}`]) + completion),
  'no-done': (socket) => socket.write(beginning + stop + lastChunk),
  'tool-call': (socket) =>
    socket.write(
      streamHead +
        toolCall({ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '' } }) +
        toolCall({ function: { arguments: '{"ci' } }) +
        toolCall({ function: { arguments: 'ty":"Bern"}' } }) +
        event(chunk({}, { finish_reason: 'tool_calls' })) +
        done +
        lastChunk,
    ),
  endless: (socket) => {
    socket.write(beginning);
    const timer = setInterval(() => socket.write(there), 20);
    socket.on('close', () => clearInterval(timer));
  },

  'clean-end': (socket) => socket.write(beginning + lastChunk),
  'close-delimited': (socket) =>
    socket.end(
      head(['content-type: text/event-stream', 'connection: close']) +
        `data: ${JSON.stringify(chunk({ content: 'Hello' }))}\n\n`,
    ),
  reset: (socket) => socket.write(beginning, () => setTimeout(() => socket.resetAndDestroy(), 50)),
  'fin-between-chunks': (socket) => socket.end(beginning),
  'fin-inside-chunk': (socket) => socket.end(`${beginning}fff\r\ndata: {"id":"chatcmpl-1","obj`),
  'half-an-event': (socket) => socket.write(beginning + framed('data: {"id":"chatcmpl-1","choi') + lastChunk),
  'short-content-length': (socket) =>
    socket.end(
      head(['content-type: text/event-stream', 'content-length: 100000']) +
        `data: ${JSON.stringify(chunk({ content: 'Hello' }))}\n\n`,
    ),
  'error-frame': (socket) =>
    socket.write(
      beginning + event({ error: { message: 'out of memory', type: 'server_error', code: 'oom' } }) + lastChunk,
    ),
  'error-event': (socket) =>
    socket.write(
      beginning +
        framed('event: error\ndata: {"error":{"message":"overloaded","type":"overloaded_error"}}\n\n') +
        lastChunk,
    ),
  'broken-json': (socket) => socket.write(beginning + event('{"id":') + stop + done + lastChunk),
  stall: (socket) => socket.write(beginning),
  'comments-only': (socket) => {
    socket.write(beginning);
    const timer = setInterval(() => socket.write(framed(': still here\n\n')), 50);
    socket.on('close', () => clearInterval(timer));
  },

  silent: () => {},
  'no-token': (socket) => socket.write(streamHead + role),
  'empty-stream': (socket) => socket.write(streamHead + lastChunk),
  'empty-answer': (socket) => socket.end(),
  html: (socket) => socket.write(head(['content-type: text/html', 'content-length: 15']) + '<html>hi</html>'),
  'server-error': (socket) =>
    socket.write(jsonError('500 Internal Server Error', '{"error":{"message":"secret-of-upstream"}}')),
  'rate-limit': (socket) =>
    socket.write(jsonError('429 Too Many Requests', '{"error":{"message":"slow down"}}', ['retry-after: 1'])),
  'wrong-key': (socket) =>
    socket.write(jsonError('401 Unauthorized', '{"error":{"message":"bad key sk-secret-of-upstream"}}')),
  rejected: (socket) => socket.write(jsonError('400 Bad Request', '{"error":{"message":"temperature is too hot"}}')),
  'cut-json': (socket) =>
    socket.end(head(['content-type: application/json', 'content-length: 5000']) + completion.slice(0, 60)),
};

export const scenarioNames = Object.keys(scenarios);

/**
 * Listens on a free port of 127.0.0.1. `requests` holds what came in; `closed(scenario)` resolves when a connection
 * that played the scenario is closed.
 */
export async function startRawUpstream() {
  const sockets = new Set();
  const requests = [];
  const waiting = [];
  const server = createServer({ noDelay: true }, (socket) => {
    let received = Buffer.alloc(0);
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      for (const waiter of waiting.filter(({ scenario }) => scenario === socket.scenario)) waiter.resolve();
    });
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes]);
      if (received.length > maximumRequestBytes) socket.destroy();
      const request = readRequest(received);
      if (request === undefined) return;
      received = received.subarray(request.length);
      socket.scenario = request.path.split('/')[1];
      requests.push(request);
      (scenarios[socket.scenario] ?? (() => socket.destroy()))(socket, request.body);
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: server.address().port,
    requests,
    closed: (scenario) => new Promise((resolve) => waiting.push({ scenario, resolve })),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The first whole request in `bytes`, or undefined. The product sends a content-length, as every JSON client does. */
function readRequest(bytes) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const fields = Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  const length = end + 4 + Number(fields['content-length'] ?? 0);
  if (bytes.length < length) return undefined;
  const text = bytes.subarray(end + 4, length).toString('utf8');
  return { path: first.split(' ')[1], fields, body: text === '' ? {} : JSON.parse(text), length };
}

function usageOf(body) {
  if (body.stream_options?.include_usage !== true) return '';
  const usage = { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 };
  return event({ ...chunk({}), choices: [], usage });
}
