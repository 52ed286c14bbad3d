import { halves, sse } from './frames.mjs';
import { textOf } from './scripted-answers.mjs';

const about = { id: 'chatcmpl-1', created: 1_760_000_000, model: 'mock-1' };
const chunk = (delta, finish = null) =>
  sse({
    ...about,
    object: 'chat.completion.chunk',
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  });
const usageOf = ({ input, output }) => ({
  prompt_tokens: input,
  completion_tokens: output,
  total_tokens: input + output,
});
const finishOf = ({ calls }) => (calls === undefined ? 'stop' : 'tool_calls');
const details = (part) => [{ type: 'reasoning.text', index: 0, format: 'mock-v1', ...part }];

/** Chat completions of OpenAI, with reasoning and its proofs as OpenRouter sends them. */
export const openaiChat = {
  type: 'openai-chat',
  config: { vendor: 'openrouter' },
  contentType: 'text/event-stream',
  callName: ({ id }) => id,
  wantsStream: ({ body }) => body.stream === true,

  frames: (answer) => [
    chunk({ role: 'assistant', content: '' }),
    ...(answer.thinking ?? []).map((text) => chunk({ reasoning: text, reasoning_details: details({ text }) })),
    ...(answer.proof === undefined ? [] : [chunk({ reasoning_details: details({ signature: answer.proof }) })]),
    ...(answer.text ?? []).map((content) => chunk({ content })),
    ...(answer.calls ?? []).flatMap(({ id, name, arguments: json }, index) => [
      chunk({ tool_calls: [{ index, id, type: 'function', function: { name, arguments: '' } }] }),
      ...halves(json).map((part) => chunk({ tool_calls: [{ index, function: { arguments: part } }] })),
    ]),
    chunk({}, finishOf(answer)),
    sse({ ...about, object: 'chat.completion.chunk', choices: [], usage: usageOf(answer.usage) }),
    sse('[DONE]'),
  ],

  document: (answer) => ({
    ...about,
    object: 'chat.completion',
    choices: [{ index: 0, message: messageOf(answer), logprobs: null, finish_reason: finishOf(answer) }],
    usage: usageOf(answer.usage),
  }),

  refusal: ({ message }) => ({ error: { message, type: 'error', param: null, code: null } }),
  failure: (message) => sse({ error: { message, type: 'server_error', code: 'oom' } }),

  results: ({ messages }) =>
    messages
      .filter(({ role }) => role === 'tool')
      .map(({ tool_call_id: call, content }) => ({
        call,
        text: typeof content === 'string' ? content : content[0].text,
      })),
  proofs: ({ messages }) =>
    messages.flatMap(({ reasoning_details: parts = [] }) => parts.map(({ signature }) => signature).filter(Boolean)),
};

function messageOf(answer) {
  const { thinking, proof, calls } = answer;
  return {
    role: 'assistant',
    content: textOf(answer) || null,
    refusal: null,
    ...(thinking && {
      reasoning: thinking.join(''),
      reasoning_details: details({ text: thinking.join(''), signature: proof }),
    }),
    ...(calls && {
      tool_calls: calls.map(({ id, name, arguments: json }) => ({
        id,
        type: 'function',
        function: { name, arguments: json },
      })),
    }),
  };
}
