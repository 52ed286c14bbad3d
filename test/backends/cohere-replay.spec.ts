import { describe, expect, it } from '@jest/globals';
import { cohereBackend } from '../../src/backends/cohere.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';
import { hasRecordedStreams, recordedStreams, type RecordedFrame } from '../support/recorded-streams.ts';
import { readSse } from '../support/sse-reader.ts';
import { TestClock } from '../support/test-clock.ts';

interface Frame {
  readonly type: string;
  readonly index?: number;
  readonly delta?: {
    readonly finish_reason?: string;
    readonly usage?: { readonly tokens?: { readonly input_tokens: number; readonly output_tokens: number } };
    readonly message?: {
      readonly tool_plan?: string;
      readonly content?: { readonly text?: string; readonly thinking?: string };
      readonly tool_calls?: {
        readonly id?: string;
        readonly function?: { readonly name?: string; readonly arguments?: string };
      };
      readonly citations?: { readonly text?: string };
    };
  };
}

const backend = cohereBackend.create(
  { baseUrl: 'https://api.cohere.com', model: 'command-a' },
  { clock: new TestClock() },
);
const streams = recordedStreams(['cohere']);
const title = hasRecordedStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

function decode(frames: readonly RecordedFrame[]): readonly AnswerEvent[] {
  const decoder = backend.decode(chatRequest());
  const events = frames.flatMap(({ event, data }) => decoder.frame(event, data).events);
  return [...events, ...decoder.end()];
}

function fold(events: readonly AnswerEvent[]): ChatAnswer {
  const answer = new AnswerFold();
  for (const event of events) answer.push(event);
  return answer.answer;
}

/** The answer, read without any of our code. */
function naive(frames: readonly RecordedFrame[]): unknown {
  const read = frames.filter(({ data }) => data !== '[DONE]').map(({ data }) => JSON.parse(data) as Frame);
  const messages = read.filter(({ type }) => type !== 'message-start').map(({ delta }) => delta?.message);
  const calls = read
    .filter(({ type }) => type === 'tool-call-start')
    .map(({ index, delta }) => ({
      id: delta?.message?.tool_calls?.id,
      name: delta?.message?.tool_calls?.function?.name,
      json:
        read
          .filter((frame) => frame.index === index && frame.type.startsWith('tool-call'))
          .map((frame) => frame.delta?.message?.tool_calls?.function?.arguments ?? '')
          .join('') || '{}',
    }));
  const last = read.at(-1)?.delta;
  return {
    text: messages.map((message) => message?.content?.text ?? '').join(''),
    reasoning: messages.map((message) => (message?.tool_plan ?? '') + (message?.content?.thinking ?? '')).join(''),
    calls,
    cited: messages.flatMap((message) => message?.citations?.text ?? []),
    reason: last?.finish_reason,
    tokens: [last?.usage?.tokens?.input_tokens, last?.usage?.tokens?.output_tokens],
  };
}

function essence({ choices, usage }: ChatAnswer): unknown {
  const blocks = choices[0]?.blocks ?? [];
  const textOf = (kind: string): string =>
    blocks
      .filter((block) => block.kind === kind)
      .map(({ text }) => text)
      .join('');
  return {
    text: textOf('text'),
    reasoning: textOf('reasoning'),
    calls: blocks
      .filter(({ kind }) => kind === 'tool_call')
      .map((block) => ({ id: block.start.callId, name: block.start.name, json: block.arguments })),
    cited: blocks.flatMap(({ annotations }) =>
      annotations.map(({ annotation }) => (annotation as { text?: string }).text),
    ),
    reason: choices[0]?.finish?.reason.raw,
    tokens: [usage?.input?.total, usage?.output?.total],
  };
}

(hasRecordedStreams ? describe : describe.skip)(title, () => {
  it.each(streams)('$name: the answer is what it says', ({ frames }) => {
    const events = decode(frames);
    const order = new EventOrder();
    for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
    expect(essence(fold(events))).toEqual(naive(frames));
  });

  it.each(streams)('$name: a client of another format gets it too', ({ frames }) => {
    const events = decode(frames);
    const stream = openaiChatEncoder.create({}, {}).open(encodeContext());
    const bytes = events.map((event) => stream.encode(event)).join('') + stream.end();
    const chunks = readSse(Buffer.from(bytes, 'latin1'))
      .frames.map(({ data }) => data)
      .filter((data) => data !== '[DONE]')
      .map((data) => JSON.parse(data) as { choices: { delta: { content?: string | null } }[] });
    const { text } = naive(frames) as { text: string };
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(text);
  });

  it('are some', () => {
    expect(streams.length).toBeGreaterThan(10);
  });
});
