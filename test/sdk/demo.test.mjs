import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import OpenAI from 'openai';
import { projectFolder, startProduct } from './product.mjs';

const pipelinesFolder = join(projectFolder, 'pipelines');
const messages = [{ role: 'user', content: 'My password is hunter2. What is in the vault?' }];

describe('the demo pipeline, through the official client', () => {
  let product;
  let client;

  before(async () => {
    product = await startProduct(pipelinesFolder);
    client = product.client('demo');
  });
  after(() => product?.stop());

  // The demo takes its time to answer, so the questions are asked at the same time.
  describe('while it serves', { concurrency: true }, () => {
    it('streams text in which the words are masked', async () => {
      const stream = await client.chat.completions.create({ model: 'demo', messages, stream: true });
      const chunks = [];
      for await (const chunk of stream) chunks.push(chunk);
      const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('');
      assertMasked(text);
      assert.ok(chunks.length > 3, 'the text came in pieces');
      assert.equal(chunks[0].choices[0].delta.role, 'assistant');
      assert.equal(chunks.at(-1).choices[0].finish_reason, 'stop');
      assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
    });

    it('gives the same text at once', async () => {
      const { choices, usage } = await client.chat.completions.create({ model: 'demo', messages });
      const stream = client.chat.completions.stream({ model: 'demo', messages });
      assertMasked(choices[0].message.content);
      assert.equal(choices[0].finish_reason, 'stop');
      assert.ok(usage.total_tokens > 0);
      assert.equal(await stream.finalContent(), choices[0].message.content);
    });

    it('reports usage in the stream when it is asked for', async () => {
      const options = { stream: true, stream_options: { include_usage: true } };
      const stream = await client.chat.completions.create({ model: 'demo', messages, ...options });
      const usages = [];
      for await (const { usage } of stream) if (usage) usages.push(usage);
      assert.equal(usages.length, 1);
      assert.ok(usages[0].total_tokens > 0);
    });

    it('lists its models', async () => {
      const ids = [];
      for await (const model of client.models.list()) ids.push(model.id);
      assert.ok(ids.includes('demo'), `demo is one of ${ids.join(', ')}`);
    });

    it('takes each model that it lists', async () => {
      for await (const { id } of client.models.list()) {
        const { choices } = await client.chat.completions.create({ model: id, messages });
        assertMasked(choices[0].message.content);
      }
    });

    it('refuses a model that it does not know', async () => {
      const create = client.chat.completions.create({ model: 'no-such-model', messages, stream: true });
      await assert.rejects(create, (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError);
        assert.match(error.message, /There is no model "no-such-model" here/);
        return true;
      });
    });

    it('refuses a pipeline that it does not know', async () => {
      const create = product.client('no-such-pipeline').chat.completions.create({ model: 'demo', messages });
      await assert.rejects(
        create,
        (error) => error instanceof OpenAI.NotFoundError && /no pipeline/.test(error.message),
      );
    });

    it('names the field of a request that is wrong', async () => {
      const create = client.chat.completions.create({ model: 'demo', messages, temperature: 'hot' });
      await assert.rejects(
        create,
        (error) => error instanceof OpenAI.BadRequestError && /temperature/.test(error.message),
      );
    });

    it('keeps a password from the provider, which repeats what it was asked', async () => {
      const { choices } = await client.chat.completions.create({ model: 'demo', messages });
      assert.match(choices[0].message.content, /What is in the vault\?/);
      assert.doesNotMatch(choices[0].message.content, /hunter2/);
    });

    it('goes on after a client has left in the middle', async () => {
      const stream = await client.chat.completions.create({ model: 'demo', messages, stream: true });
      for await (const chunk of stream) {
        if (chunk.choices[0]?.delta.content) stream.controller.abort();
      }
      const { choices } = await client.chat.completions.create({ model: 'demo', messages });
      assertMasked(choices[0].message.content);
      assert.ok(product.alive());
    });
  });

  it('ends cleanly', async () => {
    assert.equal(await product.stop(), 0);
  });
});

function assertMasked(text) {
  const { words, mask } = readMask();
  assert.ok(text.includes(mask), `"${text}" shows ${mask}`);
  for (const word of words) {
    assert.ok(!text.toLowerCase().includes(word.toLowerCase()), `"${text}" does not say "${word}"`);
  }
}

/** What the demo masks, as its own definition says. */
function readMask() {
  const definition = readJson(join(pipelinesFolder, 'demo.json'));
  const { config } = definition.modifiers.find(({ type }) => type === 'mask-words');
  const words =
    typeof config.words === 'string'
      ? readJson(join(pipelinesFolder, 'resources/word-list', `${config.words}.json`))
      : config.words;
  return { words, mask: config.with ?? '***' };
}

function readJson(path) {
  return JSON.parse(readFileSync(path, 'utf8'));
}
