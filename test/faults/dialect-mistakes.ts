import type { DialectName } from '../support/dialect-clients.ts';
import { chatCall, dataUri, question, speakers, system } from './dialect-speakers.ts';

type Json = Readonly<Record<string, unknown>>;

/** A body that is wrong in one place, and that place in the words of the client. */
export interface Mistake {
  readonly name: string;
  readonly dialect: DialectName;
  readonly body: Json;
  readonly field: string;
}

const {
  'openai-chat': chat,
  'openai-responses': responses,
  'anthropic-messages': anthropic,
  gemini: geminiSpeaker,
  ollama,
  native,
} = speakers;

/** Fields beside one question that is good. */
const beside: Readonly<Record<DialectName, (fields: Json) => Json>> = {
  'openai-chat': (fields) => ({ messages: [question], ...fields }),
  'openai-responses': (fields) => ({ input: 'Look.', ...fields }),
  'anthropic-messages': (fields) => ({ max_tokens: 100, messages: [question], ...fields }),
  gemini: (fields) => ({ contents: [{ parts: [{ text: 'Look.' }] }], ...fields }),
  ollama: (fields) => ({ messages: [question], ...fields }),
  native: (fields) => ({ messages: [question], ...fields }),
};

type Row = readonly [name: string, field: string, body: Json];

const badSchema = { type: 'object', properties: { a: { type: 'strin' } } };
const inSchema = 'properties.a.type';

/** Mistakes that no backend is needed for, by dialect. */
const rows: Readonly<Record<DialectName, readonly Row[]>> = {
  'openai-chat': [
    ['a text that is a number', 'messages[1].content[1].text', chat.user(chat.text('a'), chat.text(5))],
    [
      'a result without its call',
      'messages[1].tool_call_id',
      { messages: [question, { role: 'tool', tool_call_id: 'x', content: 'a' }] },
    ],
    [
      'a result before its call',
      'messages[0].tool_call_id',
      {
        messages: [
          { role: 'tool', tool_call_id: 'call_1', content: 'a' },
          { role: 'assistant', tool_calls: [chatCall] },
        ],
      },
    ],
    ['an unknown role', 'messages[1].role', { messages: [question, { role: 'model', content: 'a' }] }],
    ['no messages', 'messages', {}],
    ['an empty list of messages', 'messages', { messages: [] }],
    ...besideRows('openai-chat', [
      [
        'a tool whose schema is none',
        `tools[0].function.parameters.${inSchema}`,
        { tools: [{ type: 'function', function: { name: 'f', parameters: badSchema } }] },
      ],
      [
        'a tool whose schema is a list',
        'tools[0].function.parameters',
        { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] },
      ],
      [
        'structured output whose schema is none',
        `response_format.json_schema.schema.${inSchema}`,
        { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: badSchema } } },
      ],
      [
        'structured output whose schema is a text',
        'response_format.json_schema.schema',
        { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: 'object' } } },
      ],
      ['a temperature in words', 'temperature', { temperature: 'hot' }],
      ['no tokens', 'max_tokens', { max_tokens: 0 }],
      ['many tokens', 'max_completion_tokens', { max_completion_tokens: 'many' }],
      ['a tool without a name', 'tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
      [
        'a tool with an empty name',
        'tools[0].function.name',
        { tools: [{ type: 'function', function: { name: '' } }] },
      ],
      ['a choice of tools of an unknown form', 'tool_choice.function', { tool_choice: { type: 'function' } }],
      ['a choice of tools that is a number', 'tool_choice', { tool_choice: 1 }],
    ]),
  ],
  'openai-responses': [
    ['a text that is a number', 'input[0].content[1].text', responses.user(responses.text('a'), responses.text(5))],
    [
      'a result without its call',
      'input[1].call_id',
      { input: [question, { type: 'function_call_output', call_id: 'x', output: 'a' }] },
    ],
    ['an unknown role', 'input[1].role', { input: [question, { role: 'model', content: 'a' }] }],
    ['no messages', 'input', {}],
    ['an empty list of messages', 'input', { input: [] }],
    ...besideRows('openai-responses', [
      [
        'a tool whose schema is none',
        `tools[0].parameters.${inSchema}`,
        { tools: [{ type: 'function', name: 'f', parameters: badSchema }] },
      ],
      [
        'structured output whose schema is none',
        `text.format.schema.${inSchema}`,
        { text: { format: { type: 'json_schema', name: 'a', schema: badSchema } } },
      ],
      ['a temperature in words', 'temperature', { temperature: 'hot' }],
      ['no tokens', 'max_output_tokens', { max_output_tokens: 0 }],
      ['many tokens', 'max_output_tokens', { max_output_tokens: 'many' }],
      ['a tool without a name', 'tools[0].name', { tools: [{ type: 'function' }] }],
      ['a tool with an empty name', 'tools[0].name', { tools: [{ type: 'function', name: '' }] }],
      ['a choice of tools of an unknown form', 'tool_choice', { tool_choice: 'maybe' }],
      ['a choice of a tool without a name', 'tool_choice.name', { tool_choice: { type: 'function' } }],
    ]),
  ],
  'anthropic-messages': [
    ['a text that is a number', 'messages[0].content[1].text', anthropic.user(anthropic.text('a'), anthropic.text(5))],
    [
      'a result without its call',
      'messages[0].content[0].tool_use_id',
      anthropic.user({ type: 'tool_result', tool_use_id: 'x', content: 'a' }),
    ],
    ['an unknown role', 'messages[1].role', { max_tokens: 1, messages: [question, { role: 'tool', content: 'a' }] }],
    ['no messages', 'messages', { max_tokens: 1 }],
    ['an empty list of messages', 'messages', { max_tokens: 1, messages: [] }],
    ...besideRows('anthropic-messages', [
      [
        'a tool whose schema is none',
        `tools[0].input_schema.${inSchema}`,
        { tools: [{ name: 'f', input_schema: badSchema }] },
      ],
      [
        'structured output whose schema is none',
        `output_config.format.schema.${inSchema}`,
        { output_config: { format: { type: 'json_schema', schema: badSchema } } },
      ],
      ['a temperature in words', 'temperature', { temperature: 'hot' }],
      ['less than no tokens', 'max_tokens', { max_tokens: -1 }],
      ['many tokens', 'max_tokens', { max_tokens: 'many' }],
      ['a tool without a name', 'tools[0].name', { tools: [{ input_schema: { type: 'object' } }] }],
      ['a tool with an empty name', 'tools[0].name', { tools: [{ name: '', input_schema: { type: 'object' } }] }],
      ['a choice of tools of an unknown form', 'tool_choice.type', { tool_choice: { type: 'maybe' } }],
      ['a choice of tools that is a text', 'tool_choice', { tool_choice: 'auto' }],
    ]),
  ],
  gemini: [
    [
      'a text that is a number',
      'contents[0].parts[1].text',
      geminiSpeaker.user(geminiSpeaker.text('a'), geminiSpeaker.text(5)),
    ],
    [
      'a result without its call',
      'contents[0].parts[0].functionResponse',
      geminiSpeaker.user({ functionResponse: { name: 'f', response: {} } }),
    ],
    ['an unknown role', 'contents[0].role', { contents: [{ role: 'assistant', parts: [{ text: 'a' }] }] }],
    ['no messages', 'contents', {}],
    ['an empty list of messages', 'contents', { contents: [] }],
    ...besideRows('gemini', [
      [
        'a tool whose schema is none',
        `tools[0].functionDeclarations[0].parametersJsonSchema.${inSchema}`,
        { tools: [{ functionDeclarations: [{ name: 'f', parametersJsonSchema: badSchema }] }] },
      ],
      [
        'a tool whose own schema is none',
        `tools[0].function_declarations[0].parameters.${inSchema}`,
        { tools: [{ function_declarations: [{ name: 'f', parameters: badSchema }] }] },
      ],
      [
        'structured output whose schema is none',
        `generationConfig.responseJsonSchema.${inSchema}`,
        { generationConfig: { responseMimeType: 'application/json', responseJsonSchema: badSchema } },
      ],
      [
        'structured output whose own schema is none',
        `generation_config.response_schema.${inSchema}`,
        { generation_config: { response_mime_type: 'application/json', response_schema: badSchema } },
      ],
      ['a temperature in words', 'generationConfig.temperature', { generationConfig: { temperature: 'hot' } }],
      ['no tokens', 'generationConfig.maxOutputTokens', { generationConfig: { maxOutputTokens: 0 } }],
      ['many tokens', 'generation_config.max_output_tokens', { generation_config: { max_output_tokens: 'many' } }],
      ['a tool without a name', 'tools[0].functionDeclarations[0].name', { tools: [{ functionDeclarations: [{}] }] }],
      [
        'a tool with an empty name',
        'tools[0].functionDeclarations[0].name',
        { tools: [{ functionDeclarations: [{ name: '' }] }] },
      ],
      [
        'a choice of tools of an unknown form',
        'toolConfig.functionCallingConfig.mode',
        { toolConfig: { functionCallingConfig: { mode: { type: 'any' } } } },
      ],
    ]),
  ],
  ollama: [
    ['a text that is a number', 'messages[1].content', { messages: [system, { role: 'user', content: 5 }] }],
    [
      'a text in parts',
      'messages[0].content',
      { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }] }] },
    ],
    [
      'a result without its call',
      'messages[1].tool_name',
      { messages: [question, { role: 'tool', tool_name: 'f', content: 'a' }] },
    ],
    ['an unknown role', 'messages[1].role', { messages: [question, { role: 'model', content: 'a' }] }],
    ['no messages', 'messages', {}],
    ['an empty list of messages', 'messages', { messages: [] }],
    ['an image by its address', 'messages[1].images[0]', ollama.user('https://example.com/cat.png')],
    [
      'an image with its type',
      'messages[1].images[1]',
      ollama.user('iVBORw0KGgo=', dataUri('image/png', 'iVBORw0KGgo=')),
    ],
    ...besideRows('ollama', [
      [
        'a tool whose schema is none',
        `tools[0].function.parameters.${inSchema}`,
        { tools: [{ type: 'function', function: { name: 'f', parameters: badSchema } }] },
      ],
      ['structured output whose schema is none', `format.${inSchema}`, { format: badSchema }],
      ['structured output in an unknown word', 'format', { format: 'yaml' }],
      ['a temperature in words', 'options.temperature', { options: { temperature: 'hot' } }],
      ['many tokens', 'options.num_predict', { options: { num_predict: 'many' } }],
      ['a tool without a name', 'tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
      ['a tool of an unknown type', 'tools[0].type', { tools: [{ type: 'hologram', function: { name: 'f' } }] }],
    ]),
  ],
  native: [
    ['a text that is a number', 'messages[1].content[1].text', native.user(native.text('a'), native.text(5))],
    ['a part of an unknown type', 'messages[1].content[1].type', native.user(native.text('a'), { type: 'hologram' })],
    [
      'a result without its call',
      'messages[1].callId',
      { messages: [question, { role: 'tool', callId: 'x', content: 'a' }] },
    ],
    ['an unknown role', 'messages[1].role', { messages: [question, { role: 'model', content: 'a' }] }],
    ['no messages', 'messages', {}],
    ['an empty list of messages', 'messages', { messages: [] }],
    ...besideRows('native', [
      [
        'a tool whose schema is none',
        `tools[0].parameters.${inSchema}`,
        { tools: [{ name: 'f', parameters: badSchema }] },
      ],
      [
        'structured output whose schema is none',
        `settings.responseFormat.schema.${inSchema}`,
        { settings: { responseFormat: { type: 'json_schema', name: 'a', schema: badSchema } } },
      ],
      [
        'structured output whose schema is a text',
        'settings.responseFormat.schema',
        { settings: { responseFormat: { type: 'json_schema', name: 'a', schema: 'object' } } },
      ],
      ['a temperature in words', 'settings.temperature', { settings: { temperature: 'hot' } }],
      ['no tokens', 'settings.maxOutputTokens', { settings: { maxOutputTokens: 0 } }],
      ['many tokens', 'settings.maxOutputTokens', { settings: { maxOutputTokens: 'many' } }],
      ['a tool without a name', 'tools[0].name', { tools: [{}] }],
      ['a choice of tools of an unknown form', 'settings.toolChoice', { settings: { toolChoice: 'maybe' } }],
    ]),
  ],
};

const image = (dialect: DialectName): unknown => speakers[dialect].image('image/png', 'iVBORw0KGgo=');

/** Bodies that are good, but not for these backends; by the names of a mistake, its place, the dialect, the backends. */
export const placedElsewhere: readonly (readonly [string, string, DialectName, string, Json])[] = [
  [
    'an image in a system prompt',
    'messages[0].content[0]',
    'openai-chat',
    'claude gemini bedrock cohere',
    { messages: [{ role: 'system', content: [image('openai-chat')] }, question] },
  ],
  [
    'an image in a later system prompt',
    'messages[1].content[1]',
    'openai-chat',
    'claude gemini bedrock cohere',
    { messages: [question, { role: 'system', content: [chat.text('a'), image('openai-chat')] }] },
  ],
  [
    'an image in a system prompt',
    'input[0].content[0]',
    'openai-responses',
    'claude gemini bedrock cohere',
    { instructions: 'a', input: [{ role: 'developer', content: [image('openai-responses')] }, question] },
  ],
  [
    'an image in a system prompt',
    'messages[0].content[0]',
    'native',
    'claude gemini bedrock cohere',
    { messages: [{ role: 'system', content: [image('native')] }, question] },
  ],
  [
    'a call without an id',
    'messages[1].function_call',
    'openai-chat',
    'responses cohere',
    { messages: [question, { role: 'assistant', content: 'a', function_call: { name: 'f', arguments: '{}' } }] },
  ],
  [
    'a call without an id',
    'messages[1].tool_calls[1]',
    'openai-chat',
    'responses cohere',
    {
      messages: [
        question,
        { role: 'assistant', tool_calls: [chatCall, { type: 'function', function: { name: 'f' } }] },
      ],
    },
  ],
  [
    'a result without an id',
    'messages[1]',
    'openai-chat',
    'responses bedrock cohere',
    { messages: [question, { role: 'function', name: 'f', content: 'a' }] },
  ],
  [
    'a tool of another kind',
    'tools[1]',
    'openai-chat',
    'claude gemini bedrock ollama cohere',
    {
      messages: [question],
      tools: [
        { type: 'function', function: { name: 'f' } },
        { type: 'custom', custom: { name: 'g' } },
      ],
    },
  ],
  [
    'a tool of another kind',
    'tools[1]',
    'openai-responses',
    'claude gemini bedrock ollama cohere',
    { input: 'a', tools: [{ type: 'web_search' }, { type: 'custom', name: 'g' }] },
  ],
];

function besideRows(dialect: DialectName, fields: readonly Row[]): readonly Row[] {
  return fields.map(([name, field, body]) => [name, field, beside[dialect](body)]);
}

/** Mistakes that the parser finds, whatever the backend. */
export const parserMistakes: readonly Mistake[] = Object.entries(rows).flatMap(([dialect, list]) =>
  list.map(([name, field, body]) => ({ name, dialect: dialect as DialectName, body, field })),
);

/** Words of the prototype where a client may put any word, and the field that is refused. */
export const prototypeWords: readonly Mistake[] = ['constructor', '__proto__', 'toString', 'hasOwnProperty'].flatMap(
  (word): readonly Mistake[] => {
    const mistake = (dialect: DialectName, field: string, body: Json): Mistake => ({
      name: word,
      dialect,
      field,
      body,
    });
    return [
      mistake('openai-chat', 'messages[0].role', { messages: [{ role: word, content: 'a' }] }),
      mistake('openai-responses', 'input[0].role', { input: [{ role: word, content: 'a' }] }),
      mistake('openai-responses', 'tool_choice', beside['openai-responses']({ tool_choice: word })),
      mistake('anthropic-messages', 'messages[0].role', { max_tokens: 1, messages: [{ role: word, content: 'a' }] }),
      mistake('anthropic-messages', 'tool_choice.type', beside['anthropic-messages']({ tool_choice: { type: word } })),
      mistake(
        'anthropic-messages',
        'messages[0].content[0].source.type',
        anthropic.user({ type: 'image', source: { type: word } }),
      ),
      mistake('anthropic-messages', 'thinking.type', beside['anthropic-messages']({ thinking: { type: word } })),
      mistake('gemini', 'contents[0].role', { contents: [{ role: word, parts: [{ text: 'a' }] }] }),
      mistake('ollama', 'messages[0].role', { messages: [{ role: word, content: 'a' }] }),
      mistake('ollama', 'format', beside.ollama({ format: word })),
      mistake('native', 'messages[0].content[0].type', { messages: [{ role: 'user', content: [{ type: word }] }] }),
      mistake('native', 'settings.toolChoice', beside.native({ settings: { toolChoice: word } })),
    ];
  },
);
