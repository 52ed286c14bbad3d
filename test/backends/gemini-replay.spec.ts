import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { GeminiStreamDecoder } from '../../src/backends/gemini/stream-decoder.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import { fold, ofType } from '../support/gemini-chunks.ts';
import { parse, send, type Json } from '../support/gemini-requests.ts';
import { hasRecordedStreams, recordedStreams, type RecordedFrame } from '../support/recorded-streams.ts';

interface Part {
  readonly text?: string;
  readonly thought?: boolean;
  readonly thoughtSignature?: string;
  readonly functionCall?: {
    readonly name?: string;
    readonly id?: string;
    readonly args?: unknown;
    readonly partialArgs?: readonly { readonly jsonPath: string; readonly stringValue?: string }[];
  };
}
interface Chunk {
  readonly candidates?: readonly {
    readonly content?: { readonly parts?: readonly Part[] };
    readonly finishReason?: string;
  }[];
  readonly usageMetadata?: Readonly<Record<string, number>>;
  readonly modelVersion?: string;
  readonly responseId?: string;
}

const streams = recordedStreams(['gemini', 'vertex-gemini']).map(({ name, frames }) => ({
  name,
  // The format has no terminator; the reader of payload files adds one.
  frames: frames.filter(({ data }) => data !== '[DONE]'),
}));
const title = hasRecordedStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

function decode(frames: readonly RecordedFrame[]): readonly AnswerEvent[] {
  const decoder = new GeminiStreamDecoder();
  return [...frames.flatMap(({ event, data }) => decoder.frame(event, data).events), ...decoder.end()];
}

/** What a stream says, read without any of our code. */
function read(frames: readonly RecordedFrame[]) {
  const chunks = frames.map(({ data }) => JSON.parse(data) as Chunk);
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const calls: { name: string; id: string | undefined; args: Record<string, string> }[] = [];
  for (const { functionCall } of parts) {
    if (functionCall === undefined) continue;
    if (functionCall.name !== undefined)
      calls.push({ name: functionCall.name, id: functionCall.id, args: { ...(functionCall.args as object) } });
    const args = calls.at(-1)?.args ?? {};
    for (const { jsonPath, stringValue = '' } of functionCall.partialArgs ?? []) {
      const key = jsonPath.slice(2);
      args[key] = `${args[key] ?? ''}${stringValue}`;
    }
  }
  const usage =
    chunks.findLast(({ usageMetadata }) => usageMetadata?.['totalTokenCount'] !== undefined)?.usageMetadata ?? {};
  return {
    text: textOf(parts.filter(({ thought }) => thought !== true)),
    thoughts: textOf(parts.filter(({ thought }) => thought === true)),
    signatures: parts.flatMap(({ thoughtSignature }) => thoughtSignature ?? []),
    calls,
    model: chunks[0]?.modelVersion,
    id: chunks[0]?.responseId,
    reason: chunks.flatMap(({ candidates }) => candidates?.[0]?.finishReason ?? []).at(0),
    input: (usage['promptTokenCount'] ?? 0) + (usage['toolUsePromptTokenCount'] ?? 0),
    output: (usage['candidatesTokenCount'] ?? 0) + (usage['thoughtsTokenCount'] ?? 0),
    total: usage['totalTokenCount'],
  };
}

function textOf(parts: readonly Part[]): string {
  return parts.map(({ text = '' }) => text).join('');
}

(hasRecordedStreams ? describe : describe.skip)(title, () => {
  it('are there', () => {
    expect(streams.length).toBeGreaterThan(20);
  });

  it.each(streams)('$name', ({ frames }) => {
    const events = decode(frames);
    const order = new EventOrder();
    for (const event of events) order.accept(event);
    order.accept({ type: 'stream.end', outcome: 'ok' });
    expect(ofType(events, 'raw')).toEqual([]);
    const { choices, meta, usage } = fold(events);
    const [choice] = choices;
    const blocks = choice?.blocks ?? [];
    const textOfKind = (kind: string): string =>
      blocks
        .filter((block) => block.kind === kind)
        .map(({ text }) => text)
        .join('');
    expect({
      text: textOfKind('text'),
      thoughts: textOfKind('reasoning'),
      signatures: blocks.flatMap(({ signature }) => signature?.value ?? []),
      calls: blocks
        .filter(({ kind }) => kind === 'tool_call')
        .map(({ start, arguments: json }) => ({
          name: start.name,
          id: start.callId,
          args: JSON.parse(json) as unknown,
        })),
      model: meta.model,
      id: meta.responseId,
      reason: choice?.finish?.reason.raw,
      input: usage?.input?.total,
      output: usage?.output?.total,
      total: usage?.total,
    }).toEqual(read(frames));
    const calls = blocks.some(({ kind }) => kind === 'tool_call');
    expect(choice?.finish?.reason.unified).toBe(calls ? 'tool_calls' : 'stop');
  });

  it('cut anywhere before their end are truncated', () => {
    for (const { frames } of streams) {
      const last = frames.findIndex(({ data }) => data.includes('"finishReason"'));
      expect(() => decode(frames.slice(0, last))).toThrow(expect.objectContaining({ code: 'UPSTREAM_TRUNCATED' }));
    }
  });

  it.each(requests())('$name says the same again', ({ body }) => {
    expect(send(parse(body))).toEqual({ body: withoutSpellings(body), lost: [] });
  });
});

/** The recorded requests that have a conversation, of both providers. */
function requests(): readonly { readonly name: string; readonly body: Json }[] {
  if (!hasRecordedStreams) return [{ name: 'none', body: {} }];
  const folder = new URL('../../../shared/fixtures/', import.meta.url);
  return ['gemini', 'vertex-gemini'].flatMap((provider) =>
    readdirSync(new URL(`${provider}/`, folder))
      .filter((file) => file.endsWith('.request.json'))
      .map((name) => ({ name, body: JSON.parse(readFileSync(new URL(`${provider}/${name}`, folder), 'utf8')) as Json }))
      .filter(({ body }) => body['contents'] !== undefined && !JSON.stringify(body).includes('invalid_role')),
  );
}

/** A body as the engine spells it: empty settings say nothing. */
function withoutSpellings(body: Json): Json {
  const { generationConfig, ...rest } = body;
  const hasSettings = Object.keys((generationConfig ?? {}) as object).length > 0;
  const text = JSON.stringify({ ...rest, ...(hasSettings && { generationConfig }) });
  return JSON.parse(text.replaceAll('parameters_json_schema', 'parametersJsonSchema')) as Json;
}
