import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { readArguments } from './asking.mjs';
import { describeClient, prompt, system, weather } from './client-suite.mjs';
import { readOpenAiError } from './openai-errors.mjs';

const first = [
  { role: 'system', content: system },
  { role: 'user', content: prompt },
];
const { name, description, schema: parameters } = weather;

const client = {
  name: 'the client of OpenAI, chat completions',
  dialect: 'openai-chat',
  finishes: { text: 'stop', tools: 'tool_calls', filtered: 'content_filter' },
  heartbeat: /^: hb$/gm,
  connect: (base) => new OpenAI({ baseURL: `${base}/v1`, apiKey: 'not-needed-yet', maxRetries: 0 }),
  readError: readOpenAiError,

  async ask(openai, { model, stream, history = first, tools, signal, onText = () => {} }) {
    const request = {
      model,
      messages: history,
      ...(tools && { tools: [{ type: 'function', function: { name, description, parameters } }] }),
    };
    if (!stream) {
      const { choices, usage } = await openai.chat.completions.create(request, { signal });
      return readChoice(choices[0], usage, history);
    }
    const reasoning = new Reasoning();
    const { choices, usage } = await openai.chat.completions
      .stream({ ...request, stream_options: { include_usage: true } }, { signal })
      .on('content', onText)
      .on('chunk', (chunk) => reasoning.add(chunk.choices[0]?.delta))
      .finalChatCompletion();
    const [{ message, ...choice }] = choices;
    return readChoice({ ...choice, message: { ...message, ...reasoning.fields() } }, usage, history);
  },
};

/** The helper of the client knows no reasoning; what a user of compatible servers does is done here. */
class Reasoning {
  #text = '';
  #details = [];

  add({ reasoning, reasoning_content: content, reasoning_details: details = [] } = {}) {
    this.#text += reasoning ?? content ?? '';
    for (const { text = '', ...detail } of details) {
      const last = this.#details.at(-1);
      if (last === undefined || last.signature !== undefined) this.#details.push({ ...detail, text });
      else Object.assign(last, detail, { text: last.text + text });
    }
  }

  fields() {
    return {
      ...(this.#text !== '' && { reasoning: this.#text }),
      ...(this.#details.length > 0 && { reasoning_details: this.#details }),
    };
  }
}

function readChoice({ message, finish_reason: finish }, usage, history) {
  return {
    text: message.content ?? '',
    thinking: message.reasoning ?? message.reasoning_content,
    calls: (message.tool_calls ?? []).map(({ id, function: called }) => ({
      id,
      name: called.name,
      arguments: readArguments(called.arguments),
    })),
    finish,
    usage: { input: usage?.prompt_tokens, output: usage?.completion_tokens },
    reply: (results) => [
      ...history,
      message,
      ...results.map(({ id, text }) => ({ role: 'tool', tool_call_id: id, content: text })),
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
