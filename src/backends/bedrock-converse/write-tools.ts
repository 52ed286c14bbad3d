import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest, ChatSettings, ToolDefinition } from '../../kernel/request.ts';
import { extensionOf } from './converse-fields.ts';
import type { ModelFamily } from './model-family.ts';
import { withCachePoint, type ContentContext } from './write-content.ts';
import { wireName } from './wire-name.ts';

export interface ToolOptions {
  readonly family: ModelFamily;
  /** False for models that refuse `strict`. */
  readonly structuredOutput: boolean;
}

interface WrittenTools {
  readonly toolConfig?: JsonObject;
  /** Fields of the model, where the common ones can't say the choice. */
  readonly additional?: JsonObject;
}

/**
 * The tools and the choice among them. A conversation in which tools were called must define some, so the ones that were
 * called are defined by their names where the request has none any more.
 */
export function writeTools(request: ChatRequest, options: ToolOptions, context: ContentContext): WrittenTools {
  const { toolChoice, parallelToolCalls } = request.settings;
  const named = chosenTools(request.tools, toolChoice);
  const hasHistory = usesTools(request);
  if (toolChoice === 'none' && !hasHistory) {
    if (named.length > 0) context.run.lose('request.tools');
    return {};
  }
  const specs = named.flatMap((tool, index) => writeTool(tool, index, options, context));
  if (specs.length === 0) {
    if (named.length < request.tools.length) context.run.lose('request.tools');
    if (toolChoice !== undefined && toolChoice !== 'auto') context.run.lose('request.tool_choice');
    return hasHistory ? { toolConfig: { tools: calledTools(request) } } : {};
  }
  const choice = writeChoice(toolChoice, context);
  if (parallelToolCalls !== false) return { toolConfig: { tools: specs, ...(choice && { toolChoice: choice }) } };
  if (options.family !== 'anthropic' || toolChoice === 'none') {
    context.run.lose('request.parallel_tool_calls');
    return { toolConfig: { tools: specs, ...(choice && { toolChoice: choice }) } };
  }
  // The two ways to say the choice exclude each other.
  return {
    toolConfig: { tools: specs },
    additional: { tool_choice: { ...anthropicChoice(toolChoice), disable_parallel_tool_use: true } },
  };
}

/** Where the client names the only tools that may be called, the others are not shown to the model. */
function chosenTools(tools: readonly ToolDefinition[], choice: ChatSettings['toolChoice']): readonly ToolDefinition[] {
  if (typeof choice !== 'object' || !('allowed' in choice)) return tools;
  return tools.filter(({ name }) => choice.allowed.includes(name));
}

function writeTool(
  tool: ToolDefinition,
  index: number,
  { family, structuredOutput }: ToolOptions,
  context: ContentContext,
): JsonObject[] {
  const { name, description, parameters, strict, cache } = tool;
  const own = extensionOf(tool);
  if (isObject(own?.['systemTool'])) return [{ systemTool: own['systemTool'] }];
  if (tool.providerExecuted === true) {
    context.run.lose('request.server_tools');
    return [];
  }
  if (isCustom(tool)) refuse(`tools[${index}]`, "a custom tool can't be sent to this backend");
  if (strict !== undefined && !structuredOutput) context.run.lose('request.tools.strict');
  const toolSpec = {
    name: wireName(name),
    ...(description !== undefined && description.trim() !== '' && { description }),
    inputSchema: { json: writeSchema(parameters) },
    ...(strict !== undefined && structuredOutput && { strict }),
  };
  // Nova caches the system prompt and messages, but no tools.
  return withCachePoint([{ toolSpec }], cache, { run: context.run, caches: context.caches && family !== 'nova' });
}

/** The schema must say that it is one of an object. */
function writeSchema(parameters: unknown): JsonObject {
  const schema = isObject(parameters) ? parameters : {};
  return schema['type'] === undefined ? { type: 'object', ...schema } : schema;
}

/** A tool of another provider that takes a text and no object. */
function isCustom({ ext = {}, parameters }: ToolDefinition): boolean {
  return parameters === undefined && Object.values(ext).some(({ type }) => type === 'custom');
}

function usesTools({ messages }: ChatRequest): boolean {
  return messages.some(
    ({ role, content }) =>
      role === 'tool' || content.some(({ kind }) => kind === 'tool_call' || kind === 'custom_tool_call'),
  );
}

function calledTools({ messages }: ChatRequest): JsonObject[] {
  const names = messages.flatMap(({ content }) =>
    content
      .filter(({ kind }) => kind === 'tool_call' || kind === 'custom_tool_call')
      .map(({ name }) => wireName(name ?? 'tool')),
  );
  return [...new Set(names.length === 0 ? ['tool'] : names)].map((name) => ({
    toolSpec: { name, inputSchema: { json: { type: 'object' } } },
  }));
}

function writeChoice(choice: ChatSettings['toolChoice'], { run }: ContentContext): JsonObject | undefined {
  if (choice === undefined) return undefined;
  if (choice === 'none') {
    run.lose('request.tool_choice');
    return undefined;
  }
  if (choice === 'auto') return { auto: {} };
  if (choice === 'required') return { any: {} };
  if ('allowed' in choice) return choice.mode === 'required' ? { any: {} } : { auto: {} };
  return { tool: { name: wireName(choice.name) } };
}

function anthropicChoice(choice: ChatSettings['toolChoice']): JsonObject {
  if (typeof choice === 'object' && 'name' in choice) return { type: 'tool', name: wireName(choice.name) };
  const required = choice === 'required' || (typeof choice === 'object' && choice.mode === 'required');
  return { type: required ? 'any' : 'auto' };
}
