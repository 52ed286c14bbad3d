import { halves, sse } from './frames.mjs';
import { textOf } from './scripted-answers.mjs';

const named = (data) => sse(data, data.type);

/** The responses API of OpenAI. Reasoning comes as a summary, its proof as encrypted content. */
export const openaiResponses = {
  type: 'openai-responses',
  config: { encryptedReasoning: true },
  contentType: 'text/event-stream; charset=utf-8',
  callName: ({ id }) => id,
  wantsStream: ({ body }) => body.stream === true,

  frames: (answer) => {
    const items = itemsOf(answer);
    const events = [
      { type: 'response.created', response: responseOf(answer, 'in_progress', []) },
      { type: 'response.in_progress', response: responseOf(answer, 'in_progress', []) },
      ...items.flatMap(({ begun, item, inner }, place) => [
        { type: 'response.output_item.added', output_index: place, item: begun },
        ...inner.map((event) => ({ ...event, item_id: item.id, output_index: place })),
        { type: 'response.output_item.done', output_index: place, item },
      ]),
      {
        type: 'response.completed',
        response: responseOf(
          answer,
          'completed',
          items.map(({ item }) => item),
        ),
      },
    ];
    return events.map((event, sequence) => named({ ...event, sequence_number: sequence }));
  },

  document: (answer) =>
    responseOf(
      answer,
      'completed',
      itemsOf(answer).map(({ item }) => item),
    ),

  refusal: ({ message }) => ({ error: { message, type: 'error', param: null, code: null } }),
  failure: (message) =>
    named({
      type: 'error',
      sequence_number: 99,
      error: { type: 'server_error', code: 'server_error', message, param: null },
    }),

  results: ({ input }) =>
    itemsIn(input, 'function_call_output').map(({ call_id: call, output }) => ({
      call,
      text: typeof output === 'string' ? output : output[0].text,
    })),
  proofs: ({ input }) =>
    itemsIn(input, 'reasoning')
      .map((item) => item.encrypted_content)
      .filter(Boolean),
};

const itemsIn = (input, type) => (Array.isArray(input) ? input.filter((item) => item.type === type) : []);

const responseOf = ({ usage: { input, output } }, status, items) => ({
  id: 'resp_1',
  object: 'response',
  created_at: 1_760_000_000,
  status,
  error: null,
  incomplete_details: null,
  instructions: null,
  metadata: {},
  model: 'mock-1',
  output: items,
  parallel_tool_calls: true,
  temperature: 1,
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  usage:
    status !== 'completed'
      ? null
      : {
          input_tokens: input,
          input_tokens_details: { cached_tokens: 0 },
          output_tokens: output,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: input + output,
        },
});

/** Of every item: as it begins, as it ends, and the events between. */
function itemsOf({ thinking, proof, text, calls = [] }) {
  return [
    ...(thinking === undefined ? [] : [reasoningItem(thinking, proof)]),
    ...(text === undefined ? [] : [messageItem(text)]),
    ...calls.map(callItem),
  ];
}

function reasoningItem(pieces, proof) {
  const base = { id: 'rs_1', type: 'reasoning' };
  const place = { summary_index: 0 };
  const part = { type: 'summary_text', text: pieces.join('') };
  return {
    begun: { ...base, summary: [] },
    item: { ...base, summary: [part], encrypted_content: proof },
    inner: [
      { type: 'response.reasoning_summary_part.added', ...place, part: { ...part, text: '' } },
      ...pieces.map((delta) => ({ type: 'response.reasoning_summary_text.delta', ...place, delta })),
      { type: 'response.reasoning_summary_text.done', ...place, text: part.text },
      { type: 'response.reasoning_summary_part.done', ...place, part },
    ],
  };
}

function messageItem(pieces) {
  const base = { id: 'msg_1', type: 'message', role: 'assistant' };
  const place = { content_index: 0 };
  const part = { type: 'output_text', text: textOf({ text: pieces }), annotations: [], logprobs: [] };
  return {
    begun: { ...base, status: 'in_progress', content: [] },
    item: { ...base, status: 'completed', content: [part] },
    inner: [
      { type: 'response.content_part.added', ...place, part: { ...part, text: '' } },
      ...pieces.map((delta) => ({ type: 'response.output_text.delta', ...place, delta, logprobs: [] })),
      { type: 'response.output_text.done', ...place, text: part.text, logprobs: [] },
      { type: 'response.content_part.done', ...place, part },
    ],
  };
}

function callItem({ id, name, arguments: json }) {
  const base = { id: `fc_${id}`, type: 'function_call', call_id: id, name };
  return {
    begun: { ...base, status: 'in_progress', arguments: '' },
    item: { ...base, status: 'completed', arguments: json },
    inner: [
      ...halves(json).map((delta) => ({ type: 'response.function_call_arguments.delta', delta })),
      { type: 'response.function_call_arguments.done', arguments: json, name },
    ],
  };
}
