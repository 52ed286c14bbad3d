import { sseEvents } from '../framing.mjs';
import { failed, ReadingBuilder, truncated } from '../reading.mjs';

/** Built-in tools that the client runs, and what it has to allow. */
const waiting = new Set([
  'function_call',
  'custom_tool_call',
  'local_shell_call',
  'apply_patch_call',
  'computer_call',
  'mcp_approval_request',
]);

/** Responses: the items as they were when they were done, with the text as it streamed. */
export function readResponses(bytes) {
  const items = [];
  const texts = new Map();
  for (const { data } of sseEvents(bytes)) {
    if (data === '[DONE]') break;
    const event = JSON.parse(data);
    switch (event.type) {
      case 'response.output_text.delta': {
        const place = `${event.output_index}.${event.content_index}`;
        texts.set(place, (texts.get(place) ?? '') + event.delta);
        break;
      }
      case 'response.output_item.done':
        items[event.output_index] = withTexts(event.item, event.output_index, texts);
        break;
      case 'error':
      case 'response.failed':
        return failed;
      case 'response.completed':
      case 'response.incomplete':
        return readResponse(event.response, items);
      default:
    }
  }
  return truncated;
}

/** A whole response. `items` are those of the stream: some servers leave them out at the end. */
export function readResponse(response, items = response.output) {
  const builder = new ReadingBuilder();
  const choice = builder.choice();
  const all = (items.length > 0 ? items : response.output).filter((item) => item !== undefined);
  for (const item of all) readItem(choice, item);
  choice.stop = stopOf(response, choice, all.some(isWaiting));
  builder.usage = usageOf(response.usage);
  return builder.answer();
}

/** What streamed is what was seen. Where the whole goes on from there, it was seen at the end. */
function withTexts(item, outputIndex, texts) {
  if (item.type !== 'message') return item;
  const content = item.content.map((part, index) => {
    const text = texts.get(`${outputIndex}.${index}`);
    return part.type === 'output_text' && !part.text.startsWith(text ?? '') ? { ...part, text } : part;
  });
  return { ...item, content };
}

function readItem(choice, item) {
  switch (item.type) {
    case 'message':
      for (const part of item.content) {
        if (part.type === 'output_text') choice.text += part.text;
        if (part.type === 'refusal') choice.refusal += part.refusal;
      }
      return;
    case 'reasoning':
      for (const { text } of [...(item.summary ?? []), ...(item.content ?? [])]) choice.reasoning.push(text);
      return;
    case 'function_call':
      choice.calls.push({ id: item.call_id, name: item.name, json: item.arguments });
      return;
    case 'custom_tool_call':
      choice.calls.push({ id: item.call_id, name: item.name, json: item.input, isCustom: true });
      return;
    default:
  }
}

/** The search of tools and the shell may run at either side. */
function isWaiting({ type, execution, environment }) {
  if (type === 'tool_search_call') return execution === 'client';
  if (type === 'shell_call') return environment?.type === 'local';
  return waiting.has(type);
}

function stopOf({ status, incomplete_details: details }, { refusal }, waits) {
  if (details?.reason === 'max_output_tokens') return 'length';
  if (details?.reason === 'content_filter') return 'content_filter';
  if (status !== 'completed') return status;
  if (waits) return 'tool_calls';
  return refusal === '' ? 'stop' : 'refusal';
}

function usageOf(usage) {
  if (!usage) return {};
  return {
    input: usage.input_tokens,
    cacheRead: usage.input_tokens_details?.cached_tokens,
    cacheWrite: usage.input_tokens_details?.cache_write_tokens,
    output: usage.output_tokens,
    reasoning: usage.output_tokens_details?.reasoning_tokens,
  };
}
