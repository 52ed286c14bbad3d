import { checkBoolean, checkFilled, checkList, checkObject, checkString } from '../../kernel/dialects/field-check.ts';
import { checkJsonSchema } from '../../kernel/json/json-schema-check.ts';
import { filledString, isPresent, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ToolDefinition } from '../../kernel/request.ts';

const functionFields = ['name', 'description', 'parameters', 'strict'] as const;

/** The tools of a body. Built-in ones are kept whole, for a backend of this format. */
export function readTools(value: unknown): readonly ToolDefinition[] {
  return checkList(value, 'tools').map((tool, index) =>
    readTool(checkObject(tool, `tools[${index}]`), `tools[${index}]`),
  );
}

function readTool(tool: JsonObject, place: string): ToolDefinition {
  const type = checkString(tool['type'], `${place}.type`);
  if (type === 'function') return readFunction(tool, place);
  const { name, description } = tool;
  return {
    name: type === 'custom' ? checkFilled(name, `${place}.name`) : (filledString(name) ?? type),
    ...(typeof description === 'string' && { description }),
    ...(type !== 'custom' && { providerExecuted: true }),
    ext: { [openaiResponses]: tool },
  };
}

function readFunction(tool: JsonObject, place: string): ToolDefinition {
  const { description, parameters, strict } = tool;
  if (isPresent(parameters)) checkJsonSchema(parameters, `${place}.parameters`);
  // A null says nothing that has a name here, but the same request is to be written again.
  const said = functionFields.filter((field) => tool[field] !== null);
  const further = otherFields(tool, new Set(['type', ...said]));
  return {
    name: checkFilled(tool['name'], `${place}.name`),
    ...(isPresent(description) && { description: checkString(description, `${place}.description`) }),
    ...(isPresent(parameters) && { parameters }),
    ...(isPresent(strict) && { strict: checkBoolean(strict, `${place}.strict`) }),
    ...(further !== undefined && orNothing(further) && { ext: { [openaiResponses]: further } }),
  };
}
