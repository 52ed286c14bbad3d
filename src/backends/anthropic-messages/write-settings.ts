import {
  minThinkingBudget,
  readOutput,
  readThinking,
  writeThinking,
} from '../../kernel/dialects/anthropic-messages-settings.ts';
import { level, orNothing, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { reasoningBudget, reasoningEffort } from '../../kernel/dialects/reasoning-effort.ts';
import type { LossName } from '../../kernel/losses.ts';
import type { ChatSettings } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

/** Least share of `top_p` that the API takes while the model thinks. */
const minThinkingTopP = 0.95;

export interface SettingOptions {
  /** Tokens for the answer where the client sets no limit: the API demands one. */
  readonly defaultMaxTokens: number;
  /** How thinking is asked for. */
  readonly thinking: 'budget' | 'adaptive';
  /** Which settings of sampling the model takes: `temperature` or `top_p`, both at once, or none. */
  readonly sampling: 'one' | 'both' | 'none';
}

type Lose = Run['lose'];

/** Settings that the format has no word for, by the name of their loss. */
const unsayable: readonly (readonly [keyof ChatSettings, LossName])[] = [
  ['seed', 'request.seed'],
  ['presencePenalty', 'request.presence_penalty'],
  ['frequencyPenalty', 'request.frequency_penalty'],
];

/** Limits, thinking and sampling of a client that spoke this format: what it said, unless a step changed it. */
export function writeOwnSettings(settings: ChatSettings, extension: JsonObject, options: SettingOptions): JsonObject {
  const { maxOutputTokens, temperature, topP, topK, stop, reasoningBudget: budget, showReasoning } = settings;
  const said = {
    ...(budget !== undefined && { reasoningBudget: budget }),
    ...(showReasoning !== undefined && { showReasoning }),
  };
  const { thinking: original } = extension;
  const thinking = original !== undefined && sameJson(readThinking(original), said) ? original : writeThinking(said);
  return {
    max_tokens: maxOutputTokens ?? options.defaultMaxTokens,
    ...(thinking !== undefined && { thinking }),
    ...writeOwnOutput(settings, extension),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { top_p: topP }),
    ...(topK !== undefined && { top_k: topK }),
    ...(stop !== undefined && stop.length > 0 && { stop_sequences: stop }),
  };
}

/** `output_config`, and the older `output_format` where the client used that one. */
function writeOwnOutput({ reasoningEffort: effort, responseFormat }: ChatSettings, extension: JsonObject): JsonObject {
  const { output_format: older } = extension;
  const isOlder = older !== undefined && sameJson(readOutput({ output_format: older }).responseFormat, responseFormat);
  const format = isOlder ? undefined : writeFormat(responseFormat);
  const further = level(extension, 'output_config');
  const output = {
    ...further,
    ...(effort !== undefined && { effort }),
    ...(format && { format: { ...format, ...level(further, 'format') } }),
  };
  return { ...(orNothing(output) && { output_config: output }), ...(isOlder && { output_format: older }) };
}

function writeFormat(format: ChatSettings['responseFormat']): JsonObject | undefined {
  return format?.type === 'json_schema' && format.schema !== undefined
    ? { type: 'json_schema', schema: format.schema }
    : undefined;
}

interface WrittenSettings {
  readonly body: JsonObject;
  /** The model thinks: then it can't be made to call a tool. */
  readonly thinks: boolean;
}

/**
 * The same for a client of another format, within the bounds of the API. `canThink` is false for a conversation in which
 * the API allows no thinking.
 */
export function writeSettings(
  settings: ChatSettings,
  options: SettingOptions,
  canThink: boolean,
  lose: Lose,
): WrittenSettings {
  for (const [name, loss] of unsayable)
    if ((settings[name] ?? 0) !== 0 || (name === 'seed' && settings.seed === 0)) lose(loss);
  if ((settings.choices ?? 1) > 1) lose('request.choices');
  const { thinking, effort, maxTokens } = writeReasoning(settings, options, canThink, lose);
  const thinks = thinking !== undefined && thinking['type'] !== 'disabled';
  const format = writeForeignFormat(settings, lose);
  const output = { ...(effort !== undefined && { effort }), ...(format && { format }) };
  const stop = writeStop(settings, lose);
  return {
    thinks,
    body: {
      max_tokens: maxTokens,
      ...(thinking && { thinking }),
      ...(orNothing(output) && { output_config: output }),
      ...writeSampling(settings, options.sampling, thinks, lose),
      ...(stop.length > 0 && { stop_sequences: stop }),
    },
  };
}

interface WrittenReasoning {
  readonly thinking?: JsonObject;
  readonly effort?: string;
  readonly maxTokens: number;
}

function writeReasoning(
  settings: ChatSettings,
  options: SettingOptions,
  canThink: boolean,
  lose: Lose,
): WrittenReasoning {
  const { maxOutputTokens: limit, showReasoning } = settings;
  const budget = reasoningBudget(settings);
  const effort = reasoningEffort(settings);
  const none = { maxTokens: limit ?? options.defaultMaxTokens };
  if (budget === undefined && effort === undefined) return none;
  if (budget === 0) return { ...none, thinking: { type: 'disabled' } };
  if (options.thinking === 'adaptive') {
    const display = showReasoning === undefined ? {} : { display: showReasoning ? 'summarized' : 'omitted' };
    return {
      thinking: { type: 'adaptive', ...display },
      ...(effort !== undefined && { effort: effort === 'minimal' ? 'low' : effort }),
      maxTokens: limit ?? options.defaultMaxTokens + (budget ?? 0),
    };
  }
  const tokens = budget === undefined || !canThink ? undefined : thinkingTokens(budget, limit);
  if (tokens === undefined) {
    lose(settings.reasoningBudget === undefined ? 'request.reasoning_effort' : 'request.reasoning_budget');
    return none;
  }
  if (settings.reasoningBudget !== undefined && tokens !== settings.reasoningBudget) lose('request.reasoning_budget');
  const thinking = writeThinking({ reasoningBudget: tokens, ...(showReasoning !== undefined && { showReasoning }) });
  return { ...(thinking && { thinking }), maxTokens: limit ?? tokens + options.defaultMaxTokens };
}

/** The limit holds for thinking and answer together, so a budget that fills it is lowered to leave a quarter for the answer. */
function thinkingTokens(budget: number, limit: number | undefined): number | undefined {
  const wanted = Math.max(minThinkingBudget, budget);
  if (limit === undefined || wanted < limit) return wanted;
  return limit <= minThinkingBudget ? undefined : Math.max(minThinkingBudget, Math.floor(limit * 0.75));
}

/** The API knows a temperature up to 1 only, and while the model thinks no temperature, no `top_k` and little of `top_p`. */
function writeSampling(
  { temperature, topP, topK }: ChatSettings,
  sampling: SettingOptions['sampling'],
  thinks: boolean,
  lose: Lose,
): JsonObject {
  const heat = temperature === undefined ? undefined : Math.min(1, Math.max(0, temperature));
  const isNone = sampling === 'none';
  const keepsHeat = heat !== undefined && !isNone && (!thinks || heat === 1);
  const keepsTopP =
    topP !== undefined && !isNone && !(thinks && topP < minThinkingTopP) && !(keepsHeat && sampling === 'one');
  const keepsTopK = topK !== undefined && !isNone && !thinks;
  if (temperature !== undefined && (temperature !== heat || (!keepsHeat && temperature !== 1)))
    lose('request.temperature');
  if (topP !== undefined && !keepsTopP && topP !== 1) lose('request.top_p');
  if (topK !== undefined && !keepsTopK) lose('request.top_k');
  return {
    ...(keepsHeat && { temperature: heat }),
    ...(keepsTopP && { top_p: topP }),
    ...(keepsTopK && { top_k: topK }),
  };
}

/** Sequences without anything but blanks are refused. */
function writeStop({ stop = [] }: ChatSettings, lose: Lose): readonly string[] {
  const taken = stop.filter((sequence) => sequence.trim() !== '');
  if (taken.length < stop.length) lose('request.stop');
  return taken;
}

/** The format is always strict, and it has no JSON without a schema. */
function writeForeignFormat({ responseFormat }: ChatSettings, lose: Lose): JsonObject | undefined {
  if (responseFormat === undefined || responseFormat.type === 'text') return undefined;
  const format = writeFormat(responseFormat);
  if (format === undefined) lose('request.response_format');
  else if (responseFormat.type === 'json_schema' && responseFormat.description !== undefined)
    lose('request.response_format.description');
  return format;
}
