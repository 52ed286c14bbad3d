import { defineParser } from '../kernel/component.ts';
import { checkBoolean, checkFilled, checkObject, checkString, refuse } from '../kernel/dialects/field-check.ts';
import { checkJsonSchema } from '../kernel/json/json-schema-check.ts';
import { isObject, isPresent, orNothing, otherFields, type JsonObject } from '../kernel/json/json-value.ts';
import { extensionOf, openaiChat } from '../kernel/dialects/openai-chat-fields.ts';
import { objectsOf, readSettings, settingNames } from '../kernel/dialects/openai-chat-settings.ts';
import type { ChatRequest, ToolDefinition } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { checkToolResults } from '../kernel/dialects/tool-result-check.ts';
import { readMessage } from './openai-chat/read-message.ts';
import { cacheOf } from './openai-chat/read-part.ts';

const readFields = new Set([
  'model',
  'messages',
  'stream',
  'stream_options',
  'tools',
  'functions',
  'metadata',
  ...settingNames,
]);
/** All fields of a body that OpenAI documents, and those that gateways and servers of the format have in common. */
const documentedFields: ReadonlySet<string> = new Set([
  ...readFields,
  'audio',
  'logit_bias',
  'logprobs',
  'modalities',
  'moderation',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
  'store',
  'top_logprobs',
  'verbosity',
  'web_search_options',
]);
const toolFields = new Set(['type', 'function']);
const functionFields = new Set(['name', 'description', 'parameters', 'strict']);
const customFields = new Set(['name', 'description']);

/**
 * Bodies of the OpenAI chat completions API. Fields without a unified name, at any level, are kept for a backend of the
 * same format. Wrong types are refused with the path that OpenAI would name.
 */
export const openaiChatParser = defineParser({
  type: openaiChat,
  summary: 'Reads requests in the format of the OpenAI chat completions API.',
  config: strictObject({}),
  fields: documentedFields,
  needs: [],
  examples: [
    { title: 'One question', body: { model: 'gpt-5-mini', messages: [{ role: 'user', content: 'Hello' }] } },
    {
      title: 'A picture, streamed',
      body: {
        stream: true,
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'What is this?' },
              { type: 'image_url', image_url: { url: 'https://example.com/cat.png' } },
            ],
          },
        ],
      },
    },
  ],
  create: () => ({ parse: parseChatBody }),
});

function parseChatBody(value: unknown): ChatRequest {
  const body = checkObject(value, 'body');
  const { model, stream, stream_options: streamOptions, tools, functions, metadata } = body;
  const { settings, originals } = readSettings(body);
  const messages = objectsOf(body['messages'], 'messages').map(readMessage);
  if (messages.length === 0) refuse('messages', 'expected at least one message, got an empty array');
  // A message of the deprecated role `function` names its function, not a call.
  const results = messages.filter((message) => extensionOf(message)?.['role'] !== 'function');
  checkToolResults(results, ({ place = 'messages' }) => `${place}.tool_call_id`);
  const includeUsage = readIncludeUsage(streamOptions);
  const extension = {
    ...otherFields(body, readFields),
    ...originals,
    // What the request can't say again in the same form.
    ...(stream !== undefined && stream !== true && { stream }),
    ...(streamOptions !== undefined && { stream_options: streamOptions }),
    ...((tools === null || isEmptyList(tools)) && { tools }),
    ...((functions === null || isEmptyList(functions)) && { functions }),
    ...((metadata === null || (isObject(metadata) && orNothing(metadata) === undefined)) && { metadata }),
  };
  return {
    dialect: openaiChat,
    ...(isPresent(model) && { model: checkString(model, 'model') }),
    stream: isPresent(stream) ? checkBoolean(stream, 'stream') : false,
    settings: { ...settings, ...(includeUsage !== undefined && { includeUsage }) },
    tools: [
      ...(isPresent(tools) ? objectsOf(tools, 'tools').map(readTool) : []),
      ...(isPresent(functions) ? objectsOf(functions, 'functions').map(readLegacyFunction) : []),
    ],
    messages,
    metadata: isPresent(metadata) ? checkObject(metadata, 'metadata') : {},
    params: {},
    ...(orNothing(extension) && { ext: { [openaiChat]: extension } }),
  };
}

function readIncludeUsage(options: unknown): boolean | undefined {
  if (!isPresent(options)) return undefined;
  const value = checkObject(options, 'stream_options')['include_usage'];
  return isPresent(value) ? checkBoolean(value, 'stream_options.include_usage') : undefined;
}

function readTool(tool: JsonObject, index: number): ToolDefinition {
  const place = `tools[${index}]`;
  const type = checkString(tool['type'], `${place}.type`);
  if (type === 'function') {
    const inner = checkObject(tool['function'], `${place}.function`);
    const unknownInner = otherFields(inner, functionFields);
    const unknown = { ...otherFields(tool, toolFields), ...(unknownInner && { function: unknownInner }) };
    return {
      ...readFunction(inner, `${place}.function`),
      ...cacheOf(tool),
      ...(orNothing(unknown) && { ext: { [openaiChat]: unknown } }),
    };
  }
  if (type !== 'custom') return { name: type, providerExecuted: true, ext: { [openaiChat]: tool } };
  const custom = checkObject(tool['custom'], `${place}.custom`);
  const { description } = custom;
  return {
    name: checkFilled(custom['name'], `${place}.custom.name`),
    ...(typeof description === 'string' && { description }),
    ext: { [openaiChat]: { ...tool, custom: otherFields(custom, customFields) ?? {} } },
  };
}

function readLegacyFunction(tool: JsonObject, index: number): ToolDefinition {
  return {
    ...readFunction(tool, `functions[${index}]`),
    ext: { [openaiChat]: { functions: otherFields(tool, functionFields) ?? {} } },
  };
}

function readFunction(inner: JsonObject, place: string): ToolDefinition {
  const { description, parameters, strict } = inner;
  return {
    name: checkFilled(inner['name'], `${place}.name`),
    ...(isPresent(description) && { description: checkString(description, `${place}.description`) }),
    ...(isPresent(parameters) && { parameters: readSchema(parameters, `${place}.parameters`) }),
    ...(isPresent(strict) && { strict: checkBoolean(strict, `${place}.strict`) }),
  };
}

function readSchema(value: unknown, place: string): unknown {
  checkJsonSchema(value, place);
  return value;
}

function isEmptyList(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}
