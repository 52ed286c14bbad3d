import assert from 'node:assert/strict';
import { it } from 'node:test';
import { ApiError, GoogleGenAI } from '@google/genai';
import { describeClient, prompt, system, weather } from './client-suite.mjs';

const { name, description, schema: parametersJsonSchema } = weather;

const clientOf = (apiVersion) => ({
  name: `the client of Google, ${apiVersion}`,
  dialect: 'gemini',
  finishes: { text: 'STOP', tools: 'STOP', filtered: 'SAFETY' },
  heartbeat: /^: hb$/gm,
  lacks: ['retryAfter'],
  connect: (base) => new GoogleGenAI({ apiKey: 'not-needed-yet', httpOptions: { baseUrl: base, apiVersion } }),

  async ask(
    google,
    {
      model,
      stream,
      history = [{ role: 'user', parts: [{ text: prompt }] }],
      tools,
      thinking,
      signal,
      onText = () => {},
    },
  ) {
    const request = {
      model,
      contents: history,
      config: {
        systemInstruction: system,
        abortSignal: signal,
        ...(tools && { tools: [{ functionDeclarations: [{ name, description, parametersJsonSchema }] }] }),
        ...(thinking && { thinkingConfig: { includeThoughts: true } }),
      },
    };
    if (!stream) return readChunks([await google.models.generateContent(request)], history);
    const chunks = [];
    for await (const chunk of await google.models.generateContentStream(request)) {
      chunks.push(chunk);
      onText(chunk.candidates?.[0]?.content?.parts?.[0]?.thought ? '' : (chunk.text ?? ''));
    }
    return readChunks(chunks, history);
  },

  readError(error, status) {
    assert.ok(error instanceof ApiError, `${error.constructor.name}: ${error.message}`);
    assert.ok(error.status >= 400, 'the error has a status');
    return { status: status === undefined ? undefined : error.status, message: error.message };
  },
});

function readChunks(chunks, history) {
  const parts = chunks.flatMap(({ candidates }) => candidates?.[0]?.content?.parts ?? []);
  const { promptTokenCount: input, candidatesTokenCount: output } =
    chunks.findLast(({ usageMetadata }) => usageMetadata)?.usageMetadata ?? {};
  return {
    text: parts.map(({ text = '', thought }) => (thought ? '' : text)).join(''),
    thinking: parts.map(({ text = '', thought }) => (thought ? text : '')).join(''),
    calls: parts
      .filter(({ functionCall }) => functionCall !== undefined)
      .map(({ functionCall: call }, index) => ({
        id: call.id ?? `call ${index}`,
        name: call.name,
        arguments: call.args,
      })),
    finish: chunks.at(-1).candidates?.[0]?.finishReason,
    usage: { input, output },
    reply: (results) => [
      ...history,
      { role: 'model', parts },
      {
        role: 'user',
        parts: results.map(({ id, name: called, text }) => ({
          functionResponse: { ...(!id.startsWith('call ') && { id }), name: called, response: { output: text } },
        })),
      },
    ],
  };
}

describeClient(clientOf('v1beta'), (stage) => {
  it('lists the models', async () => {
    const names = [];
    for await (const model of await stage.connect('openai-chat').models.list()) names.push(model.name);
    assert.ok(names.includes('models/openai-chat') && names.includes('models/mock-1'), names.join(', '));
  });

  it('chats: the history that the client keeps is taken back', async () => {
    const chat = stage.connect('anthropic-messages').chats.create({ model: 'thought' });
    const { text } = await chat.sendMessage({ message: prompt });
    assert.equal(text, 'Hello there, friend.');
    await chat.sendMessage({ message: 'And now?' });
    const { requests } = stage.providers.get('anthropic-messages');
    const { messages } = requests.find(({ body }) => JSON.stringify(body).includes('And now?')).body;
    assert.deepEqual(
      messages.map(({ role }) => role),
      ['user', 'assistant', 'user'],
    );
  });
});
