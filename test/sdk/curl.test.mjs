import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { inTime, startStage, until } from './stage.mjs';
import { anthropicMessages } from './upstreams/anthropic-messages.mjs';

const hasCurl = spawnSync('curl', ['--version']).status === 0;
const pipeline = anthropicMessages.type;
const messages = [{ role: 'user', content: 'Hi' }];
const sse = 'text/event-stream; charset=utf-8';

/** Of every dialect: path, body, type of a stream, what a stream says at its end and at no other place, and how it fails. */
const dialects = [
  {
    name: 'native',
    path: () => 'chat',
    body: { messages },
    end: /event: stream\.end\ndata: .*"outcome":"ok"\}\n\n$/,
    failure: /event: error\n[^]*"outcome":"error"\}\n\n$/,
  },
  {
    name: 'openai-chat',
    path: () => 'v1/chat/completions',
    body: { messages, stream: true },
    end: /data: \[DONE\]\n\n$/,
    failure: /data: \{"error":.*\n\n$/,
  },
  {
    name: 'openai-responses',
    path: () => 'v1/responses',
    body: { input: 'Hi', stream: true },
    end: /event: response\.completed\ndata: .*\n\n$/,
    failure: /event: (error|response\.failed)\ndata: .*\n\n$/,
  },
  {
    name: 'anthropic-messages',
    path: () => 'v1/messages',
    body: { messages, max_tokens: 100, stream: true },
    end: /event: message_stop\ndata: .*\n\n$/,
    failure: /event: error\ndata: .*\n\n$/,
  },
  {
    name: 'gemini',
    path: (model) => `v1beta/models/${model}:streamGenerateContent?alt=sse`,
    body: { contents: [{ role: 'user', parts: [{ text: 'Hi' }] }] },
    end: /data: .*"finishReason":"STOP".*\n\n$/,
    failure: /data: \{"error":.*\n\n$/,
  },
  {
    name: 'ollama',
    path: () => 'api/chat',
    body: { messages },
    type: 'application/x-ndjson',
    end: /"done":true.*\n$/,
    failure: /\{"error":.*\n$/,
  },
];

describe('curl, as it is', { skip: !hasCurl && 'there is no curl' }, () => {
  const stage = {};
  const provider = () => stage.providers.get(pipeline);

  before(async () => Object.assign(stage, await startStage([anthropicMessages])));
  after(() => stage.stop?.());

  /** Starts curl; what it has printed so far is in `shown`. */
  const curl = ({ path, body, name }, model, ...options) => {
    const base = `${stage.product.origin}/pipelines/${pipeline}/${path(model)}`;
    const said = JSON.stringify(name === 'gemini' ? body : { ...body, model });
    const child = spawn('curl', ['-sS', ...options, base, '-H', 'content-type: application/json', '-d', said]);
    const seen = { child, shown: '', gone: once(child, 'close') };
    child.stdout.on('data', (bytes) => (seen.shown += bytes.toString('utf8')));
    return seen;
  };
  const finished = async (seen) => {
    const [code] = await seen.gone;
    return { code, shown: seen.shown };
  };

  for (const dialect of dialects) {
    const { name, type = sse, end, failure } = dialect;

    it(`${name}: shows a stream to its end, with the headers that proxies need`, async () => {
      const { code, shown } = await finished(curl(dialect, 'text', '-N', '-i'));
      assert.equal(code, 0);
      const [head, ...rest] = shown.split('\r\n\r\n');
      const headers = head.toLowerCase();
      assert.match(headers, /^http\/1\.1 200 /);
      for (const line of [`content-type: ${type}`, 'cache-control: no-cache, no-transform', 'x-accel-buffering: no'])
        assert.ok(headers.includes(`\r\n${line}`), `${line} is in ${headers}`);
      assert.match(rest.join('\r\n\r\n'), end);
    });

    it(`${name}: shows pieces while the stream goes on; the provider sees curl end`, async () => {
      const closed = provider().closed('endless');
      const seen = curl(dialect, 'endless', '-N');
      await until(() => seen.shown.split(' there').length > 3, 'nothing was shown');
      seen.child.kill('SIGINT');
      await finished(seen);
      assert.doesNotMatch(seen.shown, end);
      await inTime(closed, 'the provider saw nobody leave');
    });

    for (const scenario of ['cut', 'reset', 'error-inside']) {
      it(`${name}, ${scenario}: the last that is shown is the failure`, async () => {
        const { code, shown } = await finished(curl(dialect, scenario, '-N'));
        assert.equal(code, 0, 'the HTTP answer is whole');
        assert.match(shown, failure);
        assert.doesNotMatch(shown, end);
        assert.doesNotMatch(shown, /secret-of-upstream/);
      });
    }

    it(`${name}, rate-limit: ends with code 22 under --fail, and shows when to come again`, async () => {
      const { code, shown } = await finished(curl(dialect, 'rate-limit', '-N', '-i', '--fail-with-body'));
      assert.equal(code, 22);
      assert.match(shown, /^HTTP\/1\.1 429 [^]*retry-after: 7\r\n/i);
      assert.match(shown, /limits the rate/);
    });
  }
});
