import assert from 'node:assert/strict';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createGoogle } from '@ai-sdk/google';
import { createOpenAI } from '@ai-sdk/openai';
import Anthropic from '@anthropic-ai/sdk';
import { ApiError, GoogleGenAI } from '@google/genai';
import { APICallError, generateText, streamText } from 'ai';
import { Ollama } from 'ollama';
import OpenAI from 'openai';
import { describeTokens } from './token-suite.mjs';

/** Said where a client insists on a key and is to send none. */
const unsent = 'not-sent';

/** For clients with a class for each status: the error is of that class, and so of no other one. */
const ofOneClass =
  ({ AuthenticationError, InternalServerError }) =>
  (error, status) => {
    const expected = status === 401 ? AuthenticationError : InternalServerError;
    assert.ok(error instanceof expected, `${error.constructor.name}: ${error.message}`);
    return { status: error.status, message: error.message };
  };

/** For clients with a single class: the status says what it is. */
const ofStatus = (isOfClient, statusOf) => (error, status) => {
  assert.ok(isOfClient(error), `${error.constructor.name}: ${error.message}`);
  assert.equal(statusOf(error), status, error.message);
  return { status: statusOf(error), message: error.message };
};

const openai = {
  header: 'authorization',
  connect: (base, key) =>
    new OpenAI({
      baseURL: `${base}/v1`,
      maxRetries: 0,
      apiKey: key ?? unsent,
      ...(key === undefined && { defaultHeaders: { Authorization: null } }),
    }),
  readError: ofOneClass(OpenAI),
};

const anthropic = {
  dialect: 'anthropic-messages',
  async ask(connected, { model, prompt, stream }) {
    const request = { model, max_tokens: 100, messages: [{ role: 'user', content: prompt }] };
    if (!stream) return (await connected.messages.create(request)).content.map(({ text }) => text);
    const pieces = [];
    const message = await connected.messages
      .stream(request)
      .on('text', (piece) => pieces.push(piece))
      .finalMessage();
    assert.equal(message.stop_reason, 'end_turn');
    return pieces;
  },
  readError: ofOneClass(Anthropic),
};

/** `headers` are sent where it has no key of its own, and none that it may find elsewhere. */
function connectAnthropic(baseURL, apiKey = null, headers) {
  const options = { baseURL, maxRetries: 0, apiKey, authToken: null };
  return new Anthropic(apiKey === null ? { ...options, defaultHeaders: headers } : options);
}

const aiSdk = {
  async ask(connected, { model, prompt, stream }) {
    const request = { model: connected(model), prompt, maxRetries: 0 };
    if (!stream) return [(await generateText(request)).text];
    const pieces = [];
    for await (const part of streamText({ ...request, onError: () => {} }).stream) {
      if (part.type === 'error') throw part.error;
      if (part.type === 'text-delta') pieces.push(part.text);
    }
    return pieces;
  },
  readError: ofStatus(
    (error) => APICallError.isInstance(error),
    ({ statusCode }) => statusCode,
  ),
};

describeTokens([
  {
    ...openai,
    name: 'the client of OpenAI, chat completions',
    dialect: 'openai-chat',
    async ask(connected, { model, prompt, stream }) {
      const request = { model, messages: [{ role: 'user', content: prompt }] };
      if (!stream) return [(await connected.chat.completions.create(request)).choices[0].message.content];
      const pieces = [];
      const { choices } = await connected.chat.completions
        .stream(request)
        .on('content', (piece) => pieces.push(piece))
        .finalChatCompletion();
      assert.equal(choices[0].finish_reason, 'stop');
      return pieces;
    },
  },
  {
    ...openai,
    name: 'the client of OpenAI, responses',
    dialect: 'openai-responses',
    async ask(connected, { model, prompt, stream }) {
      const request = { model, input: prompt, store: false };
      if (!stream) return [(await connected.responses.create(request)).output_text];
      const pieces = [];
      const { status } = await connected.responses
        .stream(request)
        .on('response.output_text.delta', ({ delta }) => pieces.push(delta))
        .finalResponse();
      assert.equal(status, 'completed');
      return pieces;
    },
  },
  {
    ...anthropic,
    name: 'the client of Anthropic',
    header: 'authorization',
    connect: (base, key) => connectAnthropic(base, key, { Authorization: null }),
  },
  {
    ...anthropic,
    name: 'the client of Anthropic, with the header of its earlier versions',
    header: 'x-api-key',
    connect: (base, key) => connectAnthropic(base, undefined, { Authorization: null, 'X-Api-Key': key ?? null }),
  },
  {
    name: 'the client of Google',
    dialect: 'gemini',
    header: 'x-goog-api-key',
    connect: (base, key) =>
      new GoogleGenAI({
        apiKey: key ?? unsent,
        httpOptions: { baseUrl: base, ...(key === undefined && { headers: { 'x-goog-api-key': '' } }) },
      }),
    async ask({ models }, { model, prompt: contents, stream }) {
      if (!stream) return [(await models.generateContent({ model, contents })).text];
      const pieces = [];
      for await (const chunk of await models.generateContentStream({ model, contents })) pieces.push(chunk.text ?? '');
      return pieces;
    },
    readError: ofStatus(
      (error) => error instanceof ApiError,
      ({ status }) => status,
    ),
  },
  {
    name: 'the client of Ollama',
    dialect: 'ollama',
    header: 'authorization',
    connect: (base, key) =>
      new Ollama({ host: base, ...(key !== undefined && { headers: { Authorization: `Bearer ${key}` } }) }),
    async ask(connected, { model, prompt, stream }) {
      const answer = await connected.chat({ model, stream, messages: [{ role: 'user', content: prompt }] });
      if (!stream) return [answer.message.content];
      const pieces = [];
      for await (const { message } of answer) pieces.push(message.content);
      return pieces;
    },
    readError: ofStatus(
      ({ name }) => name === 'ResponseError',
      ({ status_code: status }) => status,
    ),
  },
  {
    ...aiSdk,
    name: 'the AI SDK, openai',
    dialect: 'openai-responses',
    header: 'authorization',
    connect: (base, apiKey = '') => createOpenAI({ baseURL: `${base}/v1`, apiKey }),
  },
  {
    ...aiSdk,
    name: 'the AI SDK, anthropic',
    dialect: 'anthropic-messages',
    header: 'x-api-key',
    connect: (base, apiKey = '') => createAnthropic({ baseURL: `${base}/v1`, apiKey }),
  },
  {
    ...aiSdk,
    name: 'the AI SDK, google',
    dialect: 'gemini',
    header: 'x-goog-api-key',
    connect: (base, apiKey = '') => createGoogle({ baseURL: `${base}/v1beta`, apiKey }),
  },
]);
