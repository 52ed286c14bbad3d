import { sseEvents } from '../framing.mjs';
import { appendPiece, failed, ReadingBuilder, truncated } from '../reading.mjs';

const stops = {
  COMPLETE: 'stop',
  STOP_SEQUENCE: 'stop',
  MAX_TOKENS: 'length',
  TOOL_CALL: 'tool_calls',
};

/** The v2 chat API of Cohere. The plan of the calls is reasoning. */
export function readCohere(bytes) {
  const builder = new ReadingBuilder();
  const choice = builder.choice();
  let thinking = -2;
  const think = (index, text) => {
    appendPiece(choice.reasoning, text, thinking !== index);
    thinking = index;
  };
  for (const { data } of sseEvents(bytes)) {
    if (data === '[DONE]') break;
    const { type, index, delta } = JSON.parse(data);
    const { content, tool_plan: plan, tool_calls: called } = delta?.message ?? {};
    if (plan) think(-1, plan);
    if (type === 'content-start' || type === 'content-delta') {
      if (content?.text) choice.text += content.text;
      if (content?.thinking) think(index, content.thinking);
    }
    if (type === 'tool-call-start')
      choice.calls[index] = { id: called.id, name: called.function.name, json: called.function.arguments };
    if (type === 'tool-call-delta') choice.calls[index].json += called.function.arguments;
    if (type !== 'message-end') continue;
    if (delta.finish_reason === 'ERROR' || delta.finish_reason === 'TIMEOUT') return failed;
    choice.stop = stops[delta.finish_reason] ?? delta.finish_reason;
    builder.usage = usageOf(delta.usage);
  }
  return choice.stop === undefined ? truncated : builder.answer();
}

/** What was counted; what is billed leaves out the prompt of the service. */
function usageOf(usage) {
  return {
    input: usage?.tokens?.input_tokens ?? usage?.billed_units?.input_tokens,
    cacheRead: usage?.cached_tokens,
    output: usage?.tokens?.output_tokens ?? usage?.billed_units?.output_tokens,
  };
}
