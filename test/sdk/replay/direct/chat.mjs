import { sseEvents } from '../framing.mjs';
import { failed, ReadingBuilder, sum, truncated } from '../reading.mjs';

const stops = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  function_call: 'tool_calls',
  content_filter: 'content_filter',
};

/** Chat completions, with the habits of those who call themselves compatible. */
export function readChat(bytes) {
  const chunks = [];
  for (const { event, data } of sseEvents(bytes)) {
    if (data === '[DONE]') return readChatChunks(chunks, true);
    const chunk = JSON.parse(data);
    if (event === 'error' || chunk.error) return failed;
    chunks.push(chunk);
  }
  return readChatChunks(chunks, false);
}

/** The chunks of a stream. `done` says that the stream said that it is complete. */
export function readChatChunks(chunks, done = false) {
  const builder = new ReadingBuilder();
  let stopped = false;
  for (const chunk of chunks) {
    Object.assign(builder.usage, usageOf(chunk.usage ?? chunk.x_groq?.usage));
    for (const choice of chunk.choices ?? []) {
      // Some servers answer in the words of the older completions.
      readDelta(builder.choice(choice.index), choice.delta ?? { content: choice.text });
      if (typeof choice.finish_reason !== 'string' || choice.finish_reason === '') continue;
      stopped = true;
      builder.choice(choice.index).stop = stops[choice.finish_reason] ?? choice.finish_reason;
    }
  }
  if (!done && !stopped) return truncated;
  return withStops(builder.answer());
}

/** A whole completion. */
export function readCompletion({ choices, usage }) {
  const builder = new ReadingBuilder();
  for (const { index, message, finish_reason: reason } of choices) {
    const choice = builder.choice(index);
    readDelta(choice, { ...message, tool_calls: message.tool_calls?.map((call, at) => ({ ...call, index: at })) });
    choice.stop = stops[reason] ?? reason;
  }
  builder.usage = usageOf(usage);
  return withStops(builder.answer());
}

/** A stream that said that it is done may have given no reason; a refusal in words and calls may end with an ordinary stop. */
function withStops(reading) {
  for (const choice of reading.choices) {
    choice.stop ??= choice.calls.length > 0 ? 'tool_calls' : 'stop';
    if (choice.stop === 'stop' && choice.refusal !== '') choice.stop = 'refusal';
    if (choice.stop === 'stop' && choice.calls.length > 0) choice.stop = 'tool_calls';
  }
  return reading;
}

function readDelta(choice, delta) {
  readContent(choice, delta.content);
  addThoughts(choice, 'reasoning_content', delta.reasoning_content);
  addThoughts(choice, 'reasoning', delta.reasoning);
  for (const { text, summary } of delta.reasoning_details ?? []) addThoughts(choice, 'details', text ?? summary);
  if (typeof delta.refusal === 'string') choice.refusal += delta.refusal;
  for (const part of delta.tool_calls ?? []) readCall(choice.calls, part);
  if (delta.function_call) readCall(choice.calls, { index: 0, function: delta.function_call });
}

/** The same thoughts are often written several times, in the spellings of several servers. */
function addThoughts(choice, spelling, text) {
  if (typeof text !== 'string') return;
  choice.thoughts ??= {};
  choice.thoughts[spelling] = (choice.thoughts[spelling] ?? '') + text;
}

/** Mistral sends parts where it thinks. */
function readContent(choice, content) {
  if (typeof content === 'string') choice.text += content;
  if (!Array.isArray(content)) return;
  for (const part of content) {
    if (part.type === 'text') choice.text += part.text;
    if (part.type === 'thinking') for (const { text } of part.thinking) addThoughts(choice, 'parts', text);
  }
}

/** A part without an index begins a call, unless it has no id: then it goes on with the last one. */
function readCall(calls, { index, id, function: called = {}, custom }) {
  const place = index ?? (id ? calls.length : calls.length - 1);
  const call = (calls[place] ??= { id: undefined, name: undefined, json: '' });
  call.id ??= id || undefined;
  call.name ??= called.name || custom?.name || undefined;
  if (custom) call.isCustom = true;
  const { arguments: json } = called;
  call.json += typeof json === 'object' && json !== null ? JSON.stringify(json) : (json ?? custom?.input ?? '');
}

/** xAI counts reasoning beside the completion tokens: its own sum says so. */
function usageOf(usage) {
  if (!usage) return {};
  const reasoning = usage.completion_tokens_details?.reasoning_tokens;
  const isApart = usage.total_tokens === usage.prompt_tokens + usage.completion_tokens + (reasoning ?? 0);
  return {
    input: usage.prompt_tokens,
    cacheRead: usage.prompt_tokens_details?.cached_tokens ?? usage.prompt_cache_hit_tokens,
    cacheWrite: usage.prompt_tokens_details?.cache_write_tokens,
    output: isApart ? sum(usage.completion_tokens, reasoning) : usage.completion_tokens,
    reasoning,
  };
}
