import { describe, expect, it } from '@jest/globals';
import { neutralProviders } from './providers.ts';
import { readAs } from './providers/support/by-type.ts';

const hi = { role: 'user', content: 'Hi' };
const hiParts = { role: 'user', parts: [{ text: 'Hi' }] };
const hiBlocks = { role: 'user', content: [{ text: 'Hi' }] };
const toolUse = { type: 'tool_use', id: 't1', name: 'weather', input: {} };
const thinking = { type: 'enabled', budget_tokens: 1_024 };

describe('what the true APIs refuse', () => {
  it.each<readonly [type: string, body: object, words: string]>([
    ['openai-chat', { model: 'm', messages: [] }, 'messages: empty array'],
    ['openai-chat', { model: 'm', messages: [{ role: 'bot', content: 'x' }] }, 'messages[0].role: must be one of'],
    [
      'openai-chat',
      { model: 'm', messages: [{ role: 'tool', tool_call_id: 'c', content: 'x' }] },
      'no call of the turn',
    ],
    ['openai-chat', { model: 'm', messages: [hi], top_k: 4 }, 'top_k: is no field of this API'],
    ['openai-chat', { model: 'm', messages: [hi], tool_choice: 'auto' }, 'tool_choice: only allowed'],
    ['openai-chat', { model: 'm', messages: [hi], stop: ['a', 'b', 'c', 'd', 'e'] }, 'stop: must not hold more than 4'],
    [
      'openai-chat',
      { model: 'm', messages: [{ role: 'user', content: [{ type: 'input_text', text: 'x' }] }] },
      'content[0].type',
    ],
    ['openai-responses', { model: 'm', input: 'Hi', stop: ['x'] }, 'stop: is no field'],
    ['openai-responses', { model: 'm', input: 'Hi', max_output_tokens: 5 }, 'must be at least 16'],
    [
      'openai-responses',
      { model: 'm', input: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] },
      'input_text',
    ],
    [
      'openai-responses',
      { model: 'm', input: [hi, { type: 'function_call_output', call_id: 'c', output: 'x' }] },
      'no call',
    ],
    [
      'openai-responses',
      { model: 'm', input: [{ type: 'reasoning', summary: [], encrypted_content: 'x' }] },
      'following item',
    ],
    ['anthropic-messages', { model: 'm', messages: [hi] }, 'max_tokens: must be a number'],
    ['anthropic-messages', { model: 'm', max_tokens: 9, messages: [hi, hi] }, 'roles must alternate'],
    ['anthropic-messages', { model: 'm', max_tokens: 9, messages: [hi], seed: 1 }, 'seed: is no field'],
    [
      'anthropic-messages',
      { model: 'm', max_tokens: 1_024, messages: [hi], thinking },
      'must be greater than thinking.budget',
    ],
    [
      'anthropic-messages',
      { model: 'm', max_tokens: 2_000, messages: [hi], thinking, temperature: 0.5 },
      'may only be set to 1',
    ],
    [
      'anthropic-messages',
      { model: 'm', max_tokens: 9, messages: [hi, { role: 'assistant', content: [toolUse] }] },
      'calls without',
    ],
    [
      'anthropic-messages',
      { model: 'm', max_tokens: 9, messages: [hi, { role: 'assistant', content: [{ ...toolUse, input: '{}' }] }] },
      'input: must be an object',
    ],
    ['gemini', { contents: [] }, 'contents is not specified'],
    ['gemini', { contents: [hiParts, hiParts] }, 'must alternate'],
    ['gemini', { contents: [{ role: 'user', parts: [] }] }, 'parts: must not be empty'],
    ['gemini', { contents: [{ role: 'user', parts: [{ text: 'a', inlineData: {} }] }] }, 'oneof field'],
    ['gemini', { contents: [{ role: 'assistant', parts: [{ text: 'a' }] }] }, 'role: must be one of user, model'],
    ['gemini', { contents: [hiParts], temperature: 1 }, 'temperature: is no field'],
    [
      'gemini',
      {
        contents: [hiParts],
        tools: [{ functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', $schema: 'x' } }] }],
      },
      '$schema: is no field',
    ],
    ['bedrock-converse', { messages: [hiBlocks, hiBlocks] }, 'must alternate'],
    ['bedrock-converse', { messages: [{ role: 'user', content: [{ text: ' ' }] }] }, 'must not be blank'],
    ['bedrock-converse', { messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }] }] }, 'type: is no field'],
    [
      'bedrock-converse',
      { messages: [hiBlocks, { role: 'assistant', content: [{ toolUse: { toolUseId: 't', name: 'f', input: {} } }] }] },
      'toolConfig: must be defined',
    ],
    [
      'bedrock-converse',
      { messages: [hiBlocks], inferenceConfig: { maxTokens: 1_024 }, additionalModelRequestFields: { thinking } },
      'must be greater than thinking.budget_tokens',
    ],
    ['ollama', { model: 'm', messages: [hi], tool_choice: 'auto' }, 'tool_choice: is no field'],
    [
      'ollama',
      { model: 'm', messages: [{ ...hi, images: ['data:image/png;base64,AAAA'] }] },
      'images[0]: is no base64',
    ],
    [
      'ollama',
      { model: 'm', messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] }] },
      'arguments: must be an object',
    ],
    ['cohere', { model: 'm', messages: [{ role: 'developer', content: 'x' }] }, 'role: must be one of'],
    ['cohere', { model: 'm', messages: [{ role: 'tool', tool_call_id: 'c', content: 'x' }] }, 'no call'],
    ['cohere', { model: 'm', messages: [hi], top_p: 0.5 }, 'top_p: is no field'],
  ])('%s: %j', (type, body, words) => {
    expect(() => readAs(type, body)).toThrow(words);
  });

  it('takes no path of another API', () => {
    for (const one of neutralProviders) expect(() => one.readRequest('/v1/other', '{}')).toThrow('is not of this API');
  });
});
