import { checkFilled, checkObject, checkString, refuse } from '../../kernel/dialects/field-check.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { readGeminiSchema } from '../../kernel/dialects/gemini-schema.ts';
import { furtherFields, member, repeated, type Member } from '../../kernel/dialects/gemini-spelling.ts';
import { checkJsonSchema } from '../../kernel/json/json-schema-check.ts';
import { orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ToolDefinition } from '../../kernel/request.ts';

const declarations: ReadonlySet<string> = new Set(['functionDeclarations']);
const readHere: ReadonlySet<string> = new Set(['name', 'description', 'parameters', 'parametersJsonSchema']);

/** `tools`: functions, and the tools that Google runs, each as one tool whose name is the key. */
export function readTools(tools: Member): readonly ToolDefinition[] {
  return repeated(tools).flatMap((entry, index) => {
    const place = `${tools.field}[${index}]`;
    const tool = checkObject(entry, place);
    const listed = member(tool, 'functionDeclarations', place);
    const functions = repeated(listed).map((item, position) => readFunction(item, `${listed.field}[${position}]`));
    const others = Object.entries(furtherFields(tool, declarations) ?? {});
    return [
      ...functions,
      ...others.map(([name, value]) => ({ name, providerExecuted: true, ext: { [gemini]: { [name]: value } } })),
    ];
  });
}

function readFunction(value: unknown, place: string): ToolDefinition {
  const declaration = checkObject(value, place);
  const name = member(declaration, 'name', place);
  const description = member(declaration, 'description', place);
  const schema = readParameters(declaration, place);
  const further = orNothing({ ...furtherFields(declaration, readHere), ...schema.original });
  return {
    name: checkFilled(name.value, name.field),
    ...(description.value !== undefined && { description: checkString(description.value, description.field) }),
    ...(schema.parameters !== undefined && { parameters: schema.parameters }),
    ...(further && { ext: { [gemini]: { functionDeclarations: further } } }),
  };
}

/** A schema of Gemini's own kind becomes JSON Schema, and stays beside it as it was. */
function readParameters(declaration: JsonObject, place: string): { parameters?: unknown; original?: JsonObject } {
  const own = member(declaration, 'parameters', place);
  const json = member(declaration, 'parametersJsonSchema', place);
  if (own.value !== undefined) {
    if (json.value !== undefined) refuse(json.field, 'it can only be set where parameters is not');
    return { parameters: readGeminiSchema(own.value, own.field), original: { parameters: own.value } };
  }
  if (json.value === undefined) return {};
  checkJsonSchema(json.value, json.field);
  return { parameters: json.value };
}
