import { defineParser } from '../kernel/component.ts';
import { checkBoolean, checkList, checkObject, checkString, refuse } from '../kernel/dialects/field-check.ts';
import { isPresent, orNothing, otherFields, type JsonObject } from '../kernel/json/json-value.ts';
import { ollama } from '../kernel/dialects/ollama-fields.ts';
import { readSettings, settingNames } from '../kernel/dialects/ollama-settings.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { MessageReader } from './ollama/message-reader.ts';
import { readTool } from './ollama/read-tool.ts';

const readFields: ReadonlySet<string> = new Set(['model', 'messages', 'stream', 'tools', ...settingNames]);
const fields: ReadonlySet<string> = new Set([
  ...readFields,
  'keep_alive',
  'truncate',
  'shift',
  'logprobs',
  'top_logprobs',
  '_debug_render_only',
]);

/**
 * Bodies of Ollama's `/api/chat`. A stream is the default. Fields without a unified name, at any level, are kept for a
 * backend of the same format. Wrong types are refused with the path of the field.
 */
export const ollamaParser = defineParser({
  type: ollama,
  summary: 'Reads requests in the format of the chat API of Ollama.',
  config: strictObject({}),
  fields,
  needs: [],
  examples: [
    { title: 'One question', body: { model: 'qwen3', messages: [{ role: 'user', content: 'Hello' }] } },
    {
      title: 'One document, with options and thinking',
      body: {
        model: 'gpt-oss:20b',
        stream: false,
        think: 'high',
        options: { temperature: 0, num_ctx: 8192 },
        messages: [{ role: 'user', content: 'What is this?', images: ['iVBORw0KGgo='] }],
      },
    },
  ],
  create: () => ({ parse: parseChatBody }),
});

function parseChatBody(value: unknown): ChatRequest {
  const body = checkObject(value, 'body');
  const { model, stream, tools } = body;
  const { settings, originals } = readSettings(body);
  const extension: JsonObject = {
    ...otherFields(body, readFields),
    ...originals,
    ...(Array.isArray(tools) && tools.length === 0 && { tools }),
  };
  return {
    dialect: ollama,
    ...(isPresent(model) && { model: checkString(model, 'model') }),
    stream: isPresent(stream) ? checkBoolean(stream, 'stream') : true,
    settings,
    tools: isPresent(tools)
      ? checkList(tools, 'tools').map((tool, index) =>
          readTool(checkObject(tool, `tools[${index}]`), `tools[${index}]`),
        )
      : [],
    messages: readMessages(body['messages']),
    metadata: {},
    params: {},
    ...(orNothing(extension) && { ext: { [ollama]: extension } }),
  };
}

function readMessages(value: unknown): ChatRequest['messages'] {
  const messages = checkList(value, 'messages');
  if (messages.length === 0) refuse('messages', 'expected at least one message, got an empty array');
  const reader = new MessageReader();
  return messages.map((message, index) =>
    reader.read(checkObject(message, `messages[${index}]`), `messages[${index}]`),
  );
}
