import { defineParser } from '../kernel/component.ts';
import {
  checkBoolean,
  checkList,
  checkObject,
  checkString,
  refuse,
  refuseType,
} from '../kernel/dialects/field-check.ts';
import { isObject, isPresent, orNothing, otherFields, type JsonObject } from '../kernel/json/json-value.ts';
import { openaiResponses } from '../kernel/dialects/openai-responses-fields.ts';
import { readSettings, settingNames } from '../kernel/dialects/openai-responses-settings.ts';
import type { ChatRequest, Message } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { readInput } from './openai-responses/read-input.ts';
import { readTools } from './openai-responses/read-tool.ts';

const readFields = new Set(['model', 'input', 'instructions', 'stream', 'tools', 'metadata', ...settingNames]);
/** Fields with which the provider itself adds to the conversation. */
const continuations = ['previous_response_id', 'conversation', 'prompt'] as const;

/**
 * Bodies of the OpenAI Responses API. Fields without a unified name, at any level, are kept for a backend of the same
 * format; see kernel/openai-responses-fields.ts. Wrong types are refused with the path of the field.
 */
export const openaiResponsesParser = defineParser({
  type: openaiResponses,
  summary: 'Reads requests in the format of the OpenAI Responses API.',
  config: strictObject({}),
  needs: [],
  examples: [
    { title: 'One question', body: { model: 'gpt-5-mini', input: 'Hello' } },
    {
      title: 'The result of a tool, streamed',
      body: {
        stream: true,
        instructions: 'Be brief.',
        input: [
          { role: 'user', content: [{ type: 'input_text', text: 'What is the weather in Oslo?' }] },
          { type: 'function_call', call_id: 'call_1', name: 'weather', arguments: '{"city":"Oslo"}' },
          { type: 'function_call_output', call_id: 'call_1', output: '4 degrees, rain' },
        ],
        tools: [{ type: 'function', name: 'weather', parameters: { type: 'object' }, strict: false }],
      },
    },
  ],
  fields: new Set([
    ...readFields,
    'access_programs',
    'background',
    'context_management',
    'conversation',
    'image',
    'include',
    'max_tool_calls',
    'moderation',
    'previous_response_id',
    'prompt',
    'prompt_cache_key',
    'prompt_cache_options',
    'prompt_cache_retention',
    'safety_identifier',
    'service_tier',
    'store',
    'stream_options',
    'top_logprobs',
    'truncation',
  ]),
  create: () => ({ parse: parseResponsesBody }),
});

function parseResponsesBody(value: unknown): ChatRequest {
  const body = checkObject(value, 'body');
  const { model, input, instructions, stream, tools, metadata } = body;
  const { settings, originals } = readSettings(body);
  const isStream = isPresent(stream) ? checkBoolean(stream, 'stream') : false;
  const extension = {
    ...otherFields(body, readFields),
    ...originals,
    // What the request can't say again in the same form.
    ...(typeof input === 'string' && { input: '' }),
    ...((instructions === null || instructions === '') && { instructions }),
    ...(stream !== undefined && stream !== true && { stream }),
    ...((tools === null || (Array.isArray(tools) && tools.length === 0)) && { tools }),
    ...((metadata === null || (isObject(metadata) && orNothing(metadata) === undefined)) && { metadata }),
  };
  return {
    dialect: openaiResponses,
    ...(isPresent(model) && { model: checkString(model, 'model') }),
    stream: isStream,
    // A stream of the format always tells its usage.
    settings: { ...settings, ...(isStream && { includeUsage: true }) },
    tools: isPresent(tools) ? readTools(tools) : [],
    messages: [...readInstructions(instructions), ...readConversation(body)],
    metadata: isPresent(metadata) ? checkObject(metadata, 'metadata') : {},
    params: {},
    ...(orNothing(extension) && { ext: { [openaiResponses]: extension } }),
  };
}

function readInstructions(value: unknown): readonly Message[] {
  if (!isPresent(value) || value === '') return [];
  const text = checkString(value, 'instructions');
  return [
    {
      role: 'system',
      content: [{ kind: 'text', text }],
      ext: { [openaiResponses]: { instructions: true } },
    },
  ];
}

function readConversation(body: JsonObject): readonly Message[] {
  const { input } = body;
  const continued = continuations.some((field) => isPresent(body[field]));
  if (typeof input === 'string') return [{ role: 'user', content: [{ kind: 'text', text: input }] }];
  if (!isPresent(input) && continued) return [];
  if (!Array.isArray(input)) refuseType('input', 'a string or an array of items', input);
  const items = checkList(input, 'input');
  if (items.length === 0 && !continued) refuse('input', 'expected at least one item, got an empty array');
  return readInput(items, continued);
}
