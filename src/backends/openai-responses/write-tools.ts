import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { extensionOf } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ToolDefinition } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

/** What a function without parameters takes. */
const noParameters = { type: 'object', properties: {} };

/** The tools in the format. Those that only the provider of another format has are left out, with their name. */
export function writeTools(tools: readonly ToolDefinition[], isOwn: boolean, run: Run): readonly JsonObject[] {
  return tools.flatMap((tool) => {
    const written = writeTool(tool, isOwn);
    if (written === undefined) run.lose('request.server_tools');
    return written === undefined ? [] : [written];
  });
}

function writeTool(tool: ToolDefinition, isOwn: boolean): JsonObject | undefined {
  const extension = extensionOf(tool);
  const { type } = extension ?? {};
  const { name, description } = tool;
  const described = { name, ...(description !== undefined && { description }) };
  if (type === 'custom') return { ...extension, ...described };
  if (type !== undefined) return extension;
  if (isOwn) return writeFunction(tool, extension);
  const format = formatOfChat(tool);
  if (format !== undefined) return { type: 'custom', ...described, ...format };
  if (isForeignTool(tool)) return undefined;
  // Without a word about it this format takes a function to be strict.
  return writeFunction(
    { ...tool, parameters: tool.parameters ?? noParameters, strict: tool.strict ?? false },
    extension,
  );
}

function writeFunction({ name, description, parameters, strict }: ToolDefinition, rest: JsonObject = {}): JsonObject {
  return {
    ...rest,
    type: 'function',
    name,
    ...(description !== undefined && { description }),
    ...(parameters !== undefined && { parameters }),
    ...(strict !== undefined && { strict }),
  };
}

/** True for what is no function and has a form in another format only. */
function isForeignTool({ ext = {}, parameters, providerExecuted }: ToolDefinition): boolean {
  if (providerExecuted === true) return true;
  return parameters === undefined && Object.values(ext).some(({ type }) => type !== undefined && type !== 'function');
}

/** The grammar of a custom tool of a chat completion, which has it a level deeper; undefined for another tool. */
function formatOfChat({ ext }: ToolDefinition): JsonObject | undefined {
  const { type, custom } = ext?.[openaiChat] ?? {};
  if (type !== 'custom' || !isObject(custom)) return undefined;
  const { format } = custom;
  if (!isObject(format)) return {};
  const { grammar, ...rest } = format;
  return { format: { ...rest, ...(isObject(grammar) && grammar) } };
}

/** A choice of tools by name: a custom tool is named as one. */
export function writeToolChoice(choice: JsonObject, tools: readonly ToolDefinition[]): JsonObject {
  const custom = new Set(tools.filter(isCustom).map(({ name }) => name));
  const named = (entry: unknown): unknown =>
    isObject(entry) && entry['type'] === 'function' && typeof entry['name'] === 'string' && custom.has(entry['name'])
      ? { ...entry, type: 'custom' }
      : entry;
  const { tools: allowed } = choice;
  if (choice['type'] === 'allowed_tools' && Array.isArray(allowed)) return { ...choice, tools: allowed.map(named) };
  return named(choice) as JsonObject;
}

function isCustom(tool: ToolDefinition): boolean {
  return extensionOf(tool)?.['type'] === 'custom' || formatOfChat(tool) !== undefined;
}
