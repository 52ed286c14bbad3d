import assert from 'node:assert/strict';
import { AIMessageChunk, HumanMessage, SystemMessage, ToolMessage } from '@langchain/core/messages';
import { ChatAnthropic } from '@langchain/anthropic';
import { ChatOpenAI } from '@langchain/openai';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const apiKey = 'not-needed-yet';
const comment = /^: hb$/gm;
const first = [new SystemMessage(system), new HumanMessage(prompt)];
const definition = {
  type: 'function',
  function: { name: weather.name, description: weather.description, parameters: weather.schema },
};

const models = [
  {
    name: 'OpenAI, chat completions',
    providers: ['openai-chat', 'anthropic-messages', 'gemini'],
    heartbeat: comment,
    lacks: ['thinking', 'proofs'],
    finishes: { text: 'stop', tools: 'tool_calls', filtered: 'content_filter' },
    finishOf: ({ response_metadata: { finish_reason: finish } }) => finish,
    connect: (base) => (model) =>
      new ChatOpenAI({ model, apiKey, maxRetries: 0, configuration: { baseURL: `${base}/v1` } }),
  },
  {
    name: 'OpenAI, responses',
    providers: ['openai-responses', 'anthropic-messages'],
    heartbeat: comment,
    finishes: { text: 'completed', tools: 'completed', filtered: 'incomplete' },
    finishOf: ({ response_metadata: { status } }) => status,
    connect: (base) => (model, thinking) =>
      new ChatOpenAI({
        model,
        apiKey,
        maxRetries: 0,
        useResponsesApi: true,
        zdrEnabled: true,
        configuration: { baseURL: `${base}/v1` },
        ...(thinking && { reasoning: { effort: 'low', summary: 'auto' } }),
      }),
  },
  {
    name: 'Anthropic',
    providers: ['anthropic-messages', 'gemini'],
    heartbeat: /event: ping/g,
    /** Of the counts in its own streams it keeps only the last one. */
    lacks: ['usage'],
    statuses: { 503: 529 },
    finishes: { text: 'end_turn', tools: 'tool_use', filtered: 'refusal' },
    finishOf: ({ response_metadata: { stop_reason: reason }, additional_kwargs: { stop_reason: late } }) =>
      reason ?? late,
    connect: (base) => (model, thinking) =>
      new ChatAnthropic({
        model,
        apiKey,
        maxRetries: 0,
        maxTokens: 4_096,
        anthropicApiUrl: base,
        ...(thinking && { thinking: { type: 'enabled', budget_tokens: 1_024 } }),
      }),
  },
];

const ask = ({ finishOf }) =>
  async function askModel(chat, { model, stream, history = first, tools, thinking, signal, onText = () => {} }) {
    const plain = chat(model, thinking);
    const runnable = tools ? plain.bindTools([definition]) : plain;
    const message = stream
      ? await readStream(await runnable.stream(history, { signal }), onText)
      : await runnable.invoke(history, { signal });
    const { input_tokens: input, output_tokens: output } = message.usage_metadata ?? {};
    return {
      text: message.text,
      thinking: message.contentBlocks
        .filter(({ type }) => type === 'reasoning')
        .map(({ reasoning }) => reasoning)
        .join(''),
      calls: message.tool_calls.map(({ id, name, args }) => ({ id, name, arguments: args })),
      finish: finishOf(message),
      usage: { input, output },
      reply: (results) => [
        ...history,
        message,
        ...results.map(({ id, text }) => new ToolMessage({ tool_call_id: id, content: text })),
      ],
    };
  };

async function readStream(stream, onText) {
  let message;
  for await (const chunk of stream) {
    assert.ok(AIMessageChunk.isInstance(chunk));
    onText(chunk.text);
    message = message === undefined ? chunk : message.concat(chunk);
  }
  return message;
}

/** LangChain throws the errors of the clients that it is made of. */
function readError(error, status) {
  assert.ok(error instanceof Error, String(error));
  if (status !== undefined) assert.ok(error.status >= 400, `${error.constructor.name}: ${error.message}`);
  return { status: error.status, message: error.message, retryAfter: error.headers?.get('retry-after') };
}

for (const { name, ...model } of models) {
  describeClient({ ...model, name: `LangChain, ${name}`, ask: ask(model), readError });
}
