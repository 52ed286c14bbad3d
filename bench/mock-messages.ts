import { completionTokens, promptTokens, textDeltas } from './mock-answers.ts';

/*
 * The mock's stream as Anthropic writes it: named events, each piece of text in a frame of about 120 bytes. The blanks
 * that Anthropic adds before the last brace are left out, as the filler is from OpenAI's plain stream.
 */

const usage = {
  input_tokens: promptTokens,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
};

const message = {
  id: 'msg_01Qx7kVbT3nLwZ8sYd5uKfRe',
  type: 'message',
  role: 'assistant',
  model: 'mock',
  content: [],
  stop_reason: null,
  stop_sequence: null,
  usage: {
    ...usage,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: 1,
    service_tier: 'standard',
  },
};

function messageFrame(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

/** The SSE frames with the text of an OpenAI stream of `events` events, in the same pieces; `message_stop` not included. */
export function messageFrames(events: number): string[] {
  return [
    messageFrame('message_start', { message }),
    messageFrame('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    messageFrame('ping', {}),
    ...textDeltas(events).map((text) =>
      messageFrame('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
    ),
    messageFrame('content_block_stop', { index: 0 }),
    messageFrame('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: { ...usage, output_tokens: completionTokens },
    }),
  ];
}
