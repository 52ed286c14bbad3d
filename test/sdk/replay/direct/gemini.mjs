import { sseEvents } from '../framing.mjs';
import { appendPiece, failed, ReadingBuilder, sum, truncated } from '../reading.mjs';

const filtered = /^(SAFETY|RECITATION|BLOCKLIST|PROHIBITED_CONTENT|SPII|LANGUAGE|IMAGE_.*|NO_IMAGE)$/;

export function readGemini(bytes) {
  return readChunks(sseEvents(bytes).map(({ data }) => JSON.parse(data)));
}

/** Chunks of a stream, each a whole GenerateContentResponse. */
export function readChunks(chunks) {
  const builder = new ReadingBuilder();
  let stopped = false;
  for (const chunk of chunks) {
    if (chunk.error) return failed;
    if (chunk.usageMetadata) Object.assign(builder.usage, usageOf(chunk.usageMetadata));
    if (chunk.promptFeedback?.blockReason) {
      stopped = true;
      builder.choice().stop = 'content_filter';
    }
    for (const { index = 0, content, finishReason } of chunk.candidates ?? []) {
      const choice = builder.choice(index);
      for (const part of content?.parts ?? []) readPart(choice, part);
      if (finishReason === undefined || finishReason === 'FINISH_REASON_UNSPECIFIED') continue;
      stopped = true;
      choice.stop = stopOf(finishReason, choice);
    }
  }
  return stopped ? builder.answer() : truncated;
}

function readPart(choice, { text, thought, functionCall: call }) {
  if (typeof text === 'string') {
    if (thought === true) appendPiece(choice.reasoning, text);
    else choice.text += text;
  }
  if (call !== undefined) readCall(choice.calls, call);
}

/** A call comes whole, or its arguments come by path after its name. */
function readCall(calls, { id, name, args, partialArgs }) {
  if (name !== undefined) calls.push({ id, name, json: args ?? {} });
  for (const { jsonPath, ...value } of partialArgs ?? []) setByPath(calls.at(-1).json, jsonPath, valueOf(value));
}

function valueOf({ stringValue, numberValue, boolValue }) {
  return stringValue ?? numberValue ?? boolValue ?? null;
}

function setByPath(root, path, value) {
  const keys = [...path.matchAll(/\.([^.[\]]+)|\[(?:(\d+)|'([^']*)'|"([^"]*)")\]/g)].map(
    ([, name, index, single, double]) => (index === undefined ? (name ?? single ?? double) : Number(index)),
  );
  const last = keys.pop();
  let place = root;
  keys.forEach((key, depth) => {
    place = place[key] ??= typeof (keys[depth + 1] ?? last) === 'number' ? [] : {};
  });
  place[last] = typeof place[last] === 'string' && typeof value === 'string' ? place[last] + value : value;
}

function stopOf(reason, { calls }) {
  if (reason === 'STOP') return calls.length > 0 ? 'tool_calls' : 'stop';
  if (reason === 'MAX_TOKENS') return 'length';
  return filtered.test(reason) ? 'content_filter' : 'error';
}

function usageOf(usage) {
  return {
    input: sum(usage.promptTokenCount, usage.toolUsePromptTokenCount),
    cacheRead: usage.cachedContentTokenCount,
    output: sum(usage.candidatesTokenCount, usage.thoughtsTokenCount),
    reasoning: usage.thoughtsTokenCount,
  };
}
