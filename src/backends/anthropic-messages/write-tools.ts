import { extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { readToolChoice, writeToolChoice } from '../../kernel/dialects/anthropic-messages-settings.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatSettings, ToolDefinition } from '../../kernel/request.ts';
import { writeCache, type WriteContext } from './write-context.ts';

/** The tools. One that another provider would run is left out; one that takes no JSON is refused. */
export function writeTools(tools: readonly ToolDefinition[], context: WriteContext): readonly JsonObject[] {
  return tools.flatMap((tool, index) => {
    const written = writeTool(tool, `tools[${index}]`, context);
    return written === undefined ? [] : [written];
  });
}

function writeTool(tool: ToolDefinition, place: string, context: WriteContext): JsonObject | undefined {
  const { name, description, parameters, strict, cache } = tool;
  const own = extensionOf(tool);
  // A tool that the provider runs is in its extension whole.
  if (typeof own?.['type'] === 'string' && own['type'] !== 'custom') return own;
  const foreign = own === undefined && parameters === undefined ? foreignTypeOf(tool) : undefined;
  if (foreign === 'custom') refuse(place, "a custom tool can't be sent to this backend");
  if (tool.providerExecuted === true || foreign !== undefined) {
    context.run.lose('request.server_tools');
    return undefined;
  }
  const { cache_control: original, ...further } = own ?? {};
  const isStrict = context.isOwn ? strict !== undefined : strict === true;
  return {
    name,
    ...(description !== undefined && (context.isOwn || description.trim() !== '') && { description }),
    input_schema: context.isOwn ? parameters : writeSchema(parameters),
    ...(isStrict && { strict }),
    ...further,
    ...writeCache(cache, original, context),
  };
}

/** The schema must say that it is one of an object. */
function writeSchema(parameters: unknown): JsonObject {
  const schema = isObject(parameters) ? parameters : {};
  return schema['type'] === undefined ? { type: 'object', ...schema } : schema;
}

/** The type of a tool of another format that is no function. Gemini has no types: there the name is the key. */
function foreignTypeOf({ name, ext = {} }: ToolDefinition): string | undefined {
  for (const fields of Object.values(ext)) {
    const { type } = fields;
    if (typeof type === 'string' && type !== 'function') return type;
    if (isObject(fields[name])) return name;
  }
  return undefined;
}

type Choice = Pick<ChatSettings, 'toolChoice' | 'parallelToolCalls'>;

/** `tool_choice` of a client that spoke this format: what it said, unless a step changed it. */
export function writeOwnChoice(
  { toolChoice, parallelToolCalls }: ChatSettings,
  original: unknown,
): JsonObject | undefined {
  const choice = pickChoice(toolChoice, parallelToolCalls);
  if (isObject(original) && sameJson(readToolChoice(original), choice)) return original;
  return writeToolChoice(choice);
}

/**
 * The same for a client of another format. Without tools there is nothing to choose; a model that thinks can't be made to
 * call one; and of several allowed ones the format can only say that it must be one.
 */
export function writeChoice(
  { toolChoice, parallelToolCalls }: ChatSettings,
  tools: readonly JsonObject[],
  thinks: boolean,
  { run }: WriteContext,
): JsonObject | undefined {
  const isForced = isForcing(toolChoice);
  if (tools.length === 0) {
    if (isForced) run.lose('request.tool_choice');
    return undefined;
  }
  const isUnknown = typeof toolChoice === 'object' && 'name' in toolChoice && !hasTool(tools, toolChoice.name);
  if ((isForced && thinks) || isUnknown) {
    run.lose('request.tool_choice');
    return writeToolChoice(pickChoice(undefined, parallelToolCalls));
  }
  if (typeof toolChoice === 'object' && 'allowed' in toolChoice) run.lose('request.tool_choice');
  return writeToolChoice(pickChoice(toolChoice, parallelToolCalls));
}

function pickChoice(toolChoice: Choice['toolChoice'], parallelToolCalls: boolean | undefined): Choice {
  return {
    ...(toolChoice !== undefined && { toolChoice }),
    ...(parallelToolCalls !== undefined && { parallelToolCalls }),
  };
}

function isForcing(choice: Choice['toolChoice']): boolean {
  if (typeof choice !== 'object') return choice === 'required';
  return 'name' in choice || choice.mode === 'required';
}

function hasTool(tools: readonly JsonObject[], name: string): boolean {
  return tools.some((tool) => tool['name'] === name);
}
