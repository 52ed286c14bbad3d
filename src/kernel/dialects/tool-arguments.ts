import { isObject, type JsonObject } from '../json/json-value.ts';

/**
 * The arguments of a tool call as an object, for the formats that hold objects. No text is no arguments. Undefined for
 * text that is no JSON object: what a model wrote wrongly, and its client sends back.
 */
export function objectOfArguments(json: string | undefined): JsonObject | undefined {
  if (json === undefined || json.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(json);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
