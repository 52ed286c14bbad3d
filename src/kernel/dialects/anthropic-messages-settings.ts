import {
  checkBoolean,
  checkInteger,
  checkList,
  checkNumber,
  checkObject,
  checkString,
  checkWord,
  refuse,
} from './field-check.ts';
import { checkJsonSchema } from '../json/json-schema-check.ts';
import { isPresent, orNothing, otherFields, sameJson, type JsonObject } from '../json/json-value.ts';
import type { ChatSettings } from '../request.ts';

/** Fields of a body that `readSettings` reads. Of them only its `originals` are kept as the client wrote them. */
export const settingNames: readonly string[] = [
  'max_tokens',
  'temperature',
  'top_p',
  'top_k',
  'stop_sequences',
  'thinking',
  'output_config',
  'output_format',
  'tool_choice',
];

type Part<N extends keyof ChatSettings> = Pick<ChatSettings, N>;

/** Least tokens of a thinking budget. */
export const minThinkingBudget = 1_024;
/** The format names no schema, other formats must. */
const schemaName = 'answer';
const formatFields = new Set(['type', 'schema']);
const outputFields = new Set(['effort', 'format']);

/**
 * Reads the unified settings of a body. `originals` are fields for `ext`: `thinking`, `tool_choice` and `output_format`
 * whole, where the settings don't say all that they say, and of `output_config` what has no unified name. Null is absence.
 * Throws REQUEST_INVALID.
 */
export function readSettings(body: JsonObject): { readonly settings: ChatSettings; readonly originals: JsonObject } {
  const { temperature, top_p: topP, top_k: topK, stop_sequences: stop } = body;
  const { thinking, tool_choice: toolChoice, output_config: outputConfig, output_format: outputFormat } = body;
  const reasoning = readThinking(thinking);
  const choice = readToolChoice(toolChoice);
  const output = readOutput(body);
  const furtherOutput = isPresent(outputConfig)
    ? furtherOfOutput(checkObject(outputConfig, 'output_config'))
    : undefined;
  return {
    settings: {
      maxOutputTokens: checkInteger(body['max_tokens'], 'max_tokens', 0),
      ...(isPresent(temperature) && { temperature: checkShare(temperature, 'temperature') }),
      ...(isPresent(topP) && { topP: checkShare(topP, 'top_p') }),
      ...(isPresent(topK) && { topK: checkInteger(topK, 'top_k', 0) }),
      ...readStop(stop),
      ...output,
      ...reasoning,
      ...choice,
    },
    originals: {
      ...(isPresent(thinking) && !sameJson(writeThinking(reasoning), thinking) && { thinking }),
      ...(furtherOutput && { output_config: furtherOutput }),
      ...(isPresent(outputFormat) && { output_format: outputFormat }),
      ...(isPresent(toolChoice) && !sameJson(writeToolChoice(choice), toolChoice) && { tool_choice: toolChoice }),
    },
  };
}

/**
 * What `thinking` says. `adaptive` and `between_tools` leave the amount to the model: only that the client wants to see
 * the thinking has a unified name.
 */
export function readThinking(value: unknown): Part<'reasoningBudget' | 'showReasoning'> {
  if (!isPresent(value)) return {};
  const thinking = checkObject(value, 'thinking');
  const type = checkWord(thinking['type'], ['enabled', 'disabled', 'adaptive', 'between_tools'], 'thinking.type');
  if (type === 'disabled') return { reasoningBudget: 0 };
  const { display } = thinking;
  if (isPresent(display)) checkString(display, 'thinking.display');
  const showReasoning = display !== 'omitted';
  if (type !== 'enabled') return { showReasoning };
  const budget = checkInteger(thinking['budget_tokens'], 'thinking.budget_tokens', minThinkingBudget);
  return { reasoningBudget: budget, showReasoning };
}

/** The `thinking` that says a budget, or undefined where there is none. */
export function writeThinking(settings: Part<'reasoningBudget' | 'showReasoning'>): JsonObject | undefined {
  const { reasoningBudget: budget, showReasoning } = settings;
  if (budget === undefined) return undefined;
  if (budget === 0) return { type: 'disabled' };
  return { type: 'enabled', budget_tokens: budget, ...(showReasoning === false && { display: 'omitted' }) };
}

export function readToolChoice(value: unknown): Part<'toolChoice' | 'parallelToolCalls'> {
  if (!isPresent(value)) return {};
  const choice = checkObject(value, 'tool_choice');
  const type = checkWord(choice['type'], ['auto', 'any', 'tool', 'none'], 'tool_choice.type');
  const { disable_parallel_tool_use: disabled } = choice;
  return {
    toolChoice: type === 'tool' ? { name: checkString(choice['name'], 'tool_choice.name') } : toolChoices[type],
    ...(isPresent(disabled) && {
      parallelToolCalls: !checkBoolean(disabled, 'tool_choice.disable_parallel_tool_use'),
    }),
  };
}

const toolChoices = { auto: 'auto', any: 'required', none: 'none' } as const;
const choiceWords = { auto: 'auto', required: 'any', none: 'none' } as const;

/** The `tool_choice` of the format; undefined where nothing is to be said. The format can't restrict a choice to some tools. */
export function writeToolChoice(settings: Part<'toolChoice' | 'parallelToolCalls'>): JsonObject | undefined {
  const { toolChoice, parallelToolCalls: parallel } = settings;
  if (toolChoice === undefined)
    return parallel === false ? { type: 'auto', disable_parallel_tool_use: true } : undefined;
  const choice =
    typeof toolChoice === 'string'
      ? { type: choiceWords[toolChoice] }
      : 'name' in toolChoice
        ? { type: 'tool', name: toolChoice.name }
        : { type: choiceWords[toolChoice.mode] };
  // There is nothing to run in parallel without a call.
  if (parallel === undefined || toolChoice === 'none') return choice;
  return { ...choice, disable_parallel_tool_use: !parallel };
}

/** What `output_config`, or the older `output_format`, says of effort and format. */
export function readOutput(body: JsonObject): Part<'reasoningEffort' | 'responseFormat'> {
  const { output_config: value, output_format: older } = body;
  const config = isPresent(value) ? checkObject(value, 'output_config') : {};
  const { effort, format } = config;
  const olderFormat = isPresent(older) ? readFormat(older, 'output_format') : undefined;
  const responseFormat = isPresent(format) ? readFormat(format, 'output_config.format') : olderFormat;
  return {
    ...(isPresent(effort) && { reasoningEffort: checkString(effort, 'output_config.effort') }),
    ...(responseFormat && { responseFormat }),
  };
}

function readFormat(value: unknown, field: string): NonNullable<ChatSettings['responseFormat']> {
  const format = checkObject(value, field);
  checkWord(format['type'], ['json_schema'], `${field}.type`);
  const { schema } = format;
  checkJsonSchema(schema, `${field}.schema`);
  return { type: 'json_schema', name: schemaName, schema };
}

function furtherOfOutput(config: JsonObject): JsonObject | undefined {
  const { format } = config;
  const furtherFormat = isPresent(format)
    ? otherFields(checkObject(format, 'output_config.format'), formatFields)
    : undefined;
  return orNothing({ ...otherFields(config, outputFields), ...(furtherFormat && { format: furtherFormat }) });
}

/** No stop sequences are the same as none given; other formats refuse an empty list. */
function readStop(value: unknown): Part<'stop'> {
  if (!isPresent(value)) return {};
  const stop = checkList(value, 'stop_sequences').map((item, index) => checkString(item, `stop_sequences[${index}]`));
  return stop.length > 0 ? { stop } : {};
}

function checkShare(value: unknown, field: string): number {
  const number = checkNumber(value, field);
  return number >= 0 && number <= 1 ? number : refuse(field, `expected 0 to 1, got ${number}`);
}
