import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import { foldRequest, unfoldRequest, type ChatRequest } from '../../src/kernel/request.ts';
import { anthropicMessagesParser } from '../../src/parsers/anthropic-messages.ts';

type Json = Record<string, unknown>;

const parser = anthropicMessagesParser.create({}, {});
const parse = (fields: Json): ChatRequest =>
  parser.parse({ max_tokens: 100, messages: [{ role: 'user', content: 'Hello' }], ...fields });

describe('a mistake is refused under the name that the client gave the field', () => {
  const user = (content: unknown): Json => ({ messages: [{ role: 'user', content }] });
  const assistant = (content: unknown): Json => ({ messages: [{ role: 'assistant', content }] });
  const tool = (fields: Json): Json => ({ tools: [fields] });

  it.each<readonly [string, Json]>([
    ['max_tokens', { max_tokens: undefined }],
    ['max_tokens', { max_tokens: -1 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['messages', { messages: [] }],
    ['messages', { messages: undefined }],
    ['messages[0]', { messages: ['x'] }],
    ['messages[0].role', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].content', user(undefined)],
    ['messages[0].content[0]', user(['x'])],
    ['messages[0].content[0].type', user([{}])],
    ['messages[0].content[0].text', user([{ type: 'text' }])],
    ['messages[0].content[0].source', user([{ type: 'image' }])],
    ['messages[0].content[0].source.type', user([{ type: 'image', source: { type: 'bytes' } }])],
    [
      'messages[0].content[0].source.data',
      user([{ type: 'image', source: { type: 'base64', media_type: 'image/png' } }]),
    ],
    ['messages[0].content[0].source.data', user([{ type: 'document', source: { type: 'text' } }])],
    ['messages[0].content[0].source.content', user([{ type: 'document', source: { type: 'content' } }])],
    ['messages[0].content[0].type', user([{ type: 'tool_use', id: 'a', name: 'f', input: {} }])],
    ['messages[0].content[0].tool_use_id', user([{ type: 'tool_result', tool_use_id: 'a' }])],
    ['messages[0].content[0].tool_use_id', user([{ type: 'tool_result' }])],
    ['messages[0].content[0].type', assistant([{ type: 'tool_result', tool_use_id: 'a' }])],
    ['messages[0].content[0].thinking', assistant([{ type: 'thinking' }])],
    ['messages[0].content[0].data', assistant([{ type: 'redacted_thinking' }])],
    ['messages[0].content[0].input', assistant([{ type: 'tool_use', id: 'a', name: 'f' }])],
    ['messages[0].content[0].id', assistant([{ type: 'tool_use', id: '', name: 'f', input: {} }])],
    ['messages[0].content[0].name', assistant([{ type: 'tool_use', id: 'a', input: {} }])],
    ['messages[0].content[0].type', { messages: [{ role: 'system', content: [{ type: 'image' }] }] }],
    ['system', { system: 1 }],
    ['system[0].type', { system: [{ type: 'image' }] }],
    ['tools', { tools: {} }],
    ['tools[0].name', tool({ input_schema: {} })],
    ['tools[0].input_schema', tool({ name: 'f' })],
    ['tools[0].input_schema.type', tool({ name: 'f', input_schema: { type: 'thing' } })],
    ['tools[1].name', { tools: [1, 2].map(() => ({ name: 'f', input_schema: { type: 'object' } })) }],
    ['tool_choice.type', { tool_choice: { type: 'required' } }],
    ['tool_choice.name', { tool_choice: { type: 'tool' } }],
    ['temperature', { temperature: '1' }],
    ['temperature', { temperature: 1.5 }],
    ['top_p', { top_p: -1 }],
    ['top_k', { top_k: 0.5 }],
    ['stop_sequences[0]', { stop_sequences: [1] }],
    ['thinking.type', { thinking: { type: 'on' } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled' } }],
    ['thinking.budget_tokens', { thinking: { type: 'enabled', budget_tokens: 100 } }],
    ['output_config.effort', { output_config: { effort: 1 } }],
    ['output_config.format.schema', { output_config: { format: { type: 'json_schema' } } }],
    ['metadata.user_id', { metadata: { user_id: 1 } }],
    ['stream', { stream: 'yes' }],
    ['model', { model: 1 }],
  ])('%s: %j', (field, fields) => {
    const refused = expect.objectContaining({ code: 'REQUEST_INVALID', details: expect.objectContaining({ field }) });
    expect(() => parse(fields)).toThrow(refused);
  });

  it('and no other failure comes of any body', () => {
    const words = fc.constantFrom(
      'text',
      'image',
      'document',
      'thinking',
      'tool_use',
      'tool_result',
      'base64',
      'content',
    );
    const value = fc.letrec((tie) => ({
      any: fc.oneof({ maxDepth: 4 }, fc.constantFrom(null, 1, 'x', true), words, tie('list'), tie('object')),
      list: fc.array(tie('any'), { maxLength: 3 }),
      object: fc.dictionary(
        fc.constantFrom(
          'type',
          'text',
          'source',
          'data',
          'content',
          'tool_use_id',
          'id',
          'name',
          'input',
          'title',
          'role',
        ),
        tie('any'),
      ),
    })).any;
    const field = fc.constantFrom(
      'system',
      'tools',
      'thinking',
      'tool_choice',
      'output_config',
      'metadata',
      'stop_sequences',
    );
    fc.assert(
      fc.property(fc.array(value, { maxLength: 3 }), field, value, (content, name, other) => {
        try {
          const request = parse({
            messages: [
              { role: 'user', content },
              { role: 'assistant', content },
            ],
            [name]: other,
          });
          expect(foldRequest(unfoldRequest(request))).toEqual(request);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
        }
      }),
    );
  });
});
