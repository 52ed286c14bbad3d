import { jsonHeaders, keyHeaderOf, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { isObject, level, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { settingNames } from '../../kernel/dialects/openai-chat-settings.ts';
import type { ChatRequest, ToolDefinition } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import type { Vendor } from './vendors.ts';
import { writeMessages } from './write-message.ts';
import { writeCacheControl } from './write-part.ts';
import { withoutRefused, writeVendorSettings } from './write-settings.ts';

/** What a backend was configured with. */
export interface ChatTarget extends BackendTarget {
  readonly model: string;
  readonly vendor: Vendor;
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
    ...keyHeaderOf(target),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: ChatTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const { vendor } = target;
  const isOwn = request.dialect === openaiChat;
  if (!isOwn) loseForeignFields(request, openaiChat, run);
  const { tools, functions } = writeTools(request, extension, vendor, run);
  const metadata = writeMetadata(request, extension);
  const streamOptions = writeStreamOptions(request, extension, vendor);
  const settings = writeVendorSettings(request, extension, vendor, run);
  const others = {
    ...(tools !== undefined && { tools }),
    ...(functions !== undefined && { functions }),
    ...(metadata !== undefined && { metadata }),
    ...further(extension),
  };
  return {
    model: target.model,
    messages: writeMessages(request, vendor, run),
    ...(tools === undefined && functions === undefined && !isOwn ? withoutToolSettings(settings) : settings),
    ...(vendor.asSaid === true ? others : withoutRefused(others, vendor, isOwn, run)),
    ...(request.stream ? { stream: true } : 'stream' in extension && { stream: false }),
    ...(streamOptions !== undefined && { stream_options: streamOptions }),
  };
}

/** The format refuses words about the use of tools where there are none. */
function withoutToolSettings(settings: JsonObject): JsonObject {
  const { tool_choice: _choice, parallel_tool_calls: _parallel, ...rest } = settings;
  return rest;
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name) && !settingNames.includes(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

function writeStreamOptions(request: ChatRequest, extension: JsonObject, vendor: Vendor): JsonObject | undefined {
  if (!request.stream || vendor.streamOptions === false) return undefined;
  const asked = vendor.includeUsage || request.settings.includeUsage === true;
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

/** A tool that a provider of another format runs itself can't be had here. */
function isCallable(tool: ToolDefinition, run: Run): boolean {
  const isForeign = tool.providerExecuted === true && extensionOf(tool) === undefined;
  if (isForeign) run.lose('request.server_tools');
  return !isForeign;
}

function writeTools(
  request: ChatRequest,
  extension: JsonObject,
  vendor: Vendor,
  run: Run,
): { readonly tools: unknown; readonly functions: unknown } {
  const callable = request.tools.filter((tool) => isCallable(tool, run));
  const legacy = callable.filter(isLegacy);
  const current = callable.filter((tool) => !isLegacy(tool));
  const isOwn = request.dialect === openaiChat;
  return {
    tools:
      current.length > 0
        ? current.map((tool) => ({ ...writeTool(tool), ...writeCache(tool, isOwn, vendor, run) }))
        : extension['tools'],
    functions:
      legacy.length > 0
        ? legacy.map((tool) => writeFunction(tool, level(extensionOf(tool), 'functions')))
        : extension['functions'],
  };
}

/** A client of this format has its own field. Undefined takes it out, where the vendor would refuse it. */
function writeCache(tool: ToolDefinition, isOwn: boolean, vendor: Vendor, run: Run): JsonObject {
  const { cache } = tool;
  if (cache === undefined || (isOwn && vendor.asSaid === true)) return {};
  if (vendor.cacheControl?.includes('tools') === true) {
    const own = extensionOf(tool)?.['cache_control'];
    return { cache_control: own ?? writeCacheControl(cache) };
  }
  run.lose('request.cache');
  return { cache_control: undefined };
}

/** True for an entry of the deprecated `functions`. */
function isLegacy(tool: ToolDefinition): boolean {
  return level(extensionOf(tool), 'functions') !== undefined;
}

function writeTool(tool: ToolDefinition): JsonObject {
  const extension = extensionOf(tool) ?? readForeignCustom(tool);
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

/** A custom tool of the Responses format, which has its grammar a level higher; undefined for any other tool. */
function readForeignCustom({ ext = {}, parameters }: ToolDefinition): JsonObject | undefined {
  if (parameters !== undefined) return undefined;
  const found = Object.values(ext).find(({ type }) => type === 'custom');
  if (found === undefined) return undefined;
  const { format } = found;
  if (!isObject(format)) return { type: 'custom', custom: {} };
  const { type, ...grammar } = format;
  return { type: 'custom', custom: { format: type === 'grammar' ? { type, grammar } : format } };
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
