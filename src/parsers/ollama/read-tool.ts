import { checkFilled, checkObject, checkString, refuse } from '../../kernel/dialects/field-check.ts';
import { checkJsonSchema } from '../../kernel/json/json-schema-check.ts';
import { isPresent, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { ollama } from '../../kernel/dialects/ollama-fields.ts';
import type { ToolDefinition } from '../../kernel/request.ts';

const toolFields = new Set(['type', 'function']);
const functionFields = new Set(['name', 'description', 'parameters']);

/** One entry of `tools`. */
export function readTool(tool: JsonObject, place: string): ToolDefinition {
  const { type } = tool;
  if (type !== undefined && type !== null && checkString(type, `${place}.type`) !== 'function')
    refuse(`${place}.type`, `expected "function", got "${checkString(type, `${place}.type`).slice(0, 64)}"`);
  const inner = checkObject(tool['function'], `${place}.function`);
  const { description, parameters } = inner;
  const name = checkFilled(inner['name'], `${place}.function.name`);
  if (isPresent(parameters)) checkJsonSchema(parameters, `${place}.function.parameters`);
  const unknownInner = otherFields(inner, functionFields);
  const unknown = { ...otherFields(tool, toolFields), ...(unknownInner && { function: unknownInner }) };
  return {
    name,
    ...(isPresent(description) && { description: checkString(description, `${place}.function.description`) }),
    ...(isPresent(parameters) && { parameters }),
    ...(orNothing(unknown) && { ext: { [ollama]: unknown } }),
  };
}
