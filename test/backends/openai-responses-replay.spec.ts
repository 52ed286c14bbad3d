import { describe, expect, it } from '@jest/globals';
import { decodeResponseBody } from '../../src/backends/openai-responses/decode-body.ts';
import { ResponsesStreamDecoder } from '../../src/backends/openai-responses/stream-decoder.ts';
import { AnswerFold, type ChatAnswer } from '../../src/kernel/answer.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { hasRecordedStreams, recordedStreams, type RecordedFrame } from '../support/recorded-streams.ts';

const providers = [
  'openai-responses',
  'azure-responses',
  'xai-responses',
  'deepseek-responses',
  'lmstudio-responses',
  'bedrock-mantle',
];

type Json = Record<string, unknown>;
interface Part {
  readonly type: string;
  readonly text?: string;
  readonly refusal?: string;
  readonly annotations?: readonly unknown[];
}
interface Item {
  readonly type: string;
  readonly call_id?: string;
  readonly name?: string;
  readonly arguments?: string;
  readonly input?: string;
  readonly content?: readonly Part[];
  readonly summary?: readonly Part[];
  readonly encrypted_content?: string | null;
}
interface Usage {
  readonly input_tokens: number;
  readonly output_tokens: number;
  readonly total_tokens: number;
}
interface Response {
  readonly id: string;
  readonly model: string;
  readonly status: string;
  readonly output: readonly Item[];
  readonly usage?: Usage;
}
interface Said {
  readonly response: Response;
  readonly items: readonly Item[];
  /** The pieces of the text of each part of a message, joined. */
  readonly texts: readonly string[];
}

function decode(frames: readonly RecordedFrame[], own = false): { events: AnswerEvent[]; error: string | undefined } {
  const decoder = new ResponsesStreamDecoder(own);
  const events: AnswerEvent[] = [];
  try {
    for (const { event, data } of frames) events.push(...decoder.frame(event, data).events);
    events.push(...decoder.end());
  } catch (error) {
    return { events, error: (error as SluiceError).code };
  }
  return { events, error: undefined };
}

interface Frame {
  readonly type: string;
  readonly output_index: number;
  readonly content_index: number;
  readonly delta: string;
  readonly item: Item;
  readonly response: Response;
}

/** The first response of a recording, read without any of our code: its items are those of `output_item.done`. */
function read(frames: readonly RecordedFrame[]): Said | undefined {
  const items = new Map<number, Item>();
  const texts = new Map<string, string>();
  for (const { data } of frames) {
    if (data === '[DONE]') continue;
    const frame = JSON.parse(data) as Frame;
    const key = `${frame.output_index}.${frame.content_index}`;
    if (frame.type === 'response.output_item.added' || frame.type === 'response.output_item.done')
      items.set(frame.output_index, frame.item);
    if (frame.type === 'response.output_text.delta') texts.set(key, (texts.get(key) ?? '') + frame.delta);
    if (frame.type !== 'response.completed') continue;
    const inOrder = [...items.entries()].toSorted(([a], [b]) => a - b).map(([, item]) => item);
    return { response: frame.response, items: inOrder, texts: [...texts.values()] };
  }
  return undefined;
}

function foldOf(events: readonly AnswerEvent[]): ChatAnswer {
  const fold = new AnswerFold();
  for (const event of events) fold.push(event);
  return fold.answer;
}

/** What an answer says, in the words of the items. */
function essence({ choices: [choice], meta, usage }: ChatAnswer): Json {
  const blocks = choice?.blocks ?? [];
  const textOf = (...kinds: readonly string[]): string =>
    blocks
      .filter(({ kind }) => kinds.includes(kind))
      .map(({ text }) => text)
      .join('|');
  return {
    id: meta.responseId ?? '',
    model: meta.model,
    text: textOf('text'),
    refusal: textOf('refusal'),
    summary: textOf('reasoning_summary'),
    reasoning: blocks
      .filter(({ kind, text }) => kind === 'reasoning' && text !== '')
      .map(({ text }) => text)
      .join('|'),
    proofs: blocks.flatMap(({ signature }) => signature?.value ?? []),
    calls: blocks
      .filter(({ kind }) => kind === 'tool_call' || kind === 'custom_tool_call')
      .map((block) => [block.start.callId, block.start.name, block.arguments]),
    others: blocks.filter(({ start }) => start.initial !== undefined && !start.kind.endsWith('tool_call')).length,
    servers: blocks.filter(({ kind }) => kind === 'server_tool_call').length,
    citations: blocks.flatMap(({ annotations }) => annotations.map(({ annotation }) => annotation)),
    usage: [usage?.input?.total, usage?.output?.total, usage?.total],
  };
}

const servers = /^(?:.*_call|mcp_list_tools|mcp_approval_request)$/;

/** The whole text, which some recordings have shortened pieces of; where the two differ the pieces are what clients saw. */
function wholeText(text: string, pieces: readonly string[]): string {
  const same = pieces.find((piece) => piece !== '' && text.slice(0, 12) === piece.slice(0, 12));
  return same === undefined || text.startsWith(same) ? text : same;
}

function naiveEssence({ response, items, texts }: Said): Json {
  const parts = items.filter(({ type }) => type === 'message').flatMap(({ content = [] }) => content);
  const thoughts = items.filter(({ type }) => type === 'reasoning');
  const calls = items.filter(({ type }) => type === 'function_call' || type === 'custom_tool_call');
  const served = items.filter(
    ({ type }) =>
      servers.test(type) && type !== 'image_generation_call' && !['function_call', 'custom_tool_call'].includes(type),
  );
  const { usage } = response;
  return {
    id: response.id,
    model: response.model,
    text: parts
      .filter(({ type }) => type === 'output_text')
      .map(({ text = '' }) => wholeText(text, texts))
      .join('|'),
    refusal: parts
      .filter(({ type }) => type === 'refusal')
      .map(({ refusal = '' }) => refusal)
      .join('|'),
    summary: thoughts.flatMap(({ summary = [] }) => summary.map(({ text = '' }) => text)).join('|'),
    reasoning: thoughts.flatMap(({ content }) => (content ?? []).map(({ text = '' }) => text)).join('|'),
    proofs: thoughts.flatMap((item) => item.encrypted_content ?? []),
    calls: calls.map((item) => [item.call_id, item.name, item.arguments ?? item.input]),
    others: items.filter(({ type }) => type === 'image_generation_call' || type.endsWith('_output')).length,
    servers: served.length,
    citations: parts.flatMap(({ annotations = [] }) => annotations),
    usage: [usage?.input_tokens, usage?.output_tokens, usage?.total_tokens],
  };
}

const streams = recordedStreams(providers);
const title = hasRecordedStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

(hasRecordedStreams ? describe : describe.skip)(title, () => {
  it.each(streams)('$name: order, content and usage', ({ frames }) => {
    const { events, error } = decode(frames);
    const order = new EventOrder();
    for (const event of events) order.accept(event);
    if (error !== undefined) return;
    order.accept({ type: 'stream.end', outcome: 'ok' });
    expect(events[0]?.type).toBe('response.meta');
    expect(events.filter(({ type }) => type === 'finish')).toHaveLength(1);
    const said = read(frames);
    expect(said).toBeDefined();
    if (said !== undefined) expect(essence(foldOf(events))).toEqual(naiveEssence(said));
  });

  it.each(streams)('$name: as one document it is the same answer', ({ frames }) => {
    const said = read(decode(frames).error === undefined ? frames : []);
    if (said === undefined || said.response.output.length < said.items.length) return;
    const body = JSON.stringify({ ...said.response, output: said.items });
    expect(essence(foldOf(decodeResponseBody(body, false)))).toEqual(naiveEssence({ ...said, texts: [] }));
  });

  it.each(streams)('$name: a client of the format is told no less', ({ frames }) => {
    const foreign = decode(frames);
    const own = decode(frames, true);
    expect(own.error).toBe(foreign.error);
    if (own.error === undefined) expect(essence(foldOf(own.events))).toEqual(essence(foldOf(foreign.events)));
  });

  it.each(streams)('$name: cut before its end it is truncated', ({ frames }) => {
    const end = frames.findIndex(({ data }) =>
      /"type": ?"response\.(?:completed|incomplete|failed)"|"type":"error"/.test(data),
    );
    for (const length of [0, Math.floor(end / 2), end]) {
      const { error } = decode(frames.slice(0, Math.max(0, length)));
      expect(['UPSTREAM_TRUNCATED', 'UPSTREAM_BAD_FRAME']).toContain(error);
    }
  });

  it('only those that hold an error or are no JSON fail', () => {
    const failed = streams
      .map(({ name, frames }) => [name, decode(frames).error] as const)
      .filter(([, error]) => error !== undefined);
    expect(Object.fromEntries(failed)).toEqual({
      'openai-responses/vai-openai-error-1.chunks.txt': 'UPSTREAM_RATE_LIMITED',
      'openai-responses/vai-parallel-tool-call-wrapper-1.chunks.txt': 'UPSTREAM_BAD_FRAME',
    });
  });
});
