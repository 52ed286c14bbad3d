import { sseEvents } from '../framing.mjs';
import { failed, ReadingBuilder, sum, truncated } from '../reading.mjs';

const stops = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'refusal',
  pause_turn: 'pause',
  compaction: 'pause',
};

/** Messages: the first message of the stream. */
export function readAnthropic(bytes) {
  const blocks = [];
  const usage = {};
  let stop;
  let details;
  for (const { data } of sseEvents(bytes)) {
    const event = JSON.parse(data);
    switch (event.type) {
      case 'message_start':
        Object.assign(usage, event.message.usage);
        stop = event.message.stop_reason ?? undefined;
        blocks.push(...event.message.content);
        break;
      case 'content_block_start':
        blocks[event.index] = { ...event.content_block, json: '' };
        break;
      case 'content_block_delta':
        readDelta(blocks[event.index], event.delta);
        break;
      case 'message_delta':
        stop = event.delta.stop_reason ?? stop;
        details = event.delta.stop_details ?? details;
        Object.assign(usage, event.usage);
        break;
      case 'message_stop':
        return readMessage({ content: blocks, stop_reason: stop, stop_details: details, usage });
      case 'error':
        return failed;
      default:
    }
  }
  if (stop === undefined) return truncated;
  return readMessage({ content: blocks, stop_reason: stop, stop_details: details, usage });
}

function readDelta(block, { type, text, thinking, partial_json: json }) {
  if (type === 'text_delta') block.text = (block.text ?? '') + text;
  if (type === 'thinking_delta') block.thinking = (block.thinking ?? '') + thinking;
  if (type === 'input_json_delta') block.json += json;
}

/** A whole message; `json` of a block is its input where that came in pieces. */
export function readMessage({ content, stop_reason: stop, stop_details: details, usage }) {
  const builder = new ReadingBuilder();
  const choice = builder.choice();
  for (const { type, text, thinking, id, name, input, json } of content) {
    if (type === 'text') choice.text += text;
    if (type === 'thinking') choice.reasoning.push(thinking ?? '');
    if (type === 'tool_use') choice.calls.push({ id, name, json: json || input });
  }
  choice.stop = stops[stop] ?? stop;
  choice.explanation = details?.explanation ?? undefined;
  builder.usage = usageOf(usage);
  return builder.answer();
}

function usageOf(usage) {
  const { input_tokens: fresh, cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage;
  return {
    input: sum(fresh, read, written),
    cacheRead: read ?? undefined,
    cacheWrite: written ?? undefined,
    output: usage.output_tokens,
    reasoning: usage.output_tokens_details?.thinking_tokens,
  };
}
