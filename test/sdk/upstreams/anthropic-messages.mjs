import { halves, sse } from './frames.mjs';
import { textOf } from './scripted-answers.mjs';

const named = (data) => sse(data, data.type);
const about = { id: 'msg_1', type: 'message', role: 'assistant', model: 'mock-1' };
const stopOf = ({ calls }) => (calls === undefined ? 'end_turn' : 'tool_use');
const usageOf = ({ input, output }) => ({
  input_tokens: input,
  cache_creation_input_tokens: 0,
  cache_read_input_tokens: 0,
  output_tokens: output,
});

/** The messages API of Anthropic. */
export const anthropicMessages = {
  type: 'anthropic-messages',
  config: {},
  contentType: 'text/event-stream; charset=utf-8',
  callName: ({ id }) => id,
  wantsStream: ({ body }) => body.stream === true,

  frames: (answer) => [
    named({
      type: 'message_start',
      message: {
        ...about,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: usageOf({ ...answer.usage, output: 1 }),
      },
    }),
    named({ type: 'ping' }),
    ...blocksOf(answer).flatMap(({ start, deltas }, index) => [
      named({ type: 'content_block_start', index, content_block: start }),
      ...deltas.map((delta) => named({ type: 'content_block_delta', index, delta })),
      named({ type: 'content_block_stop', index }),
    ]),
    named({
      type: 'message_delta',
      delta: { stop_reason: stopOf(answer), stop_sequence: null },
      usage: { output_tokens: answer.usage.output },
    }),
    named({ type: 'message_stop' }),
  ],

  document: (answer) => ({
    ...about,
    content: blocksOf(answer).map(({ whole }) => whole),
    stop_reason: stopOf(answer),
    stop_sequence: null,
    usage: usageOf(answer.usage),
  }),

  refusal: ({ message, status }) => ({ type: 'error', error: { type: errorTypes[status] ?? 'api_error', message } }),
  failure: (message) => named({ type: 'error', error: { type: 'api_error', message } }),

  results: ({ messages }) =>
    blocksIn(messages, 'tool_result').map(({ tool_use_id: call, content }) => ({
      call,
      text: typeof content === 'string' ? content : content[0].text,
    })),
  proofs: ({ messages }) => blocksIn(messages, 'thinking').map(({ signature }) => signature),
};

const errorTypes = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  429: 'rate_limit_error',
  503: 'overloaded_error',
};

const blocksIn = (messages, type) =>
  messages.flatMap(({ content }) => (Array.isArray(content) ? content.filter((block) => block.type === type) : []));

function blocksOf(answer) {
  const { thinking, proof, text, calls = [] } = answer;
  const blocks = [];
  if (thinking !== undefined) {
    blocks.push({
      start: { type: 'thinking', thinking: '', signature: '' },
      deltas: [
        ...thinking.map((piece) => ({ type: 'thinking_delta', thinking: piece })),
        { type: 'signature_delta', signature: proof },
      ],
      whole: { type: 'thinking', thinking: thinking.join(''), signature: proof },
    });
  }
  if (text !== undefined) {
    blocks.push({
      start: { type: 'text', text: '' },
      deltas: text.map((piece) => ({ type: 'text_delta', text: piece })),
      whole: { type: 'text', text: textOf(answer), citations: null },
    });
  }
  for (const { id, name, arguments: json } of calls) {
    blocks.push({
      start: { type: 'tool_use', id, name, input: {} },
      deltas: ['', ...halves(json)].map((part) => ({ type: 'input_json_delta', partial_json: part })),
      whole: { type: 'tool_use', id, name, input: JSON.parse(json) },
    });
  }
  return blocks;
}
