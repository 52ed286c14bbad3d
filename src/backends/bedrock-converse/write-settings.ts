import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { reasoningBudget, reasoningEffort } from '../../kernel/dialects/reasoning-effort.ts';
import type { LossName } from '../../kernel/losses.ts';
import type { ChatSettings } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { ModelFamily } from './model-family.ts';

/** The least that Anthropic models take. */
const minThinkingTokens = 1_024;
/** Tokens for the answer beside its reasoning, where the request sets no limit. */
const answerTokens = 4_096;

export interface SettingOptions {
  readonly family: ModelFamily;
  /** How reasoning is asked for from Anthropic models. */
  readonly thinking: 'budget' | 'effort';
  readonly structuredOutput: boolean;
  /** Fields of the model that the definition sets, and the client for it. */
  readonly additional: JsonObject;
  /** False for a conversation that Anthropic models don't go on with while they have a budget for thinking. */
  readonly canThink: boolean;
}

interface WrittenSettings {
  readonly inferenceConfig: JsonObject | undefined;
  readonly additional: JsonObject;
  readonly outputConfig: JsonObject | undefined;
}

type Lose = Run['lose'];

/** Settings that no model takes through this format. */
const unsayable = [
  ['seed', 'seed'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['user', 'user'],
] as const;

/**
 * The settings, in the common fields and in those of the model. What the client asks for goes over what the definition
 * sets for the model.
 */
export function writeSettings(settings: ChatSettings, options: SettingOptions, lose: Lose): WrittenSettings {
  for (const [name, word] of unsayable) if (settings[name] !== undefined) lose(`request.${word}`);
  if ((settings.choices ?? 1) > 1) lose('request.choices');
  const reasoning = writeReasoning(settings, options, lose);
  const additional = keepThinking({ ...options.additional, ...reasoning.additional }, options, () =>
    lose(lossOfReasoning(settings)),
  );
  const thinks = options.family === 'anthropic' && isThinking(additional['thinking']);
  const maxTokens = (thinks ? reasoning.maxTokens : undefined) ?? settings.maxOutputTokens;
  const inferenceConfig = {
    ...(maxTokens !== undefined && { maxTokens }),
    ...writeSampling(settings, thinks, lose),
    ...(settings.stop !== undefined && settings.stop.length > 0 && { stopSequences: settings.stop }),
  };
  return {
    inferenceConfig: orNothing(inferenceConfig),
    additional: mergeFields(additional, writeTopK(settings, options.family, thinks, lose)),
    outputConfig: writeResponseFormat(settings, options, lose),
  };
}

/** Reasoning of Anthropic models excludes a temperature and `top_k`, and leaves little room for `top_p`. */
function writeSampling({ temperature, topP }: ChatSettings, thinks: boolean, lose: Lose): JsonObject {
  const keepsTemperature = temperature !== undefined && !(thinks && temperature !== 1);
  const keepsTopP = topP !== undefined && !(thinks && topP < 0.95);
  const clamped = temperature === undefined ? undefined : Math.min(1, Math.max(0, temperature));
  if (temperature !== undefined && (!keepsTemperature || clamped !== temperature)) lose('request.temperature');
  if (topP !== undefined && !keepsTopP) lose('request.top_p');
  return { ...(keepsTemperature && { temperature: clamped }), ...(keepsTopP && { topP }) };
}

function writeTopK({ topK }: ChatSettings, family: ModelFamily, thinks: boolean, lose: Lose): JsonObject {
  if (topK === undefined) return {};
  if (family === 'anthropic' && !thinks) return { top_k: topK };
  if (family === 'nova') return { inferenceConfig: { topK } };
  lose('request.top_k');
  return {};
}

interface WrittenReasoning {
  readonly additional: JsonObject;
  /** The limit of output tokens, where reasoning changes it. */
  readonly maxTokens?: number;
}

function writeReasoning(settings: ChatSettings, options: SettingOptions, lose: Lose): WrittenReasoning {
  if (settings.reasoningBudget === undefined && settings.reasoningEffort === undefined) return { additional: {} };
  const effort = reasoningEffort(settings);
  const budget = reasoningBudget(settings);
  const isOff = budget === 0 || effort === 'none';
  switch (options.family) {
    case 'anthropic':
      if (isOff)
        return { additional: isThinking(options.additional['thinking']) ? { thinking: { type: 'disabled' } } : {} };
      return options.thinking === 'effort'
        ? writeAdaptiveThinking(effort, options, lose)
        : writeThinkingBudget(settings, budget, lose);
    case 'nova':
      if (isOff) return { additional: { reasoningConfig: { type: 'disabled' } } };
      return { additional: { reasoningConfig: { type: 'enabled', maxReasoningEffort: threeSteps(effort) } } };
    case 'openai':
      if (!isOff) return { additional: { reasoning_effort: threeSteps(effort) } };
      break;
    case 'other':
      if (isOff) return { additional: {} };
  }
  lose(lossOfReasoning(settings));
  return { additional: {} };
}

/** The setting with which the client asked. */
function lossOfReasoning({ reasoningBudget: budget }: ChatSettings): LossName {
  return budget === undefined ? 'request.reasoning_effort' : 'request.reasoning_budget';
}

function writeAdaptiveThinking(
  effort: string | undefined,
  { additional }: SettingOptions,
  lose: Lose,
): WrittenReasoning {
  if (effort === undefined) lose('request.reasoning_budget');
  const { output_config: outputConfig } = additional;
  return {
    additional: {
      thinking: { type: 'adaptive' },
      ...(effort !== undefined && {
        output_config: { ...(isObject(outputConfig) && outputConfig), effort: effort === 'minimal' ? 'low' : effort },
      }),
    },
  };
}

/** The limit of output tokens holds for reasoning and answer together, so the budget stays below it. */
function writeThinkingBudget(settings: ChatSettings, budget: number | undefined, lose: Lose): WrittenReasoning {
  const { maxOutputTokens: limit } = settings;
  if (budget === undefined || (limit !== undefined && limit <= minThinkingTokens)) {
    lose(lossOfReasoning(settings));
    return { additional: {} };
  }
  const tokens = Math.max(minThinkingTokens, limit === undefined ? budget : Math.min(budget, limit - 1));
  return {
    additional: { thinking: { type: 'enabled', budget_tokens: tokens } },
    maxTokens: limit ?? tokens + answerTokens,
  };
}

/** The definition may ask for thinking too. */
function keepThinking(additional: JsonObject, { family, canThink }: SettingOptions, lose: () => void): JsonObject {
  const { thinking, ...rest } = additional;
  const hasBudget = family === 'anthropic' && isObject(thinking) && thinking['type'] === 'enabled';
  if (!hasBudget || canThink) return additional;
  lose();
  return rest;
}

/** A word for the models that know three. */
function threeSteps(effort: string | undefined): string {
  if (effort === 'minimal') return 'low';
  return effort === 'xhigh' || effort === 'max' ? 'high' : (effort ?? 'medium');
}

function writeResponseFormat(
  { responseFormat }: ChatSettings,
  { structuredOutput }: SettingOptions,
  lose: Lose,
): JsonObject | undefined {
  if (responseFormat === undefined || responseFormat.type === 'text') return undefined;
  if (responseFormat.type !== 'json_schema' || !structuredOutput || responseFormat.schema === undefined) {
    lose('request.response_format');
    return undefined;
  }
  const { name, schema, description } = responseFormat;
  // The format is always strict; the schema is sent as text.
  const jsonSchema = { schema: JSON.stringify(schema), name, ...(description !== undefined && { description }) };
  return { textFormat: { type: 'json_schema', structure: { jsonSchema } } };
}

function isThinking(thinking: unknown): boolean {
  return isObject(thinking) && (thinking['type'] === 'enabled' || thinking['type'] === 'adaptive');
}

/** Fields of both; where both have an object its fields too. */
export function mergeFields(base: JsonObject, over: JsonObject): JsonObject {
  const merged: Record<string, unknown> = { ...base };
  for (const [name, value] of Object.entries(over)) {
    const known = merged[name];
    merged[name] = isObject(known) && isObject(value) ? { ...known, ...value } : value;
  }
  return merged;
}
