import { expect } from '@jest/globals';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { AnswerFold } from '../../src/kernel/answer.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { chatRequest, encodeContext } from './chat-run.ts';
import { testRun } from './test-run.ts';

/* Answers of providers of other formats, as their decoders hand them on, and what a client of chat completions reads. */

export type Json = Record<string, unknown>;
const chat = openaiChatEncoder.create({}, {});

export interface Written {
  /** The message that a client accumulates from the stream. */
  readonly streamed: Json;
  /** The message of the document. */
  readonly whole: Json;
  readonly deltas: readonly Json[];
  readonly lost: readonly string[];
}

export const anthropic = 'anthropic-messages';
export const meta = (provider: string): AnswerEvent => ({
  type: 'response.meta',
  responseId: 'c1',
  model: 'm',
  created: 1,
  provider,
  role: 'assistant',
});

let serial = 0;
export type Inner = Record<string, unknown> & { readonly type: AnswerEvent['type'] };
/** A block from its start to its end. */
export function block(kind: BlockKind, start: Json, ...inner: readonly Inner[]): readonly AnswerEvent[] {
  const blockId = `b${serial++}`;
  return [
    { type: 'block.start', blockId, kind, role: 'assistant', ...start },
    ...inner.map((event) => ({ ...event, blockId })),
    { type: 'block.end', blockId },
  ] as readonly AnswerEvent[];
}
export const say = (text: string): Inner => ({ type: 'text.delta', role: 'assistant', text });
export const sign = (value: string, format = anthropic, encrypted = false): Inner => ({
  type: 'reasoning.signature',
  value,
  format,
  ...(encrypted && { encrypted }),
});
export const text = (...pieces: readonly string[]): readonly AnswerEvent[] => block('text', {}, ...pieces.map(say));
export const call = (callId: string, name = 'f'): readonly AnswerEvent[] =>
  block('tool_call', { name, callId, nativeIndex: 3 }, { type: 'toolArgs.delta', json: '{}' });
export const finish = (more: Json = {}): AnswerEvent =>
  ({ type: 'finish', reason: { unified: 'stop' }, ...more }) as AnswerEvent;

export function write(events: readonly AnswerEvent[], provider = anthropic): Written {
  const all = [meta(provider), ...events];
  const { run, lost } = testRun();
  const stream = chat.open(encodeContext(chatRequest({ settings: { includeUsage: true } }), run));
  const bytes = all.map((event) => stream.encode(event)).join('') + stream.end();
  const lostByStream = [...lost];
  const fold = new AnswerFold();
  for (const event of all) fold.push(event);
  const second = testRun();
  const document = chat.encodeAnswer(fold.answer, encodeContext(chatRequest(), second.run)) as Json;
  expect([...new Set(second.lost)].sort()).toEqual([...new Set(lostByStream)].sort());
  const chunks = Buffer.from(bytes, 'latin1')
    .toString('utf8')
    .split('\n\n')
    .filter((frame) => frame !== '' && !frame.includes('[DONE]'))
    .map((frame) => JSON.parse(frame.slice(6)) as { choices: { delta: Json }[] });
  const deltas = chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta));
  const [choice] = document['choices'] as { message: Json }[];
  return {
    streamed: accumulate(deltas),
    whole: Object.fromEntries(Object.entries(choice?.message ?? {}).filter(([, value]) => value !== null)),
    deltas,
    lost: [...new Set(lostByStream)],
  };
}

/** As clients do: texts and arguments are joined, lists are put behind each other. */
function accumulate(deltas: readonly Json[]): Json {
  const message: Json = {};
  for (const [name, value] of deltas.flatMap((delta) => Object.entries(delta))) {
    if (value === null) continue;
    if (name === 'role') message[name] = value;
    else if (typeof value === 'string') message[name] = textOf(message[name]) + value;
    else if (name === 'tool_calls') addCalls(message, value as readonly Json[]);
    else if (name === 'audio') message[name] = addAudio(message[name] as Json | undefined, value as Json);
    else message[name] = [...((message[name] as unknown[] | undefined) ?? []), ...(value as unknown[])];
  }
  if (message['content'] === '') delete message['content'];
  return message;
}

function addCalls(message: Json, parts: readonly Json[]): void {
  const calls = (message['tool_calls'] ??= []) as Json[];
  for (const { index, function: inner, ...rest } of parts) {
    const known = calls[Number(index)];
    const { arguments: json = '', ...named } = inner as Json;
    const before = (known?.['function'] as Json | undefined) ?? { arguments: '' };
    calls[Number(index)] = {
      ...known,
      ...rest,
      function: { ...before, ...named, arguments: textOf(before['arguments']) + textOf(json) },
    };
  }
}

function addAudio(before: Json | undefined, piece: Json): Json {
  return { ...before, ...piece, data: textOf(before?.['data']) + textOf(piece['data']), transcript: '' };
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
