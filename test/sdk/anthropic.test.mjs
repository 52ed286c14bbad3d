import assert from 'node:assert/strict';
import { it } from 'node:test';
import Anthropic from '@anthropic-ai/sdk';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const classes = {
  400: Anthropic.BadRequestError,
  404: Anthropic.NotFoundError,
  429: Anthropic.RateLimitError,
  502: Anthropic.InternalServerError,
  503: Anthropic.InternalServerError,
};

const client = {
  name: 'the client of Anthropic',
  dialect: 'anthropic-messages',
  finishes: { text: 'end_turn', tools: 'tool_use', filtered: 'refusal' },
  heartbeat: /event: ping/g,
  /** An overload has a status of its own in this dialect. */
  statuses: { 503: 529 },

  connect: (base) => new Anthropic({ baseURL: base, apiKey: 'not-needed-yet', maxRetries: 0 }),

  async ask(
    anthropic,
    { model, stream, history = [{ role: 'user', content: prompt }], tools, thinking, signal, onText = () => {} },
  ) {
    const request = {
      model,
      max_tokens: 4_096,
      system,
      messages: history,
      ...(tools && { tools: [{ name: weather.name, description: weather.description, input_schema: weather.schema }] }),
      ...(thinking && { thinking: { type: 'enabled', budget_tokens: 1_024 } }),
    };
    const message = stream
      ? await anthropic.messages.stream(request, { signal }).on('text', onText).finalMessage()
      : await anthropic.messages.create(request, { signal });
    return readMessage(message, history);
  },

  readError(error, status) {
    assert.ok(error instanceof (classes[status] ?? Anthropic.APIError), `${error.constructor.name}: ${error.message}`);
    assert.equal(error.error.type, 'error');
    return { status: error.status, message: error.message, retryAfter: error.headers?.get('retry-after') };
  },
};

function readMessage({ content, stop_reason: finish, usage }, history) {
  const textOf = (type, field = type) =>
    content
      .filter((block) => block.type === type)
      .map((block) => block[field])
      .join('');
  return {
    text: textOf('text'),
    thinking: textOf('thinking'),
    calls: content
      .filter(({ type }) => type === 'tool_use')
      .map(({ id, name, input }) => ({ id, name, arguments: input })),
    finish,
    usage: { input: usage.input_tokens, output: usage.output_tokens },
    reply: (results) => [
      ...history,
      { role: 'assistant', content },
      {
        role: 'user',
        content: results.map(({ id, text }) => ({ type: 'tool_result', tool_use_id: id, content: text })),
      },
    ],
  };
}

describeClient(client, (stage) => {
  it('lists the models', async () => {
    const ids = [];
    for await (const { id } of stage.connect('gemini').models.list()) ids.push(id);
    assert.ok(ids.includes('gemini') && ids.includes('mock-1'), ids.join(', '));
  });
});
