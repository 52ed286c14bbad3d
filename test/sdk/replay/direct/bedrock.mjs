import { awsEvents } from '../framing.mjs';
import { appendPiece, failed, ReadingBuilder, sum, truncated } from '../reading.mjs';

const stops = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  tool_use: 'tool_calls',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

/** Converse streams of Amazon Bedrock. Text has no start; what the service runs itself is no call. */
export function readBedrock(bytes) {
  const builder = new ReadingBuilder();
  const choice = builder.choice();
  const calls = new Map();
  let thinkingBlock;
  for (const { kind, name, payload } of awsEvents(bytes)) {
    if (kind !== 'event') return failed;
    const { contentBlockIndex: index, start, delta } = payload;
    if (start?.toolUse && start.toolUse.type !== 'server_tool_use') {
      const call = { id: start.toolUse.toolUseId, name: start.toolUse.name, json: '' };
      calls.set(index, call);
      choice.calls.push(call);
    }
    if (typeof delta?.text === 'string') choice.text += delta.text;
    if (typeof delta?.reasoningContent?.text === 'string') {
      appendPiece(choice.reasoning, delta.reasoningContent.text, thinkingBlock !== index);
      thinkingBlock = index;
    }
    if (delta?.toolUse && calls.has(index)) calls.get(index).json += delta.toolUse.input;
    if (name === 'messageStop') choice.stop = stops[payload.stopReason] ?? payload.stopReason;
    if (name === 'metadata') builder.usage = usageOf(payload.usage);
  }
  return choice.stop === undefined ? truncated : builder.answer();
}

function usageOf(usage) {
  return {
    input: sum(usage.inputTokens, usage.cacheReadInputTokens, usage.cacheWriteInputTokens),
    cacheRead: usage.cacheReadInputTokens,
    cacheWrite: usage.cacheWriteInputTokens,
    output: usage.outputTokens,
  };
}
