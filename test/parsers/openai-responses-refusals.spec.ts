import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { openaiResponsesParser } from '../../src/parsers/openai-responses.ts';

type Json = Record<string, unknown>;
const parse = (body: unknown) => openaiResponsesParser.create({}, {}).parse(body);
const messagesOf = (input: unknown, more: Json = {}) => parse({ input, ...more }).messages;
const call = (id: string) => ({ type: 'function_call', call_id: id, name: 'f', arguments: '{}' });

describe('wrong input', () => {
  const item = (value: Json) => ({ input: [value] });
  const part = (value: Json) => item({ role: 'user', content: [value] });
  it.each([
    ['text', 'body'],
    [{}, 'input'],
    [{ input: 5 }, 'input'],
    [{ input: [] }, 'input'],
    [{ input: ['x'] }, 'input[0]'],
    [{ input: 'x', model: 1 }, 'model'],
    [{ input: 'x', stream: 'yes' }, 'stream'],
    [{ input: 'x', instructions: ['a'] }, 'instructions'],
    [{ input: 'x', metadata: 'a' }, 'metadata'],
    [{ input: 'x', temperature: '1' }, 'temperature'],
    [{ input: 'x', tools: {} }, 'tools'],
    [{ input: 'x', tools: [{ name: 'f' }] }, 'tools[0].type'],
    [{ input: 'x', tools: [{ type: 'function' }] }, 'tools[0].name'],
    [
      { input: 'x', tools: [{ type: 'function', name: 'f', parameters: { type: 'thing' } }] },
      'tools[0].parameters.type',
    ],
    [item({ role: 'robot', content: 'x' }), 'input[0].role'],
    [item({ content: 'x' }), 'input[0].role'],
    [item({ role: 'user' }), 'input[0].content'],
    [item({ type: 5 }), 'input[0].type'],
    [item({ type: 'item_reference' }), 'input[0].id'],
    [part({ text: 'x' }), 'input[0].content[0].type'],
    [part({ type: 'input_text', text: 5 }), 'input[0].content[0].text'],
    [part({ type: 'input_image' }), 'input[0].content[0]'],
    [part({ type: 'input_image', image_url: {} }), 'input[0].content[0].image_url'],
    [part({ type: 'input_file', filename: 'x' }), 'input[0].content[0]'],
    [part({ type: 'input_audio' }), 'input[0].content[0].input_audio'],
    [item({ ...call('a'), arguments: {} }), 'input[0].arguments'],
    [item({ type: 'function_call', name: 'f', arguments: '{}' }), 'input[0].call_id'],
    [item({ type: 'function_call_output', output: 'x' }), 'input[0].call_id'],
    [item({ type: 'function_call_output', call_id: 'a', output: 'x' }), 'input[0].call_id'],
    [{ input: [call('a'), { type: 'function_call_output', call_id: 'a' }] }, 'input[1].output'],
    [item({ type: 'reasoning', summary: 'x' }), 'input[0].summary'],
    [item({ type: 'reasoning', summary: [{ type: 'summary_text' }] }), 'input[0].summary[0].text'],
  ])('%j is refused at %s', (body, field) => {
    expect(() => parse(body)).toThrow(
      expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) }),
    );
  });

  it('a result may answer a call that the provider remembers', () => {
    const result = { type: 'function_call_output', call_id: 'a', output: 'x' };
    expect(messagesOf([result], { previous_response_id: 'resp_1' })).toHaveLength(1);
    expect(messagesOf([{ type: 'item_reference', id: 'fc_1' }, result])).toHaveLength(2);
  });

  it('of any shape never throws anything else', () => {
    const value = fc.jsonValue();
    const types = ['message', 'function_call', 'function_call_output', 'reasoning', 'item_reference', 'compaction'];
    const anyItem = fc.record(
      {
        type: fc.oneof(fc.constantFrom(...types), value),
        role: fc.oneof(fc.constantFrom('user', 'assistant'), value),
        content: fc.oneof(
          value,
          fc.array(fc.record({ type: fc.constantFrom('input_text', 'input_file', 'refusal'), text: value })),
        ),
        call_id: value,
        name: value,
        arguments: value,
        output: value,
        summary: value,
        encrypted_content: value,
        id: value,
      },
      { requiredKeys: [] },
    );
    const body = fc.record(
      { input: fc.oneof(value, fc.array(anyItem)), tools: value, text: value, reasoning: value, tool_choice: value },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(body, (given) => {
        try {
          parse(given);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
        }
      }),
    );
  });
});
