import { describe, expect, it } from '@jest/globals';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { ChatStreamDecoder } from '../../src/backends/openai-chat/stream-decoder.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { chatRequest, encodeContext } from '../support/chat-run.ts';
import { hasRecordedStreams, recordedStreams, type RecordedFrame } from '../support/recorded-streams.ts';
import { readSse } from '../support/sse-reader.ts';

const providers = [
  'openai-chat',
  'azure-chat',
  'deepseek',
  'groq',
  'mistral',
  'openrouter',
  'perplexity',
  'vllm',
  'xai',
  'ollama-compat',
  'gpustack',
  'crusoe',
  'huggingface',
  'alibaba',
  'snowflake',
  'openai-compatible',
];

type Json = Record<string, unknown>;
interface Reading {
  readonly events: readonly AnswerEvent[];
  readonly error: string | undefined;
}

function decode(frames: readonly RecordedFrame[]): Reading {
  const decoder = new ChatStreamDecoder();
  const events: AnswerEvent[] = [];
  try {
    for (const { event, data } of frames) events.push(...decoder.frame(event, data).events);
    events.push(...decoder.end());
  } catch (error) {
    return { events, error: (error as SluiceError).code };
  }
  return { events, error: undefined };
}

/** The text by choice, read without any of our code. */
function naiveText(frames: readonly RecordedFrame[]): Record<number, string> {
  const texts: Record<number, string> = {};
  for (const { data } of frames) {
    if (data === '[DONE]') continue;
    const chunk = JSON.parse(data) as {
      choices?: { index: number; text?: string; delta?: { content?: string | { text?: string }[] } }[];
    };
    for (const choice of chunk.choices ?? []) {
      const content = choice.delta?.content ?? choice.text ?? '';
      const text = typeof content === 'string' ? content : content.map((part) => part.text ?? '').join('');
      texts[choice.index] = (texts[choice.index] ?? '') + text;
    }
  }
  return texts;
}

function foldOf(events: readonly AnswerEvent[]): ChatAnswer {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return fold.answer;
}

/** What must survive being written and read again. */
function essence({ meta, choices, usage }: ChatAnswer): unknown {
  const { raw: _raw, final: _final, ext: _ext, ...counts } = usage ?? {};
  return {
    model: meta.model,
    usage: usage && counts,
    choices: choices.map(({ index, finish, blocks }) => ({
      index,
      finish: finish?.reason.unified,
      blocks: blocks.map((block) => ({
        kind: block.kind,
        text: block.text,
        arguments: block.arguments,
        name: block.start.name,
        callId: block.start.callId,
        annotations: block.annotations,
        signature: block.signature?.value,
      })),
    })),
  };
}

function encode(events: readonly AnswerEvent[]): readonly RecordedFrame[] {
  const request = chatRequest({ settings: { includeUsage: true } });
  const stream = openaiChatEncoder.create({}, {}).open(encodeContext(request));
  const bytes = events.map((event) => stream.encode(event)).join('') + stream.end();
  return readSse(Buffer.from(bytes, 'latin1')).frames.map(({ event, data }) => ({
    event: event === 'message' ? '' : event,
    data,
  }));
}

const streams = recordedStreams(providers);
const title = hasRecordedStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

(hasRecordedStreams ? describe : describe.skip)(title, () => {
  it.each(streams)('$name: order and text', ({ frames }) => {
    const { events, error } = decode(frames);
    const order = new EventOrder();
    for (const event of events) order.accept(event);
    if (error === undefined) order.accept({ type: 'stream.end', outcome: 'ok' });
    expect(events.find((event) => event.type !== 'raw')?.type ?? 'response.meta').toBe('response.meta');
    if (error !== undefined) return;
    const texts = Object.fromEntries(
      foldOf(events).choices.map(({ index, blocks }) => [
        index,
        blocks
          .filter(({ kind }) => kind === 'text')
          .map(({ text }) => text)
          .join(''),
      ]),
    );
    expect(texts).toEqual(naiveText(frames));
  });

  it('only the streams that hold an error or are cut fail', () => {
    const failed = streams
      .map(({ name, frames }) => [name, decode(frames).error] as const)
      .filter(([, error]) => error !== undefined);
    expect(Object.fromEntries(failed)).toMatchObject({
      'groq/pyd-test-tool-use-failed-error-streaming-with-text.i0.sse': 'UPSTREAM_REJECTED',
      'openrouter/pyd-test-openrouter-stream-error.sse': 'UPSTREAM_REJECTED',
    });
    expect(failed.length).toBeLessThan(5);
  });

  it.each(streams)(
    '$name: written and read again it is the same answer, in the form official clients take',
    ({ frames }) => {
      const { events, error } = decode(frames);
      if (error !== undefined) return;
      const written = encode(events);
      expect(written.at(-1)?.data).toBe('[DONE]');
      const again = decode(written);
      expect(again.error).toBeUndefined();
      expect(essence(foldOf(again.events))).toEqual(essence(foldOf(events)));
      const chunks = written.slice(0, -1).map(({ data }) => JSON.parse(data) as Json);
      expect(new Set(chunks.map((chunk) => `${String(chunk['id'])} ${String(chunk['model'])}`)).size).toBe(1);
      const first = new Map<number, Json>();
      for (const choice of chunks.flatMap((chunk) => chunk['choices'] as { index: number; delta: Json }[]))
        if (!first.has(choice.index)) first.set(choice.index, choice.delta);
      for (const delta of first.values()) expect(delta['role']).toBe('assistant');
    },
  );
});
