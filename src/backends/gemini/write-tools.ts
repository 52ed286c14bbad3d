import { refuse } from '../../kernel/dialects/field-check.ts';
import { extensionOf, gemini } from '../../kernel/dialects/gemini-fields.ts';
import { readGeminiSchema } from '../../kernel/dialects/gemini-schema.ts';
import { isObject, level, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ToolDefinition } from '../../kernel/request.ts';
import type { Lose } from './write-settings.ts';

/** The tools of a request in the format, and whether a function is among them. */
export interface WrittenTools {
  readonly tools: readonly JsonObject[] | undefined;
  readonly hasFunctions: boolean;
}

/**
 * `tools`: neighbouring functions are one entry, each tool that Google runs is one. Tools that another provider runs are
 * left out; a tool of another kind that the client would have to run is refused.
 */
export function writeTools(tools: readonly ToolDefinition[], lose: Lose): WrittenTools {
  const entries: JsonObject[] = [];
  let functions: JsonObject[] | undefined;
  let hasFunctions = false;
  for (const [index, tool] of tools.entries()) {
    const extension = extensionOf(tool);
    if (extension !== undefined && extension['functionDeclarations'] === undefined) {
      entries.push(extension);
      functions = undefined;
      continue;
    }
    if (isForeign(tool, `tools[${index}]`)) {
      lose('server_tools');
      continue;
    }
    if (functions === undefined) entries.push({ functionDeclarations: (functions = []) });
    functions.push(writeFunction(tool, level(extension, 'functionDeclarations') ?? {}, lose));
    hasFunctions = true;
  }
  return { tools: entries.length > 0 ? entries : undefined, hasFunctions };
}

/** True for a tool that another provider runs. */
function isForeign({ ext = {}, parameters, providerExecuted }: ToolDefinition, place: string): boolean {
  if (providerExecuted === true || parameters !== undefined) return providerExecuted === true;
  for (const [dialect, { type }] of Object.entries(ext)) {
    if (dialect === gemini || type === undefined || type === 'function') continue;
    if (type === 'custom') refuse(place, 'this backend has no custom tools, only functions');
    return true;
  }
  return false;
}

function writeFunction(tool: ToolDefinition, further: JsonObject, lose: Lose): JsonObject {
  const { name, description, parameters, strict } = tool;
  const { parameters: own, ...rest } = further;
  if (strict === true) lose('tools.strict');
  const isKept = isObject(own) && sameJson(readGeminiSchema(own, 'parameters'), parameters);
  return {
    name,
    ...(description !== undefined && { description }),
    ...(isKept ? { parameters: own } : parameters !== undefined && { parametersJsonSchema: parameters }),
    ...rest,
  };
}
