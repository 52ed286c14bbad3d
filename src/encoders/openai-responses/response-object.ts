import { messageText, type ChatRequest, type Message, type ToolDefinition } from '../../kernel/request.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import { writeSettings } from '../../kernel/dialects/openai-responses-settings.ts';

/** What a response says of its request where neither the client nor the provider did. */
const defaults: JsonObject = {
  background: false,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  // Only a provider of this format stores anything.
  store: false,
  temperature: null,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  top_p: null,
  truncation: 'disabled',
};
/** Fields of the request that a response repeats. */
const echoed = [
  'background',
  'max_tool_calls',
  'previous_response_id',
  'prompt_cache_key',
  'safety_identifier',
  'service_tier',
  'top_logprobs',
  'truncation',
] as const;
/**
 * Fields in which the provider repeats what it was asked. A step may have added to that what the client is not to see, so
 * the client gets its own words back.
 */
const clientFields = [
  'instructions',
  'tools',
  'tool_choice',
  'metadata',
  'previous_response_id',
  'prompt',
  'user',
  'input',
];
/** Fields that say how the answer went, or hold it: always written from what has left. */
const answerFields = [
  'id',
  'object',
  'created_at',
  'status',
  'error',
  'incomplete_details',
  'model',
  'output',
  'output_text',
  'usage',
];

/** The part of a response that tells what was asked. */
export function echoRequest(request: ChatRequest): JsonObject {
  const extension = extensionOf(request) ?? {};
  const { tool_choice: choice, text, reasoning, ...settings } = writeSettings(request.settings, extension);
  const instructions = request.messages.find((message) => extensionOf(message)?.['instructions'] === true);
  return {
    ...defaults,
    ...Object.fromEntries(
      echoed.filter((name) => extension[name] !== undefined).map((name) => [name, extension[name]]),
    ),
    ...settings,
    ...(isObject(text) && { text: { ...(defaults['text'] as JsonObject), ...text } }),
    ...(isObject(reasoning) && { reasoning: { ...(defaults['reasoning'] as JsonObject), ...reasoning } }),
    ...(choice !== undefined && choice !== null && { tool_choice: choice }),
    instructions: writeInstructions(instructions, extension),
    tools: request.tools.map(writeTool),
    metadata: request.dialect === openaiResponses ? request.metadata : {},
  };
}

/** What the provider says of its response beside the answer and what the client itself said. */
export function furtherOfResponse(response: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(response).filter(([name]) => !clientFields.includes(name) && !answerFields.includes(name)),
  );
}

function writeInstructions(message: Message | undefined, extension: JsonObject): unknown {
  return message === undefined ? (extension['instructions'] ?? null) : messageText(message);
}

function writeTool(tool: ToolDefinition): JsonObject {
  const { name, description, parameters, strict } = tool;
  const extension = extensionOf(tool) ?? {};
  if (extension['type'] !== undefined) return extension;
  return {
    type: 'function',
    name,
    description: description ?? null,
    parameters: parameters ?? null,
    strict: strict ?? null,
    ...extension,
  };
}
