import Type from 'typebox';
import { defineParser } from '../kernel/component.ts';
import {
  checkBoolean,
  checkFilled,
  checkInteger,
  checkKeys,
  checkList,
  checkNumber,
  checkObject,
  checkString,
  checkWord,
  refuse,
  refuseType,
} from '../kernel/dialects/field-check.ts';
import { checkJsonSchema } from '../kernel/json/json-schema-check.ts';
import type { JsonObject } from '../kernel/json/json-value.ts';
import type { ChatRequest, ChatSettings, ContentBlock, Message, ToolDefinition } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { checkToolResults } from '../kernel/dialects/tool-result-check.ts';
import { Cache, Part, readCache, readCall, readPart } from './native/read-part.ts';

const { Optional } = Type;
const roles = ['system', 'developer', 'user', 'assistant', 'tool'] as const;
const text = (description: string): ReturnType<typeof Type.String> => Type.String({ description });

const Content = Type.Union([Type.String(), Type.Array(Part)], {
  description: 'The text, or the parts of the message.',
});
const ChatMessageFields = {
  role: Type.Enum([...roles]),
  content: Optional(Content),
  name: Optional(text('Name of the participant.')),
  callId: Optional(text('The tool call that a message of the role tool answers.')),
  isError: Optional(Type.Boolean({ description: 'The tool failed, and the content says how.' })),
  parts: Optional(
    Type.Array(Part, {
      description:
        'All of the message, in order. Stands for content, reasoning, refusal and toolCalls, which may be beside it.',
    }),
  ),
  reasoning: Optional(text('Reasoning of an earlier answer.')),
  refusal: Optional(text('Refusal of an earlier answer.')),
  toolCalls: Optional(
    Type.Array(
      strictObject({ id: Type.String(), name: Type.String(), arguments: text('The arguments as JSON text.') }),
      { description: 'Tool calls of an earlier answer.' },
    ),
  ),
};
/** An earlier answer may consist of something else than content; a message of nothing is a mistake. */
const ChatMessage = strictObject(ChatMessageFields, {
  anyOf: ['content', 'parts', 'reasoning', 'refusal', 'toolCalls'].map((field) => ({ required: [field] })),
});
const Settings = strictObject(
  {
    maxOutputTokens: Optional(Type.Integer({ minimum: 1 })),
    temperature: Optional(Type.Number()),
    topP: Optional(Type.Number()),
    topK: Optional(Type.Integer()),
    stop: Optional(Type.Array(Type.String())),
    seed: Optional(Type.Integer()),
    presencePenalty: Optional(Type.Number()),
    frequencyPenalty: Optional(Type.Number()),
    choices: Optional(Type.Integer({ minimum: 1, description: 'How many answers.' })),
    responseFormat: Optional(
      Type.Union([
        strictObject({ type: Type.Enum(['text', 'json']) }),
        strictObject({
          type: Type.Literal('json_schema'),
          name: Type.String(),
          schema: Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the answer.' })),
          strict: Optional(Type.Boolean()),
          description: Optional(Type.String()),
        }),
      ]),
    ),
    reasoningEffort: Optional(text('none, minimal, low, medium, high, xhigh, or a word of one provider.')),
    reasoningBudget: Optional(
      Type.Integer({ minimum: 0, description: 'Tokens that may be spent on reasoning; 0 is none.' }),
    ),
    showReasoning: Optional(Type.Boolean({ description: 'Asks for the reasoning, or for a summary of it.' })),
    toolChoice: Optional(
      Type.Union([
        Type.Enum(['auto', 'none', 'required']),
        strictObject({ name: Type.String() }),
        strictObject({ allowed: Type.Array(Type.String(), { minItems: 1 }), mode: Type.Enum(['auto', 'required']) }),
      ]),
    ),
    parallelToolCalls: Optional(Type.Boolean()),
    user: Optional(text('The end user, for the abuse monitoring of providers.')),
    includeUsage: Optional(Type.Boolean()),
  },
  { description: 'Settings of the model; what is left out is the default of the provider.' },
);
const Tool = strictObject({
  name: Type.String({ minLength: 1 }),
  description: Optional(Type.String()),
  parameters: Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'JSON Schema of the arguments.' })),
  strict: Optional(Type.Boolean()),
  cache: Optional(Cache),
});

/** The body of a request in the native format. `parse` takes exactly what it allows, and checks JSON Schemas more closely. */
export const ChatBody = strictObject(
  {
    messages: Type.Array(ChatMessage, { minItems: 1 }),
    model: Optional(text('A backend of the pipeline or its model; without it the routing decides.')),
    params: Optional(
      Type.Record(Type.String(), Type.Unknown(), { description: 'Parameters that the pipeline declares.' }),
    ),
    stream: Optional(Type.Boolean({ default: true })),
    settings: Optional(Settings),
    tools: Optional(Type.Array(Tool)),
    metadata: Optional(
      Type.Record(Type.String(), Type.Unknown(), {
        description: 'For the conditions of the pipeline; not sent to the provider.',
      }),
    ),
  },
  { title: 'Chat request', description: 'The body of POST /pipelines/NAME/chat.' },
);

export const nativeParser = defineParser({
  type: 'native',
  summary: 'Reads requests in the native format.',
  config: strictObject({}),
  body: ChatBody,
  needs: [],
  examples: [
    { title: 'One question', body: { messages: [{ role: 'user', content: 'Hello' }] } },
    {
      title: 'One document instead of a stream',
      body: {
        messages: [{ role: 'user', content: [{ type: 'text', text: 'Hello' }] }],
        stream: false,
        settings: { temperature: 0 },
      },
    },
  ],
  create: () => ({ parse: parseChatBody }),
});

function parseChatBody(value: unknown): ChatRequest {
  const body = checkObject(value, 'body');
  checkKeys(body, Object.keys(ChatBody.properties), '');
  const messages = checkList(body['messages'], 'messages');
  if (messages.length === 0) refuse('messages', 'expected at least one message, got an empty array');
  const { model, stream, settings, tools, metadata, params } = body;
  const read = messages.map((message, index) => readMessage(message, `messages[${index}]`));
  checkToolResults(read, ({ place = 'messages' }) => `${place}.callId`);
  return {
    dialect: 'native',
    ...(model !== undefined && { model: checkString(model, 'model') }),
    stream: stream === undefined ? true : checkBoolean(stream, 'stream'),
    settings: settings === undefined ? {} : readSettings(checkObject(settings, 'settings')),
    tools: tools === undefined ? [] : checkList(tools, 'tools').map((tool, index) => readTool(tool, `tools[${index}]`)),
    messages: read,
    metadata: metadata === undefined ? {} : checkObject(metadata, 'metadata'),
    params: params === undefined ? {} : checkObject(params, 'params'),
  };
}

function readMessage(value: unknown, place: string): Message {
  const message = checkObject(value, place);
  checkKeys(message, Object.keys(ChatMessage.properties), place);
  const { content, name, callId, isError, parts, reasoning, refusal, toolCalls } = message;
  const role = checkWord(message['role'], roles, `${place}.role`);
  const isSaid = [content, parts, toolCalls, refusal, reasoning].some((field) => field !== undefined);
  if (!isSaid) refuseType(`${place}.content`, 'a string or an array of parts', content);
  return {
    role,
    ...(name !== undefined && { name: checkString(name, `${place}.name`) }),
    ...(callId !== undefined && { callId: checkString(callId, `${place}.callId`) }),
    ...(isError !== undefined && { isError: checkBoolean(isError, `${place}.isError`) }),
    content: readBlocks(message, place),
    ...(role === 'tool' && { place }),
  };
}

/** All fields are read, so that each mistake is found, also in those that `parts` stands for. */
function readBlocks(
  { content, parts, reasoning, refusal, toolCalls }: JsonObject,
  place: string,
): readonly ContentBlock[] {
  const blocks = [
    ...readText('reasoning', reasoning, `${place}.reasoning`),
    ...(content === undefined ? [] : readContent(content, `${place}.content`)),
    ...readText('refusal', refusal, `${place}.refusal`),
    ...(toolCalls === undefined
      ? []
      : checkList(toolCalls, `${place}.toolCalls`).map((call, index) =>
          readToolCall(call, `${place}.toolCalls[${index}]`),
        )),
  ];
  return parts === undefined ? blocks : readParts(checkList(parts, `${place}.parts`), `${place}.parts`);
}

function readText(kind: ContentBlock['kind'], value: unknown, field: string): readonly ContentBlock[] {
  return value === undefined ? [] : [{ kind, text: checkString(value, field) }];
}

function readContent(content: unknown, field: string): readonly ContentBlock[] {
  if (typeof content === 'string') return [{ kind: 'text', text: content }];
  if (!Array.isArray(content)) refuseType(field, 'a string or an array of parts', content);
  return readParts(content as unknown[], field);
}

function readParts(parts: readonly unknown[], field: string): readonly ContentBlock[] {
  return parts.map((part, index) => readPart(part, `${field}[${index}]`));
}

function readToolCall(value: unknown, place: string): ContentBlock {
  const call = checkObject(value, place);
  checkKeys(call, ['id', 'name', 'arguments'], place);
  return readCall(call, place);
}

function readTool(value: unknown, place: string): ToolDefinition {
  const tool = checkObject(value, place);
  checkKeys(tool, Object.keys(Tool.properties), place);
  const { description, parameters, strict } = tool;
  const name = checkFilled(tool['name'], `${place}.name`);
  if (parameters !== undefined) checkJsonSchema(parameters, `${place}.parameters`);
  return {
    name,
    ...(description !== undefined && { description: checkString(description, `${place}.description`) }),
    ...(parameters !== undefined && { parameters }),
    ...(strict !== undefined && { strict: checkBoolean(strict, `${place}.strict`) }),
    ...readCache(tool['cache'], place),
  };
}

const settingReaders: {
  readonly [N in keyof ChatSettings]-?: (value: unknown, field: string) => NonNullable<ChatSettings[N]>;
} = {
  maxOutputTokens: (value, field) => checkInteger(value, field, 1),
  temperature: checkNumber,
  topP: checkNumber,
  topK: (value, field) => checkInteger(value, field),
  stop: (value, field) => checkList(value, field).map((item, index) => checkString(item, `${field}[${index}]`)),
  seed: (value, field) => checkInteger(value, field),
  presencePenalty: checkNumber,
  frequencyPenalty: checkNumber,
  choices: (value, field) => checkInteger(value, field, 1),
  responseFormat: readResponseFormat,
  reasoningEffort: checkString,
  reasoningBudget: (value, field) => checkInteger(value, field, 0),
  showReasoning: checkBoolean,
  toolChoice: readToolChoice,
  parallelToolCalls: checkBoolean,
  user: checkString,
  includeUsage: checkBoolean,
};

function readSettings(settings: JsonObject): ChatSettings {
  checkKeys(settings, Object.keys(settingReaders), 'settings');
  const read = Object.entries(settingReaders).filter(([name]) => settings[name] !== undefined);
  return Object.fromEntries(
    read.map(([name, reader]) => [name, reader(settings[name], `settings.${name}`)]),
  ) as ChatSettings;
}

function readResponseFormat(value: unknown, field: string): NonNullable<ChatSettings['responseFormat']> {
  const format = checkObject(value, field);
  const type = checkWord(format['type'], ['text', 'json', 'json_schema'], `${field}.type`);
  checkKeys(format, type === 'json_schema' ? ['type', 'name', 'schema', 'strict', 'description'] : ['type'], field);
  if (type !== 'json_schema') return { type };
  const { schema, strict, description } = format;
  if (schema !== undefined) checkJsonSchema(schema, `${field}.schema`);
  return {
    type,
    name: checkString(format['name'], `${field}.name`),
    ...(schema !== undefined && { schema }),
    ...(strict !== undefined && { strict: checkBoolean(strict, `${field}.strict`) }),
    ...(description !== undefined && { description: checkString(description, `${field}.description`) }),
  };
}

function readToolChoice(value: unknown, field: string): NonNullable<ChatSettings['toolChoice']> {
  if (typeof value === 'string') return checkWord(value, ['auto', 'none', 'required'], field);
  const choice = checkObject(value, field);
  if (choice['allowed'] !== undefined) {
    checkKeys(choice, ['allowed', 'mode'], field);
    return {
      allowed: checkList(choice['allowed'], `${field}.allowed`).map((name, index) =>
        checkString(name, `${field}.allowed[${index}]`),
      ),
      mode: checkWord(choice['mode'], ['auto', 'required'], `${field}.mode`),
    };
  }
  checkKeys(choice, ['name'], field);
  return { name: checkString(choice['name'], `${field}.name`) };
}
