import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Ollama } from 'ollama';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const first = [
  { role: 'system', content: system },
  { role: 'user', content: prompt },
];
const { name, description, schema: parameters } = weather;

const client = {
  name: 'the client of Ollama',
  dialect: 'ollama',
  finishes: { text: 'stop', tools: 'stop', filtered: 'content_filter' },
  heartbeat: /"content":""\},"done":false\}$/gm,
  /** It keeps no headers of an error, cancels streams only, and the format has no place for a proof. */
  lacks: ['retryAfter', 'signalOfDocument', 'proofs'],
  connect: (base) => new Ollama({ host: base }),

  async ask(ollama, { model, stream, history = first, tools, thinking, signal, onText = () => {} }) {
    const request = {
      model,
      stream,
      messages: history,
      think: thinking === true,
      ...(tools && { tools: [{ type: 'function', function: { name, description, parameters } }] }),
    };
    const answer = await ollama.chat(request);
    if (!stream) return readAnswer(answer, [answer.message], history);
    signal?.addEventListener('abort', () => answer.abort());
    const lines = [];
    for await (const line of answer) {
      lines.push(line);
      onText(line.message.content);
    }
    return readAnswer(
      lines.at(-1),
      lines.map(({ message }) => message),
      history,
    );
  },

  readError(error, status) {
    if (status !== undefined) assert.equal(error.name, 'ResponseError');
    return { status: error.status_code, message: error.message };
  },
};

function readAnswer({ done_reason: finish, prompt_eval_count: input, eval_count: output }, messages, history) {
  const join = (field) => messages.map((message) => message[field] ?? '').join('');
  const calls = messages.flatMap(({ tool_calls: called = [] }) => called);
  const message = { role: 'assistant', content: join('content'), thinking: join('thinking'), tool_calls: calls };
  return {
    text: message.content,
    thinking: message.thinking,
    calls: calls.map(({ function: called }, index) => ({
      id: `call ${index}`,
      name: called.name,
      arguments: called.arguments,
    })),
    finish,
    usage: { input, output },
    reply: (results) => [
      ...history,
      message,
      ...results.map(({ name: called, text }) => ({ role: 'tool', tool_name: called, content: text })),
    ],
  };
}

describeClient(client, (stage) => {
  it('lists the models', async () => {
    const { models } = await stage.connect('gemini').list();
    const names = models.map((model) => model.name);
    assert.ok(names.includes('gemini') && names.includes('mock-1'), names.join(', '));
  });
});
