import assert from 'node:assert/strict';
import { EventSource } from 'eventsource';
import { readArguments } from './asking.mjs';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const first = [
  { role: 'system', content: system },
  { role: 'user', content: prompt },
];

/** What the product said in place of an answer, or in the middle of one. */
class ProductError extends Error {
  constructor(message, fields) {
    super(message);
    Object.assign(this, fields);
  }
}

const client = {
  name: 'an EventSource, and fetch for answers in one piece, in the native format',
  finishes: { text: 'stop', tools: 'tool_calls', filtered: 'content_filter' },
  heartbeat: /^: hb$/gm,
  connect: (base) => `${base}/chat`,

  async ask(url, { model, stream, history = first, tools, thinking, signal, onText = () => {} }) {
    const request = {
      model,
      stream,
      messages: history,
      ...(tools && { tools: [{ name: weather.name, description: weather.description, parameters: weather.schema }] }),
      ...(thinking && { settings: { reasoningEffort: 'low', showReasoning: true } }),
    };
    const post = postOf(request, signal);
    const {
      message,
      finishReason: finish,
      usage,
    } = stream ? await readEvents(url, post, signal, onText) : await (await post(url)).json();
    const calls = (message.toolCalls ?? []).map(({ id, name, arguments: json }) => ({
      id,
      name,
      arguments: readArguments(json),
    }));
    return {
      text: message.content,
      thinking: message.reasoning ?? '',
      calls,
      finish,
      usage: { input: usage?.inputTokens ?? usage?.input?.total, output: usage?.outputTokens ?? usage?.output?.total },
      reply: (results) => [
        ...history,
        message,
        ...results.map(({ id, text }) => ({ role: 'tool', callId: id, content: text })),
      ],
    };
  },

  readError(error, status) {
    assert.ok(error instanceof ProductError, `${error.name}: ${error.message}`);
    assert.match(error.code, /^[A-Z_0-9]+$/);
    return {
      status: status === undefined ? undefined : error.status,
      message: error.message,
      retryAfter: error.retryAfter,
    };
  },
};

/** A POST request, as the `fetch` of an EventSource. */
const postOf = (request, signal) =>
  async function post(address, init = {}) {
    const response = await fetch(address, {
      ...init,
      method: 'POST',
      headers: { ...init.headers, 'content-type': 'application/json' },
      body: JSON.stringify(request),
      signal: init.signal ?? signal,
    });
    if (response.ok) return response;
    assert.equal(response.headers.get('content-type'), 'application/problem+json');
    const { detail, ...problem } = await response.json();
    throw new ProductError(detail, { ...problem, retryAfter: response.headers.get('retry-after') });
  };

/** Reads the events to the last one, and builds the message that they tell of. */
async function readEvents(url, post, signal, onText) {
  const { promise, resolve, reject } = Promise.withResolvers();
  const refused = async (...given) =>
    post(...given).catch((error) => {
      reject(error);
      throw error;
    });
  const source = new EventSource(url, { fetch: refused });
  signal?.addEventListener('abort', () => {
    source.close();
    reject(new Error('aborted'));
  });
  const blocks = new Map();
  const answer = {};
  const on = (type, act) => source.addEventListener(type, (event) => act(JSON.parse(event.data), event));
  on('block.start', ({ blockId, kind, name, callId: id }) => blocks.set(blockId, { kind, name, id, text: '' }));
  on('text.delta', ({ blockId, text }) => {
    const block = blocks.get(blockId);
    block.text += text;
    if (block.kind === 'text') onText(text);
  });
  on('toolArgs.delta', ({ blockId, json }) => (blocks.get(blockId).text += json));
  on(
    'reasoning.signature',
    ({ blockId, value, format, encrypted }) => (blocks.get(blockId).signature = { value, format, encrypted }),
  );
  on('block.end', ({ blockId, final }) => {
    const block = blocks.get(blockId);
    if (final !== undefined && block.text === '') block.text = JSON.stringify(final);
  });
  on('usage', (usage) => (answer.usage = usage));
  on('finish', ({ reason }) => (answer.finishReason = reason.unified));
  on('stream.end', ({ outcome }) => {
    if (outcome === 'ok' || outcome === 'blocked') resolve({ ...answer, message: messageOf([...blocks.values()]) });
  });
  // The name is used twice: our own event has data, a broken connection has none.
  source.addEventListener('error', ({ data, message }) => {
    if (data === undefined) return reject(new Error(message));
    const { message: words, ...fields } = JSON.parse(data);
    reject(new ProductError(words, fields));
  });
  return promise.finally(() => source.close());
}

function messageOf(blocks) {
  const join = (...kinds) =>
    blocks
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ text }) => text)
      .join('');
  const calls = blocks
    .filter(({ kind }) => kind === 'tool_call')
    .map(({ id, name, text }) => ({ id, name, arguments: text }));
  return {
    role: 'assistant',
    content: join('text'),
    reasoning: join('reasoning', 'reasoning_summary'),
    ...(calls.length > 0 && { toolCalls: calls }),
    parts: blocks.map(partOf),
  };
}

function partOf({ kind, name, id, text, signature }) {
  if (kind === 'tool_call') return { type: kind, id, name, arguments: text };
  if (kind === 'text') return { type: kind, text };
  return { type: 'reasoning', text, ...(signature && { signature }) };
}

describeClient(client);
