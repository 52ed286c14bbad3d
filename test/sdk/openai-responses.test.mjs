import assert from 'node:assert/strict';
import { it } from 'node:test';
import OpenAI from 'openai';
import { readArguments } from './asking.mjs';
import { describeClient, prompt, system, weather } from './client-suite.mjs';
import { readOpenAiError } from './openai-errors.mjs';

const { name, description, schema: parameters } = weather;

const client = {
  name: 'the client of OpenAI, responses',
  dialect: 'openai-responses',
  finishes: { text: 'completed', tools: 'completed', filtered: 'incomplete' },
  heartbeat: /^: hb$/gm,
  connect: (base) => new OpenAI({ baseURL: `${base}/v1`, apiKey: 'not-needed-yet', maxRetries: 0 }),
  readError: readOpenAiError,

  async ask(
    openai,
    { model, stream, history = [{ role: 'user', content: prompt }], tools, thinking, signal, onText = () => {} },
  ) {
    const request = {
      model,
      instructions: system,
      input: history,
      store: false,
      ...(tools && { tools: [{ type: 'function', name, description, parameters, strict: false }] }),
      ...(thinking && { reasoning: { effort: 'low', summary: 'auto' }, include: ['reasoning.encrypted_content'] }),
    };
    const response = stream
      ? await openai.responses
          .stream(request, { signal })
          .on('response.output_text.delta', ({ delta }) => onText(delta))
          .finalResponse()
      : await openai.responses.create(request, { signal });
    return readResponse(response, history);
  },
};

function readResponse({ output, output_text: text, status, usage }, history) {
  return {
    text,
    thinking: output
      .filter(({ type }) => type === 'reasoning')
      .flatMap(({ summary, content }) => (summary.length > 0 ? summary : (content ?? [])))
      .map((part) => part.text)
      .join(''),
    calls: output
      .filter(({ type }) => type === 'function_call')
      .map((item) => ({ id: item.call_id, name: item.name, arguments: readArguments(item.arguments) })),
    finish: status,
    usage: { input: usage?.input_tokens, output: usage?.output_tokens },
    reply: (results) => [
      ...history,
      ...output,
      ...results.map(({ id, text: report }) => ({ type: 'function_call_output', call_id: id, output: report })),
    ],
  };
}

describeClient(client, (stage) => {
  it('is refused where it goes on from an answer that the provider does not keep', async () => {
    const asked = stage
      .connect('gemini')
      .responses.create({ model: 'text', input: prompt, previous_response_id: 'resp_1' });
    await assert.rejects(asked, (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, 'previous_response_id');
      return true;
    });
  });

  for (const type of ['openai-responses', 'gemini']) {
    it(`cut, with a provider of ${type}: iterating the events throws, and none of them says "completed"`, async () => {
      const stream = await stage.connect(type).responses.create({ model: 'cut', input: prompt, stream: true });
      const types = [];
      await assert.rejects(async () => {
        for await (const event of stream) types.push(event.type);
      }, OpenAI.APIError);
      assert.ok(types.includes('response.output_text.delta'));
      assert.ok(!types.includes('response.completed') && !types.includes('response.incomplete'), types.join(', '));
    });
  }
});
