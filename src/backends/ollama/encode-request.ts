import { jsonHeaders, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { toolNamesByCall } from '../../kernel/dialects/conversation.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { loseCacheMarks, loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { level, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf, ollama } from '../../kernel/dialects/ollama-fields.ts';
import { settingNames, writeSettings } from '../../kernel/dialects/ollama-settings.ts';
import type { ChatRequest, ToolDefinition } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { writeMessage } from './write-message.ts';

/** What a backend was configured with. */
export interface OllamaTarget extends BackendTarget {
  readonly model: string;
  readonly thinkLevels: boolean;
}

/** Fields of the body that are written from the request itself. */
const ownFields: ReadonlySet<string> = new Set(['model', 'messages', 'tools', 'stream', ...settingNames]);

/**
 * The HTTP request for a chat request. Equal requests give equal bytes. A request of the same dialect that nobody changed
 * says what the client said, except for the model. Throws REQUEST_INVALID for a block that the format can't say.
 */
export function encodeChatRequest(request: ChatRequest, target: OllamaTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query } = target;
  return {
    method: 'POST',
    origin,
    path: `${basePath}/api/chat${query}`,
    headers: jsonHeaders(target, request.stream ? 'application/x-ndjson' : 'application/json'),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: OllamaTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  loseForeignFields(request, ollama, run);
  loseCacheMarks(request, run);
  const { format, options, think, lost } = writeSettings(request.settings, extension, target.thinkLevels);
  for (const name of lost) run.lose(name);
  const tools = writeTools(request, run) ?? extension['tools'];
  const names = toolNamesByCall(request.messages);
  const isOwn = request.dialect === ollama;
  return {
    model: target.model,
    messages: request.messages.map((message, index) => writeMessage(message, index, { isOwn, names, run })),
    ...(tools !== undefined && { tools }),
    ...(format !== undefined && { format }),
    ...(options !== undefined && { options }),
    // A server streams when nothing is said, so both are said.
    stream: request.stream,
    ...(think !== undefined && { think }),
    ...further(extension),
  };
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

/** The tools that may be called. The format can't force or forbid a call, so a forbidden tool is not shown. */
function writeTools({ tools, settings }: ChatRequest, run: Run): readonly JsonObject[] | undefined {
  const { toolChoice } = settings;
  if (toolChoice === 'none') {
    if (tools.length > 0) run.lose('request.tools');
    return undefined;
  }
  const allowed =
    typeof toolChoice === 'object' ? new Set('name' in toolChoice ? [toolChoice.name] : toolChoice.allowed) : undefined;
  const written = tools
    .filter((tool, index) => isFunction(tool, index, run))
    .filter(({ name }) => allowed?.has(name) !== false);
  if (written.some(({ strict }) => strict === true)) run.lose('request.tools.strict');
  return written.length > 0 ? written.map(writeTool) : undefined;
}

/** False for a tool that another provider runs. Throws REQUEST_INVALID for one that is called with free text. */
function isFunction({ parameters, ext = {} }: ToolDefinition, index: number, run: Run): boolean {
  if (parameters !== undefined) return true;
  for (const [dialect, fields] of Object.entries(ext)) {
    if (dialect === ollama || fields['type'] === undefined || fields['type'] === 'function') continue;
    if (fields['type'] === 'custom')
      refuse(`tools[${index}]`, `a custom tool of ${dialect} can't be sent to this backend`);
    run.lose('request.server_tools');
    return false;
  }
  return true;
}

function writeTool(tool: ToolDefinition): JsonObject {
  const { name, description, parameters } = tool;
  const extension = extensionOf(tool);
  const { function: _inner, ...rest } = extension ?? {};
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      ...(parameters !== undefined && { parameters }),
      ...level(extension, 'function'),
    },
    ...rest,
  };
}
