import { anthropicMessages } from '../kernel/dialects/anthropic-messages-fields.ts';
import { readSettings, settingNames } from '../kernel/dialects/anthropic-messages-settings.ts';
import { defineParser } from '../kernel/component.ts';
import { checkBoolean, checkObject, checkString } from '../kernel/dialects/field-check.ts';
import { isPresent, orNothing, otherFields, type JsonObject } from '../kernel/json/json-value.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { strictObject } from '../kernel/schema.ts';
import { readMessages, readSystem } from './anthropic-messages/read-messages.ts';
import { readTools } from './anthropic-messages/read-tools.ts';

const readFields = new Set(['model', 'messages', 'system', 'stream', 'tools', 'metadata', ...settingNames]);
/** Documented fields that are only kept, for a backend of the same format. */
const keptFields = [
  'betas',
  'cache_control',
  'container',
  'context_management',
  'diagnostics',
  'inference_geo',
  'mcp_servers',
  'service_tier',
  'speed',
  'user_profile_id',
  'workspace_id',
];

/**
 * Bodies of the Anthropic messages API. Fields without a unified name, at any level, are kept for a backend of the same
 * format (see kernel/anthropic-messages-fields.ts). Like the API it refuses a body without `max_tokens`.
 */
export const anthropicMessagesParser = defineParser({
  type: anthropicMessages,
  summary: 'Reads requests in the format of the Anthropic messages API.',
  config: strictObject({}),
  needs: [],
  fields: new Set([...readFields, ...keptFields]),
  examples: [
    {
      title: 'One question',
      body: { model: 'claude-sonnet-4-5', max_tokens: 1024, messages: [{ role: 'user', content: 'Hello' }] },
    },
    {
      title: 'The result of a tool, streamed',
      body: {
        max_tokens: 1024,
        stream: true,
        system: 'Answer in one sentence.',
        tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
        messages: [
          { role: 'user', content: 'What is the weather in Bern?' },
          {
            role: 'assistant',
            content: [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Bern' } }],
          },
          { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny, 21 degrees' }] },
        ],
      },
    },
  ],
  create: () => ({ parse: parseMessagesBody }),
});

function parseMessagesBody(value: unknown): ChatRequest {
  const body = checkObject(value, 'body');
  const { model, stream, metadata } = body;
  const isStream = isPresent(stream) && checkBoolean(stream, 'stream');
  const { settings, originals } = readSettings(body);
  const { user, further } = readMetadata(metadata);
  const extension = { ...otherFields(body, readFields), ...originals };
  return {
    dialect: anthropicMessages,
    ...(isPresent(model) && { model: checkString(model, 'model') }),
    stream: isStream,
    // Streams of this format tell the usage always.
    settings: { ...settings, ...(user !== undefined && { user }), ...(isStream && { includeUsage: true }) },
    tools: readTools(body['tools']),
    messages: [...readSystem(body['system']), ...readMessages(body['messages'])],
    metadata: further,
    params: {},
    ...(orNothing(extension) && { ext: { [anthropicMessages]: extension } }),
  };
}

function readMetadata(value: unknown): { readonly user: string | undefined; readonly further: JsonObject } {
  if (!isPresent(value)) return { user: undefined, further: {} };
  const { user_id: user, ...further } = checkObject(value, 'metadata');
  return { user: isPresent(user) ? checkString(user, 'metadata.user_id') : undefined, further };
}
