import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { startProduct, writePipelines } from './product.mjs';
import { scenarioNames, startRawUpstream } from './raw-upstream.mjs';

const messages = [{ role: 'user', content: 'hi' }];

/**
 * Breaks after content was sent: status 200 is out, so the client must find an error in the stream. Where OpenAI has a
 * code of its own, that one is sent.
 */
const cutInTheMiddle = [
  ['clean-end', 'UPSTREAM_TRUNCATED'],
  ['close-delimited', 'UPSTREAM_TRUNCATED'],
  ['reset', 'UPSTREAM_RESET'],
  ['fin-between-chunks', 'UPSTREAM_TRUNCATED'],
  ['fin-inside-chunk', 'UPSTREAM_TRUNCATED'],
  ['half-an-event', 'UPSTREAM_TRUNCATED'],
  ['short-content-length', 'UPSTREAM_TRUNCATED'],
  ['error-frame', 'UPSTREAM_ERROR'],
  ['error-event', 'overloaded'],
  ['broken-json', 'UPSTREAM_BAD_FRAME'],
  ['stall', 'UPSTREAM_STALLED'],
  ['comments-only', 'UPSTREAM_NO_PROGRESS'],
];

/** Breaks before any content: the client gets a true HTTP status. */
const failedBefore = [
  ['silent', 504, 'UPSTREAM_HEADERS_TIMEOUT'],
  ['no-token', 504, 'UPSTREAM_FIRST_TOKEN_TIMEOUT'],
  ['empty-stream', 502, 'UPSTREAM_TRUNCATED'],
  ['empty-answer', 502, 'UPSTREAM_RESET'],
  ['html', 502, 'UPSTREAM_BAD_CONTENT'],
  ['server-error', 502, 'UPSTREAM_5XX'],
  ['rate-limit', 429, 'rate_limit_exceeded'],
  ['wrong-key', 502, 'UPSTREAM_AUTH'],
  ['rejected', 400, 'UPSTREAM_REJECTED'],
];

describe('a provider that breaks, through the official client', () => {
  let upstream;
  let pipelines;
  let product;

  before(async () => {
    upstream = await startRawUpstream();
    pipelines = writePipelines(
      Object.fromEntries(scenarioNames.map((name) => [name, pipelineFor(name, upstream.port)])),
    );
    product = await startProduct(pipelines.folder, { SDK_API_KEY: 'key-for-the-upstream' });
  });
  after(async () => {
    await product?.stop();
    await upstream?.close();
    pipelines?.remove();
  });

  // Most of them wait for a timer of the product.
  describe('whichever way', { concurrency: 8 }, () => {
    for (const [scenario, code] of cutInTheMiddle) {
      it(`${scenario}: iterating the stream throws`, async () => {
        const stream = await product
          .client(scenario)
          .chat.completions.create({ model: scenario, messages, stream: true });
        const seen = { text: '', finished: false };
        await assert.rejects(
          () => readInto(seen, stream),
          (error) => isFailure(error, code),
        );
        assert.ok(
          'Hello there'.startsWith(seen.text) && seen.text !== '',
          `"${seen.text}" is the beginning of the answer`,
        );
        assert.equal(seen.finished, false, 'no finish reason was made up');
      });

      it(`${scenario}: the helper throws`, async () => {
        const stream = product.client(scenario).chat.completions.stream({ model: scenario, messages });
        await assert.rejects(
          () => stream.finalChatCompletion(),
          (error) => isFailure(error, code),
        );
      });

      it(`${scenario}: an answer that is not streamed throws`, async () => {
        const create = product.client(scenario).chat.completions.create({ model: scenario, messages });
        await assert.rejects(create, (error) => error instanceof OpenAI.APIError && error.status >= 500);
      });
    }

    for (const [scenario, status, code] of failedBefore) {
      it(`${scenario}: a stream ends in status ${status}`, async () => {
        const create = product.client(scenario).chat.completions.create({ model: scenario, messages, stream: true });
        await assert.rejects(create, (error) => isFailure(error, code) && isClean(error, status));
      });

      it(`${scenario}: an answer ends in status ${status}`, async () => {
        const create = product.client(scenario).chat.completions.create({ model: scenario, messages });
        await assert.rejects(create, (error) => isClean(error, status));
      });
    }
  });

  it('rejected: the client learns why', async () => {
    const create = product.client('rejected').chat.completions.create({ model: 'rejected', messages });
    await assert.rejects(create, /temperature is too hot/);
  });

  it('rate-limit: the client learns when to try again', async () => {
    const create = product.client('rate-limit').chat.completions.create({ model: 'rate-limit', messages });
    await assert.rejects(
      create,
      (error) => error instanceof OpenAI.RateLimitError && error.headers.get('retry-after') === '1',
    );
  });

  it('cut-json: half a document throws', async () => {
    const create = product.client('cut-json').chat.completions.create({ model: 'cut-json', messages });
    await assert.rejects(create, (error) => isFailure(error, 'UPSTREAM_TRUNCATED'));
  });

  it('a whole answer does not throw', async () => {
    const client = product.client('whole');
    const stream = client.chat.completions.stream({
      model: 'whole',
      messages,
      stream_options: { include_usage: true },
    });
    const { choices, usage } = await stream.finalChatCompletion();
    assert.equal(choices[0].message.content, 'Hello there');
    assert.equal(usage.total_tokens, 7);
    const answer = await client.chat.completions.create({ model: 'whole', messages });
    assert.equal(answer.choices[0].message.content, 'Hello there');
    assert.equal(upstream.requests.at(-1).fields.authorization, 'Bearer key-for-the-upstream');
  });

  it('a stream whose provider finished but forgot [DONE] is whole', async () => {
    const stream = product.client('no-done').chat.completions.stream({ model: 'no-done', messages });
    assert.equal(await stream.finalContent(), 'Hello there');
  });

  it('a tool call arrives in one piece', async () => {
    const tools = [{ type: 'function', function: { name: 'weather', parameters: { type: 'object' } } }];
    const stream = product.client('tool-call').chat.completions.stream({ model: 'tool-call', messages, tools });
    const { choices } = await stream.finalChatCompletion();
    assert.equal(choices[0].finish_reason, 'tool_calls');
    assert.deepEqual(JSON.parse(choices[0].message.tool_calls[0].function.arguments), { city: 'Bern' });
  });

  it('a client that leaves closes the connection to the provider', async () => {
    const stream = await product
      .client('endless')
      .chat.completions.create({ model: 'endless', messages, stream: true });
    const closed = upstream.closed('endless');
    let seen = 0;
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta.content) seen += 1;
      if (seen === 5) stream.controller.abort();
    }
    await closed;
    assert.ok(product.alive());
  });
});

/**
 * Timers small enough for a test; the first to fire must be the one that is meant. For an answer that is one document,
 * silence and comments say nothing until the total time is over.
 */
function pipelineFor(scenario, port) {
  const patient = { connect: '5s', headers: '5s', firstToken: '5s', idle: '5s', progress: '5s', total: '30s' };
  const hurried = {
    silent: { headers: '300ms', total: '1s' },
    'no-token': { firstToken: '300ms', total: '1s' },
    stall: { idle: '300ms' },
    'comments-only': { progress: '400ms', total: '1s' },
  };
  return {
    backends: {
      upstream: {
        type: 'openai-chat',
        config: { baseUrl: `http://127.0.0.1:${port}/${scenario}/v1`, model: 'mock-1' },
        token: { type: 'static', config: { token: { $env: 'SDK_API_KEY' } } },
        network: 'private',
        timeouts: { ...patient, ...hurried[scenario] },
      },
    },
  };
}

async function readInto(seen, stream) {
  for await (const chunk of stream) {
    seen.text += chunk.choices[0]?.delta.content ?? '';
    seen.finished ||= Boolean(chunk.choices[0]?.finish_reason);
  }
}

function isFailure(error, code) {
  assert.ok(error instanceof OpenAI.APIError, `${error.name}: ${error.message}`);
  assert.equal(error.code, code);
  return true;
}

/** The true status, and nothing of what only the operator may see. */
function isClean(error, status) {
  assert.equal(error.status, status);
  assert.doesNotMatch(JSON.stringify(error.error), /secret-of-upstream|key-for-the-upstream|127\.0\.0\.1/);
  return true;
}
