import { anthropicMessages } from '../../kernel/dialects/anthropic-messages-fields.ts';
import {
  checkBoolean,
  checkFilled,
  checkList,
  checkObject,
  checkString,
  refuse,
} from '../../kernel/dialects/field-check.ts';
import { checkJsonSchema } from '../../kernel/json/json-schema-check.ts';
import { filledString, isPresent, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ToolDefinition } from '../../kernel/request.ts';
import { marked, readCache } from './read-block.ts';

const toolFields = new Set(['name', 'description', 'input_schema', 'strict', 'cache_control']);

/** The tools of the client, and those that the provider runs itself, which are kept whole. Throws REQUEST_INVALID. */
export function readTools(value: unknown): readonly ToolDefinition[] {
  if (value === undefined || value === null) return [];
  const tools = checkList(value, 'tools').map((item, index) =>
    readTool(checkObject(item, `tools[${index}]`), `tools[${index}]`),
  );
  const names = new Set<string>();
  for (const [index, { name }] of tools.entries()) {
    if (names.has(name)) refuse(`tools[${index}].name`, `there is a tool "${name.slice(0, 64)}" already`);
    names.add(name);
  }
  return tools;
}

function readTool(tool: JsonObject, place: string): ToolDefinition {
  const { type, description, strict, input_schema: schema } = tool;
  const word = isPresent(type) ? checkString(type, `${place}.type`) : 'custom';
  if (word !== 'custom') return readServerTool(word, tool);
  const name = checkFilled(tool['name'], `${place}.name`);
  checkJsonSchema(schema, `${place}.input_schema`);
  return {
    name,
    ...(isPresent(description) && { description: checkString(description, `${place}.description`) }),
    parameters: schema,
    ...(isPresent(strict) && { strict: checkBoolean(strict, `${place}.strict`) }),
    ...marked(tool, toolFields),
  };
}

/** Sets of tools have no name of their own, but that of the server they come from. */
function readServerTool(type: string, tool: JsonObject): ToolDefinition {
  const { cache } = readCache(tool);
  const server = filledString(tool['mcp_server_name']);
  return {
    name: filledString(tool['name']) ?? (server === undefined ? type : `${type} ${server}`),
    providerExecuted: true,
    ...(cache && { cache }),
    ext: { [anthropicMessages]: tool },
  };
}
