import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, jsonSchema, streamText, tool } from 'ai';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const apiKey = 'not-needed-yet';
const comment = /^: hb$/gm;

/** Every provider of the AI SDK is the same client with another wire format below it. */
const providers = [
  {
    name: 'openai-compatible',
    providers: ['openai-chat', 'anthropic-messages'],
    heartbeat: comment,
    /** It knows reasoning, but no proofs of it. */
    lacks: ['proofs'],
    connect: (base) => createOpenAICompatible({ name: 'sluice', baseURL: `${base}/v1`, apiKey, includeUsage: true }),
  },
  {
    name: 'openai, chat completions',
    providers: ['openai-chat', 'gemini'],
    heartbeat: comment,
    lacks: ['thinking', 'proofs'],
    connect: (base) => {
      const provider = createOpenAI({ baseURL: `${base}/v1`, apiKey });
      return (model) => provider.chat(model);
    },
  },
  {
    name: 'openai, responses',
    providers: ['openai-responses', 'anthropic-messages', 'gemini'],
    heartbeat: comment,
    /** Nothing is stored here, so the history must hold everything. */
    providerOptions: {
      openai: { store: false, forceReasoning: true, reasoningEffort: 'low', reasoningSummary: 'auto' },
    },
    connect: (base) => createOpenAI({ baseURL: `${base}/v1`, apiKey }),
    more: referTests,
  },
  {
    name: 'anthropic',
    providers: ['anthropic-messages', 'gemini', 'openai-responses'],
    heartbeat: /event: ping/g,
    statuses: { 503: 529 },
    thinking: { anthropic: { thinking: { type: 'enabled', budgetTokens: 1_024 } } },
    connect: (base) => createAnthropic({ baseURL: `${base}/v1`, apiKey }),
  },
  {
    name: 'google',
    providers: ['gemini', 'openai-chat', 'anthropic-messages'],
    heartbeat: comment,
    thinking: { google: { thinkingConfig: { includeThoughts: true } } },
    connect: (base) => createGoogle({ baseURL: `${base}/v1beta`, apiKey }),
  },
];

const ask = ({ providerOptions, thinking: thinkingOptions }) =>
  async function askModel(
    provider,
    { model, stream, history = [{ role: 'user', content: prompt }], tools, thinking, signal, onText = () => {} },
  ) {
    const request = {
      model: provider(model),
      instructions: system,
      messages: history,
      maxRetries: 0,
      abortSignal: signal,
      ...(tools && {
        tools: { [weather.name]: tool({ description: weather.description, inputSchema: jsonSchema(weather.schema) }) },
      }),
      providerOptions: { ...providerOptions, ...(thinking && thinkingOptions) },
    };
    const result = stream
      ? await readStream(streamText({ ...request, onError: () => {} }), onText)
      : await generateText(request);
    const { inputTokens: input, outputTokens: output } = await result.totalUsage;
    const calls = (await result.toolCalls).map((call) => ({
      id: call.toolCallId,
      name: call.toolName,
      arguments: call.input,
    }));
    const said = (await result.response).messages;
    return {
      text: await result.text,
      thinking: (await result.reasoningText) ?? '',
      calls,
      finish: await result.finishReason,
      usage: { input, output },
      reply: (results) => [
        ...history,
        ...said,
        {
          role: 'tool',
          content: results.map(({ id, name, text }) => ({
            type: 'tool-result',
            toolCallId: id,
            toolName: name,
            output: { type: 'text', value: text },
          })),
        },
      ],
    };
  };

/** A failure is a part of the stream, which goes on to an end; that end must not look like success. */
async function readStream(result, onText) {
  let failure;
  for await (const part of result.stream) {
    if (part.type === 'text-delta') onText(part.text);
    if (part.type === 'error') failure ??= part.error;
    if (part.type === 'abort') failure ??= new Error('aborted');
    if (failure !== undefined && part.type === 'finish') assert.equal(part.finishReason, 'error');
  }
  if (failure !== undefined) throw failure;
  return result;
}

/** Before the stream it is an error of the SDK; an error inside is what stood in the frame, as it came. */
function readError(error, status) {
  if (status === undefined) return { message: wordsOf(error) };
  assert.ok(APICallError.isInstance(error), `${error?.constructor?.name}: ${wordsOf(error)}`);
  return { status: error.statusCode, message: error.message, retryAfter: error.responseHeaders?.['retry-after'] };
}

const wordsOf = (error) => (typeof error === 'string' ? error : (error?.message ?? JSON.stringify(error)));

for (const { name, more, ...provider } of providers) {
  describeClient(
    {
      ...provider,
      name: `the AI SDK, ${name}`,
      finishes: { text: 'stop', tools: 'tool-calls', filtered: 'content-filter' },
      ask: ask(provider),
      readError,
    },
    more,
  );
}

/** As long as nobody says `store: false`, this client names what the provider is thought to keep, and does not repeat it. */
function referTests(stage) {
  const model = (type) => stage.connect(type)('tools');
  const tools = { [weather.name]: tool({ description: weather.description, inputSchema: jsonSchema(weather.schema) }) };
  const askTwice = async (type) => {
    const { response, toolCalls } = await generateText({ model: model(type), prompt, tools, maxRetries: 0 });
    const results = toolCalls.map(({ toolCallId, toolName }) => ({
      type: 'tool-result',
      toolCallId,
      toolName,
      output: { type: 'text', value: 'sunny' },
    }));
    const messages = [{ role: 'user', content: prompt }, ...response.messages, { role: 'tool', content: results }];
    return generateText({ model: model(type), messages, tools, maxRetries: 0 });
  };

  it('refers to earlier items, where the provider keeps them', async () => {
    const { text } = await askTwice('openai-responses');
    assert.equal(text, 'Bern is sunny.');
    const { requests } = stage.providers.get('openai-responses');
    assert.ok(requests.some(({ body }) => body.input.some?.(({ type }) => type === 'item_reference')));
  });

  it('is told what to do, where the provider keeps nothing', async () => {
    await assert.rejects(askTwice('anthropic-messages'), (error) => {
      assert.equal(error.statusCode, 400);
      assert.match(error.message, /^input\[\d\]: .*store: false/);
      return true;
    });
  });
}
