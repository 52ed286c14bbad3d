import { jsonHeaders, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { loseCacheMarks, loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest, ToolDefinition } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { cohere } from './answer-parts.ts';
import { writeMessage } from './write-message.ts';
import { writeSettings } from './write-settings.ts';

/** What a backend was configured with. */
export interface CohereTarget extends BackendTarget {
  readonly model: string;
}

/**
 * The HTTP request for a chat request. Equal requests give equal bytes. Throws REQUEST_INVALID for a block that the format
 * can't say; what is left out is named as lost.
 */
export function encodeChatRequest(request: ChatRequest, target: CohereTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query } = target;
  return {
    method: 'POST',
    origin,
    path: `${basePath}/v2/chat${query}`,
    headers: jsonHeaders(target, request.stream ? 'text/event-stream' : 'application/json'),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: CohereTarget, run: Run): JsonObject {
  loseForeignFields(request, cohere, run);
  loseCacheMarks(request, run);
  return {
    model: target.model,
    messages: request.messages.map((message, index) => writeMessage(message, index, run)),
    ...writeTools(request, run),
    ...writeSettings(request.settings, run),
    stream: request.stream,
  };
}

/**
 * The tools and the choice among them. The API can force a call, but not of one tool: so that tool alone is sent, and
 * nothing else can be called.
 */
function writeTools({ tools, settings }: ChatRequest, run: Run): JsonObject {
  const { toolChoice } = settings;
  const allowed =
    typeof toolChoice === 'object' ? new Set('name' in toolChoice ? [toolChoice.name] : toolChoice.allowed) : undefined;
  const callable = tools
    .filter((tool, index) => isFunction(tool, index, run))
    .filter(({ name }) => allowed?.has(name) !== false);
  if (callable.length === 0) return {};
  const strict = callable.filter((tool) => tool.strict === true).length;
  // It is one switch for all of them.
  if (strict > 0 && strict < callable.length) run.lose('request.tools.strict');
  const isForced =
    toolChoice === 'required' ||
    (typeof toolChoice === 'object' && ('name' in toolChoice || toolChoice.mode === 'required'));
  return {
    tools: callable.map(writeTool),
    ...(strict === callable.length && { strict_tools: true }),
    ...(isForced && { tool_choice: 'REQUIRED' }),
    ...(toolChoice === 'none' && { tool_choice: 'NONE' }),
  };
}

/** False for a tool that another provider runs. Throws REQUEST_INVALID for one that is called with free text. */
function isFunction({ parameters, ext = {} }: ToolDefinition, index: number, run: Run): boolean {
  if (parameters !== undefined) return true;
  for (const [dialect, { type }] of Object.entries(ext)) {
    if (type === undefined || type === 'function') continue;
    if (type === 'custom') refuse(`tools[${index}]`, `a custom tool of ${dialect} can't be sent to this backend`);
    run.lose('request.server_tools');
    return false;
  }
  return true;
}

function writeTool({ name, description, parameters }: ToolDefinition): JsonObject {
  return {
    type: 'function',
    function: {
      name,
      ...(description !== undefined && { description }),
      parameters: parameters ?? { type: 'object', properties: {} },
    },
  };
}
