import { textOf } from './scripted-answers.mjs';

const line = (data) => `${JSON.stringify(data)}\n`;
const about = { model: 'mock-1', created_at: '2026-01-02T03:04:05.678Z' };
const part = (message) => line({ ...about, message: { role: 'assistant', content: '', ...message }, done: false });
const callsOf = ({ calls }) =>
  calls?.map(({ id, name, arguments: json }, index) => ({
    id,
    function: { index, name, arguments: JSON.parse(json) },
  }));
const endOf = ({ usage }) => ({
  done: true,
  done_reason: 'stop',
  total_duration: 5_000_000,
  load_duration: 1_000_000,
  prompt_eval_count: usage.input,
  prompt_eval_duration: 2_000_000,
  eval_count: usage.output,
  eval_duration: 2_000_000,
});

/** The chat API of Ollama: lines of JSON. Its models prove nothing about what they thought. */
export const ollama = {
  type: 'ollama',
  config: {},
  contentType: 'application/x-ndjson',
  callName: ({ name }) => name,
  wantsStream: ({ body }) => body.stream !== false,

  frames: (answer) => [
    ...(answer.thinking ?? []).map((thinking) => part({ thinking })),
    ...(answer.text ?? []).map((content) => part({ content })),
    ...(callsOf(answer) ?? []).map((call) => part({ tool_calls: [call] })),
    line({ ...about, message: { role: 'assistant', content: '' }, ...endOf(answer) }),
  ],

  document: (answer) => ({
    ...about,
    message: {
      role: 'assistant',
      content: textOf(answer),
      ...(answer.thinking && { thinking: answer.thinking.join('') }),
      ...(answer.calls && { tool_calls: callsOf(answer) }),
    },
    ...endOf(answer),
  }),

  refusal: ({ message }) => ({ error: message }),
  failure: (message) => line({ error: message }),

  results: ({ messages }) =>
    messages.filter(({ role }) => role === 'tool').map(({ tool_name: call, content: text }) => ({ call, text })),
  proofs: () => [],
};
