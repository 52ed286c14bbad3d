import { jsonHeaders, type BackendTarget } from '../../kernel/backend-target.ts';
import { loseForeignFields } from '../../kernel/foreign-fields.ts';
import { isObject, sameJson, type JsonObject } from '../../kernel/json-value.ts';
import { extensionOf, level, openaiChat } from '../../kernel/openai-chat-fields.ts';
import { settingNames, writeSettings } from '../../kernel/openai-chat-settings.ts';
import type { ChatRequest, ChatSettings, ToolDefinition } from '../../kernel/request.ts';
import { reasoningEffort } from '../../kernel/reasoning-effort.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import type { Vendor } from './vendors.ts';
import { writeMessages } from './write-message.ts';

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
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: ChatTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const { vendor } = target;
  const isOwn = request.dialect === openaiChat;
  if (!isOwn) loseForeignFields(request, openaiChat, run);
  const settings = writeSettings(
    isOwn ? request.settings : settingsFor(vendor, request.settings, run),
    extension,
    vendor.maxTokensField,
  );
  const { tools, functions } = writeTools(request.tools.filter((tool) => isCallable(tool, run)), extension);
  const metadata = writeMetadata(request, extension);
  const streamOptions = writeStreamOptions(request, extension, vendor.includeUsage);
  return {
    model: target.model,
    messages: writeMessages(request, vendor, run),
    ...settings,
    ...(!isOwn && writeReasoning(vendor, request.settings, run)),
    ...(tools !== undefined && { tools }),
    ...(functions !== undefined && { functions }),
    ...(metadata !== undefined && { metadata }),
    ...further(extension),
    ...(request.stream ? { stream: true } : 'stream' in extension && { stream: false }),
    ...(streamOptions !== undefined && { stream_options: streamOptions }),
  };
}

/** The settings that the vendor takes. Reasoning is said in its own place. */
function settingsFor(vendor: Vendor, settings: ChatSettings, run: Run): ChatSettings {
  const { reasoningEffort: _effort, reasoningBudget: _budget, showReasoning: _show, ...others } = settings;
  const taken = Object.entries(others).filter(([name]) => {
    const refused = (vendor.refuses as readonly string[]).includes(name);
    if (refused) run.lose(`request.${name}`);
    return !refused;
  });
  const written = Object.fromEntries(taken) as ChatSettings;
  if (vendor.anyTool === undefined || written.toolChoice !== 'required') return written;
  return { ...written, toolChoice: vendor.anyTool as 'required' };
}

function writeReasoning(vendor: Vendor, settings: ChatSettings, run: Run): JsonObject {
  const effort = reasoningEffort(settings);
  const { reasoningBudget: budget, reasoningEffort: word, showReasoning } = settings;
  if (showReasoning === true && vendor.reasoning !== 'reasoning') run.lose('request.showReasoning');
  if (effort === undefined) return {};
  if (vendor.reasoning === 'none') {
    run.lose('request.reasoningEffort');
    return {};
  }
  if (vendor.reasoning === 'reasoning')
    return { reasoning: budget !== undefined && word === undefined ? { max_tokens: budget } : { effort } };
  if (budget !== undefined) run.lose('request.reasoningBudget');
  return { reasoning_effort: effort };
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

/** A tool that a provider of another format runs itself can't be had here. */
function isCallable(tool: ToolDefinition, run: Run): boolean {
  const isForeign = tool.providerExecuted === true && extensionOf(tool) === undefined;
  if (isForeign) run.lose('request.server_tools');
  return !isForeign;
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
