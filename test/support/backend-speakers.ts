import { anthropicMessagesBackend } from '../../src/backends/anthropic-messages.ts';
import { bedrockConverseBackend } from '../../src/backends/bedrock-converse.ts';
import { cohereBackend } from '../../src/backends/cohere.ts';
import { geminiBackend } from '../../src/backends/gemini.ts';
import { ollamaBackend } from '../../src/backends/ollama.ts';
import { openaiChatBackend } from '../../src/backends/openai-chat.ts';
import { openaiResponsesBackend } from '../../src/backends/openai-responses.ts';
import type { Backend, BackendComponent } from '../../src/kernel/component.ts';
import { blockStop, bytesOf, frame, message, messageStart, textDelta, textStart } from './anthropic-frames.ts';
import { encodeEvent, encodeException } from './aws-event-stream.ts';
import { begin, end, endOf, piece, start } from './cohere-frames.ts';
import { buildConfig } from './component-instance.ts';
import { chunk } from './gemini-chunks.ts';
import { lastOllamaLine, ollamaLine } from './ollama-lines.ts';
import { answerBody, answerFrames, roleFrame, sseFrame, textFrame } from './openai-stream.ts';
import { testRun } from './test-run.ts';

/** What a provider says about the key that it is shown. */
export type Blame = 'rejected' | 'rate-limited' | 'quota';

/** A provider that answers with a status of 200, whatever it has to say. */
export interface BackendSpeaker {
  readonly backend: Backend;
  /** Media type of its streams. */
  readonly streams: string;
  /** What comes before the first content, where the format has such. */
  readonly opening: string;
  /** The opening and the first content. */
  begun(text: string): string;
  /** A whole answer. Streams are latin1. */
  stream(text: string): string;
  document(text: string): string;
  /** Undefined where the format has no word for it. */
  blamesInStream(blame: Blame): string | undefined;
  blamesInDocument(blame: Blame): string | undefined;
}

const sse = 'text/event-stream';
const json = (value: unknown): string => JSON.stringify(value);
const lines = (...values: readonly unknown[]): string => values.map((value) => `${json(value)}\n`).join('');
const frames = (...values: readonly unknown[]): string => values.map((value) => sseFrame(value)).join('');
const latin1 = (...messages: readonly Buffer[]): string => Buffer.concat(messages).toString('latin1');

/** One as its first example has it. */
function backendOf(component: BackendComponent): Backend {
  const { built } = buildConfig(component, component.examples[0]?.config);
  return component.create(built as never, testRun().capabilities);
}

const openaiErrors: Readonly<Record<Blame, object>> = {
  rejected: { message: 'no', type: 'invalid_request_error', code: 'invalid_api_key' },
  'rate-limited': { message: 'no', type: 'requests', code: 'rate_limit_exceeded' },
  quota: { message: 'no', type: 'insufficient_quota', code: 'insufficient_quota' },
};

const responses = (status: string, fields: object): object => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_700_000_000,
  model: 'm',
  output: [],
  ...fields,
  status,
});
const item = (text: string): object => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  status: 'completed',
  content: [{ type: 'output_text', text, annotations: [] }],
});

const responsesOpening = frames({ type: 'response.created', response: responses('in_progress', {}) });
const responsesBegun = (text: string): string =>
  responsesOpening +
  frames(
    {
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...item(''), status: 'in_progress', content: [] },
    },
    {
      type: 'response.content_part.added',
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      part: { type: 'output_text', text: '', annotations: [] },
    },
    { type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta: text },
  );

const anthropicErrors: Readonly<Record<Blame, object>> = {
  rejected: { type: 'authentication_error', message: 'no' },
  'rate-limited': { type: 'rate_limit_error', message: 'no' },
  quota: { type: 'insufficient_quota', message: 'no' },
};
const anthropicBlame = (blame: Blame): string => json({ type: 'error', error: anthropicErrors[blame] });

const geminiErrors: Readonly<Record<Blame, object | undefined>> = {
  rejected: { code: 401, message: 'no', status: 'UNAUTHENTICATED' },
  'rate-limited': { code: 429, message: 'no', status: 'RESOURCE_EXHAUSTED' },
  quota: undefined,
};
const geminiBlame = (blame: Blame): string | undefined =>
  geminiErrors[blame] === undefined ? undefined : json([{ error: geminiErrors[blame] }]);

const ollamaErrors: Readonly<Record<Blame, object>> = {
  rejected: { error: '401 Unauthorized: no' },
  'rate-limited': { error: '429 Too Many Requests: no' },
  quota: { error: '402 Payment Required: no' },
};

const cohereErrors: Readonly<Record<Blame, object>> = {
  rejected: { message: 'no', error_type: 'UNAUTHORIZED' },
  'rate-limited': { message: 'no', error_type: 'TOO_MANY_REQUESTS' },
  quota: { message: 'no', error_type: 'insufficient_quota' },
};

const bedrockErrors: Readonly<Record<Blame, string | undefined>> = {
  rejected: 'expiredTokenException',
  'rate-limited': 'throttlingException',
  quota: undefined,
};

export const backendSpeakers: Readonly<Record<string, BackendSpeaker>> = {
  'openai-chat': {
    backend: backendOf(openaiChatBackend),
    streams: sse,
    opening: roleFrame(),
    begun: (text) => roleFrame() + textFrame(text),
    stream: (text) => answerFrames({ text: [text] }).join(''),
    document: (text) => json(answerBody({ text: [text] })),
    blamesInStream: (blame) => frames({ error: openaiErrors[blame] }),
    blamesInDocument: (blame) => json({ error: openaiErrors[blame] }),
  },
  'openai-responses': {
    backend: backendOf(openaiResponsesBackend as never),
    streams: sse,
    opening: responsesOpening,
    begun: responsesBegun,
    stream: (text) =>
      responsesBegun(text) +
      frames(
        { type: 'response.output_item.done', output_index: 0, item: item(text) },
        { type: 'response.completed', response: responses('completed', { output: [item(text)] }) },
      ),
    document: (text) => json(responses('completed', { output: [item(text)] })),
    blamesInStream: (blame) =>
      frames({ type: 'response.failed', response: responses('failed', { error: openaiErrors[blame] }) }),
    blamesInDocument: (blame) => json(responses('failed', { error: openaiErrors[blame] })),
  },
  'anthropic-messages': {
    backend: backendOf(anthropicMessagesBackend as never),
    streams: sse,
    opening: bytesOf([messageStart()]),
    begun: (text) => bytesOf([messageStart(), textStart(), textDelta(text)]),
    stream: (text) => bytesOf(message(textStart(), textDelta(text), blockStop())),
    document: (text) =>
      json({
        id: 'msg_1',
        type: 'message',
        role: 'assistant',
        model: 'claude',
        content: [{ type: 'text', text }],
        stop_reason: 'end_turn',
        stop_sequence: null,
        usage: { input_tokens: 10, output_tokens: 5 },
      }),
    blamesInStream: (blame) => bytesOf([frame('error', { error: anthropicErrors[blame] })]),
    blamesInDocument: anthropicBlame,
  },
  gemini: {
    backend: backendOf(geminiBackend as never),
    streams: sse,
    opening: '',
    begun: (text) => frames(chunk([{ text }])),
    stream: (text) => frames(chunk([{ text }], { finishReason: 'STOP' })),
    document: (text) => chunk([{ text }], { finishReason: 'STOP' }),
    blamesInStream: (blame) => {
      const list = geminiBlame(blame);
      return list === undefined ? undefined : frames(list);
    },
    blamesInDocument: geminiBlame,
  },
  ollama: {
    backend: backendOf(ollamaBackend as never),
    streams: 'application/x-ndjson',
    opening: lines(ollamaLine(1, {})),
    begun: (text) => lines(ollamaLine(1, { content: text })),
    stream: (text) => lines(ollamaLine(1, { content: text }), lastOllamaLine(2)),
    document: (text) => json({ ...lastOllamaLine(1), message: { role: 'assistant', content: text } }),
    blamesInStream: (blame) => lines(ollamaErrors[blame]),
    blamesInDocument: (blame) => json(ollamaErrors[blame]),
  },
  cohere: {
    backend: backendOf(cohereBackend as never),
    streams: sse,
    opening: frames(start),
    begun: (text) => frames(start, begin(0), piece(0, text)),
    stream: (text) => frames(start, begin(0), piece(0, text), endOf(0), end()),
    document: (text) =>
      json({
        id: 'a-1',
        finish_reason: 'COMPLETE',
        message: { role: 'assistant', content: [{ type: 'text', text }] },
        usage: { tokens: { input_tokens: 17, output_tokens: 4 } },
      }),
    blamesInStream: (blame) => frames(cohereErrors[blame]),
    blamesInDocument: (blame) => json(cohereErrors[blame]),
  },
  'bedrock-converse': {
    backend: backendOf(bedrockConverseBackend as never),
    streams: 'application/vnd.amazon.eventstream',
    opening: latin1(encodeEvent('messageStart', { role: 'assistant' })),
    begun: (text) =>
      latin1(
        encodeEvent('messageStart', { role: 'assistant' }),
        encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }),
      ),
    stream: (text) =>
      latin1(
        encodeEvent('messageStart', { role: 'assistant' }),
        encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text } }),
        encodeEvent('contentBlockStop', { contentBlockIndex: 0 }),
        encodeEvent('messageStop', { stopReason: 'end_turn' }),
        encodeEvent('metadata', { usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 } }),
      ),
    document: (text) =>
      json({
        output: { message: { role: 'assistant', content: [{ text }] } },
        stopReason: 'end_turn',
        usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
      }),
    blamesInStream: (blame) => {
      const name = bedrockErrors[blame];
      return name === undefined ? undefined : latin1(encodeException(name, { message: 'no' }));
    },
    blamesInDocument: (blame) => {
      const name = bedrockErrors[blame];
      return name === undefined ? undefined : json({ __type: `com.amazon.coral.service#${name}`, message: 'no' });
    },
  },
};
