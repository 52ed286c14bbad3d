import { jsonHeaders, type BackendTarget } from '../../kernel/backend-target.ts';
import { refuse } from '../../kernel/field-check.ts';
import { sameJson, type JsonObject } from '../../kernel/json-value.ts';
import { extensionOf, level, openaiChat } from '../../kernel/openai-chat-fields.ts';
import { settingNames, writeSettings } from '../../kernel/openai-chat-settings.ts';
import type { ChatRequest, ToolDefinition } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { writeMessage } from './write-message.ts';

/** What a backend was configured with. */
export interface ChatTarget extends BackendTarget {
  readonly model: string;
  readonly includeUsage: boolean;
  readonly maxTokensField: string;
}

/** Fields of the body that are written from the request itself, so what the client sent under them is only a base. */
const ownFields = new Set(['model', 'stream', 'stream_options', 'messages', 'tools', 'functions', 'metadata']);

/**
 * The HTTP request for a chat request. Equal requests give equal bytes, for the prompt caches of providers. A request of
 * the same dialect that nobody changed says what the client said, except for the model. Throws REQUEST_INVALID for a
 * block that the format can't say.
 */
export function encodeChatRequest(request: ChatRequest, target: ChatTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query } = target;
  return {
    method: 'POST',
    origin,
    path: `${basePath}/chat/completions${query}`,
    headers: jsonHeaders(target, request.stream ? 'text/event-stream' : 'application/json'),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: ChatTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const settings = writeSettings(request.settings, extension, target.maxTokensField);
  const { tools, functions } = writeTools(request.tools, extension);
  const metadata = writeMetadata(request, extension);
  const streamOptions = writeStreamOptions(request, extension, target.includeUsage);
  return {
    model: target.model,
    messages: request.messages.map((message, index) => writeMessage(message, index, request.dialect, run.log)),
    ...settings,
    ...(tools !== undefined && { tools }),
    ...(functions !== undefined && { functions }),
    ...(metadata !== undefined && { metadata }),
    ...further(extension),
    ...(request.stream ? { stream: true } : 'stream' in extension && { stream: false }),
    ...(streamOptions !== undefined && { stream_options: streamOptions }),
  };
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name) && !settingNames.includes(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

function writeStreamOptions(
  request: ChatRequest,
  extension: JsonObject,
  includeUsage: boolean,
): JsonObject | undefined {
  if (!request.stream) return undefined;
  const asked = includeUsage || request.settings.includeUsage === true;
  const options = { ...level(extension, 'stream_options'), ...(asked && { include_usage: true }) };
  return Object.keys(options).length > 0 ? options : undefined;
}

/** Metadata is the provider's only where the client spoke the provider's format; elsewhere it is for this gateway. */
function writeMetadata(request: ChatRequest, extension: JsonObject): unknown {
  if (request.dialect !== openaiChat) return undefined;
  const original = extension['metadata'];
  if (original !== undefined && sameJson(original ?? {}, request.metadata)) return original;
  return Object.keys(request.metadata).length > 0 ? request.metadata : undefined;
}

function writeTools(
  tools: readonly ToolDefinition[],
  extension: JsonObject,
): { readonly tools: unknown; readonly functions: unknown } {
  const legacy = tools.filter(isLegacy);
  const current = tools.filter((tool) => !isLegacy(tool));
  return {
    tools: current.length > 0 ? current.map(writeTool) : extension['tools'],
    functions:
      legacy.length > 0
        ? legacy.map((tool) => writeFunction(tool, level(extensionOf(tool), 'functions')))
        : extension['functions'],
  };
}

/** True for an entry of the deprecated `functions`. */
function isLegacy(tool: ToolDefinition): boolean {
  return level(extensionOf(tool), 'functions') !== undefined;
}

function writeTool(tool: ToolDefinition, index: number): JsonObject {
  const extension = extensionOf(tool);
  if (extension === undefined) refuseForeignTool(tool, index);
  const { type, function: inner, custom, ...rest } = extension ?? {};
  if (type === undefined)
    return { ...rest, type: 'function', function: writeFunction(tool, level(extension, 'function')) };
  if (type !== 'custom' || custom === undefined)
    return { type, ...rest, ...(inner !== undefined && { function: inner }) };
  const { name, description } = tool;
  return {
    ...rest,
    type,
    custom: { ...level(extension, 'custom'), name, ...(description !== undefined && { description }) },
  };
}

/** A tool of another provider that is no function can't be called through this format. */
function refuseForeignTool(tool: ToolDefinition, index: number): void {
  for (const [dialect, fields] of Object.entries(tool.ext ?? {})) {
    if (fields['type'] !== undefined && tool.parameters === undefined)
      refuse(`tools[${index}]`, `a tool of ${dialect} can't be sent to this backend`);
  }
}

function writeFunction(
  { name, description, parameters, strict }: ToolDefinition,
  rest: JsonObject | undefined,
): JsonObject {
  return {
    ...rest,
    name,
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters }),
    ...(strict !== undefined && { strict }),
  };
}
