import { describe, expect, it } from '@jest/globals';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import { anthropicMessagesEncoder } from '../../src/encoders/anthropic-messages.ts';
import type { ChatAnswer } from '../../src/kernel/answer.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { foldOf, read } from '../support/anthropic-frames.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';
import { hasRecordedStreams, recordedStreams, type RecordedFrame } from '../support/recorded-streams.ts';
import { readSse } from '../support/sse-reader.ts';

type Json = Record<string, unknown>;

/** Recorded payloads have no names: a provider sends each under the name of its type. */
function named(frames: readonly RecordedFrame[]): readonly RecordedFrame[] {
  return frames.flatMap(({ event, data }) =>
    data === '[DONE]' ? [] : [{ event: event === '' ? String((JSON.parse(data) as Json)['type']) : event, data }],
  );
}

/** The first message of a file, as an official client puts it together; written without any of our code. */
function naiveMessage(frames: readonly RecordedFrame[]): { content: Json[]; stop: unknown; usage: Json } {
  let content: Json[] = [];
  let stop: unknown = null;
  let usage: Json = {};
  const inputs = new Map<number, string>();
  for (const { data } of frames) {
    const document = JSON.parse(data) as Json & { index: number; delta: Json; message: Json };
    const block = content[document.index] ?? {};
    switch (document['type']) {
      case 'message_start':
        content = structuredClone(document.message['content']) as Json[];
        stop = document.message['stop_reason'] ?? null;
        usage = { ...(document.message['usage'] as Json) };
        break;
      case 'content_block_start':
        content[document.index] = { ...(document['content_block'] as Json) };
        break;
      case 'content_block_delta': {
        const { type, ...said } = document.delta;
        if (type === 'input_json_delta')
          inputs.set(document.index, (inputs.get(document.index) ?? '') + String(said['partial_json']));
        for (const name of ['text', 'thinking', 'signature', 'content'])
          if (typeof said[name] === 'string') block[name] = ((block[name] as string | null) ?? '') + said[name];
        if (type === 'citations_delta')
          block['citations'] = [...((block['citations'] as unknown[] | null) ?? []), said['citation']];
        break;
      }
      case 'message_delta':
        stop = document.delta['stop_reason'] ?? stop;
        usage = { ...usage, ...(document['usage'] as Json) };
        break;
      case 'message_stop':
        for (const [index, json] of inputs) if (json !== '') Object.assign(content[index] ?? {}, { input: json });
        return { content, stop, usage };
      default:
    }
  }
  throw new Error('the recording has no message_stop');
}

const kinds: Readonly<Record<string, string>> = {
  text: 'text',
  thinking: 'reasoning',
  redacted_thinking: 'reasoning_redacted',
  tool_use: 'tool_call',
  server_tool_use: 'server_tool_call',
  mcp_tool_use: 'server_tool_call',
  compaction: 'compaction',
};
const kindOf = (type: string): string =>
  kinds[type] ?? (type.endsWith('_tool_result') ? 'server_tool_result' : 'unknown');

/** What has to be the same in our reading and in the naive one. */
function essence({ content, stop, usage }: ReturnType<typeof naiveMessage>): unknown {
  const count = (name: string): number => (usage[name] as number | null | undefined) ?? 0;
  return {
    stop,
    input: count('input_tokens') + count('cache_read_input_tokens') + count('cache_creation_input_tokens'),
    output: count('output_tokens'),
    blocks: content.map((block) => ({
      kind: kindOf(String(block['type'])),
      text: block['text'] ?? block['thinking'] ?? '',
      name: String(block['type']).endsWith('use') ? block['name'] : undefined,
      callId: String(block['type']).endsWith('use') ? block['id'] : block['tool_use_id'],
      json: inputOf(block),
      proof: block['signature'] === '' ? undefined : (block['signature'] ?? block['data']),
      citations: (block['citations'] as unknown[] | undefined) ?? [],
    })),
  };
}

/** The input as text; of a tool of the provider only what came in pieces. */
function inputOf({ type, input }: Json): string {
  if (typeof input === 'string') return input;
  return type === 'tool_use' ? JSON.stringify(input) : '';
}

function essenceOfAnswer({ choices, usage }: ChatAnswer): unknown {
  const [choice] = choices;
  return {
    stop: choice?.finish?.reason.raw,
    input: usage?.input?.total ?? 0,
    output: usage?.output?.total ?? 0,
    blocks: choice?.blocks.map(({ kind, text, start, arguments: json, signature, annotations }) => ({
      kind,
      text,
      name: start.name,
      callId: start.callId,
      json,
      proof: signature?.value,
      citations: annotations.map(({ annotation }) => annotation),
    })),
  };
}

function encode(events: readonly AnswerEvent[]): readonly RecordedFrame[] {
  const stream = anthropicMessagesEncoder
    .create({}, {})
    .open(encodeContext(chatRequest({ dialect: 'anthropic-messages' })));
  const bytes = events.map((event) => stream.encode(event)).join('') + stream.end();
  return readSse(Buffer.from(bytes, 'latin1')).frames;
}

const streams = recordedStreams(['anthropic']).map(({ name, frames }) => ({ name, frames: named(frames) }));
const title = hasRecordedStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

(hasRecordedStreams ? describe : describe.skip)(title, () => {
  it.each(streams)('$name: order, blocks, reason and usage are those of an independent reading', ({ frames }) => {
    const { events, error, terminated } = read(frames);
    expect([error, terminated]).toEqual([undefined, true]);
    const order = new EventOrder();
    for (const event of [...events, { type: 'stream.end', outcome: 'ok' } as const]) order.accept(event);
    expect(events[0]?.type).toBe('response.meta');
    expect(essenceOfAnswer(foldOf(events))).toEqual(essence(naiveMessage(frames)));
  });

  it.each(streams)('$name: written and read again it is the same answer', ({ frames }) => {
    const { events } = read(frames);
    const again = read(encode(events));
    expect(again.error).toBeUndefined();
    expect(essenceOfAnswer(foldOf(again.events))).toEqual(essenceOfAnswer(foldOf(events)));
  });

  it.each(streams)('$name: every cut of it is an error or the whole answer', ({ frames }) => {
    const end = frames.findIndex(({ event }) => event === 'message_delta');
    const decoder = new MessageStreamDecoder();
    for (const { event, data } of frames.slice(0, end)) {
      expect(() => decoder.end()).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
      decoder.frame(event, data);
    }
  });
});
