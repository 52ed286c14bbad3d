import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { RequestLoss } from '../../kernel/losses.ts';
import { reasoningBudget } from '../../kernel/dialects/reasoning-effort.ts';
import type { ChatSettings } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

/** Bounds of the API. What lies beyond is moved to them, where it then means nearly the same. */
const bounds = {
  temperature: [0, 1],
  p: [0.01, 0.99],
  k: [0, 500],
  penalty: [0, 1],
} as const;
const maxStopSequences = 5;
/** Most tokens of thinking that leave room for an answer; what the API's own guide advises. */
const maxThinkingTokens = 31_000;

/** The settings as fields of a body, in a fixed order; what can't be said in it is named as lost. */
export function writeSettings(settings: ChatSettings, run: Run): JsonObject {
  const { temperature, topP, topK, seed, stop, maxOutputTokens } = settings;
  const within = (value: number, [least, most]: readonly [number, number], name: RequestLoss): number => {
    if (value < least || value > most) run.lose(`request.${name}`);
    return Math.min(most, Math.max(least, value));
  };
  // A penalty below 0 is a reward, and the API knows none.
  const penalty = (value: number | undefined, name: RequestLoss): number | undefined =>
    value === undefined || value < 0 ? lost(value, name, run) : within(value, bounds.penalty, name);
  const usableSeed = seed === undefined || seed >= 0 ? seed : lost(seed, 'seed', run);
  const frequency = penalty(settings.frequencyPenalty, 'frequency_penalty');
  const presence = penalty(settings.presencePenalty, 'presence_penalty');
  const format = writeFormat(settings.responseFormat, run);
  const thinking = writeThinking(settings, run);
  loseOthers(settings, run);
  if (stop !== undefined && stop.length > maxStopSequences) run.lose('request.stop');
  return {
    ...(maxOutputTokens !== undefined && { max_tokens: maxOutputTokens }),
    ...(temperature !== undefined && { temperature: within(temperature, bounds.temperature, 'temperature') }),
    ...(topP !== undefined && { p: within(topP, bounds.p, 'top_p') }),
    ...(topK !== undefined && { k: within(topK, bounds.k, 'top_k') }),
    ...(stop !== undefined && stop.length > 0 && { stop_sequences: stop.slice(0, maxStopSequences) }),
    ...(usableSeed !== undefined && { seed: usableSeed }),
    ...(frequency !== undefined && { frequency_penalty: frequency }),
    ...(presence !== undefined && { presence_penalty: presence }),
    ...(format !== undefined && { response_format: format }),
    ...(thinking !== undefined && { thinking }),
  };
}

function lost(value: unknown, name: RequestLoss, run: Run): undefined {
  if (value !== undefined) run.lose(`request.${name}`);
  return undefined;
}

function writeFormat(format: ChatSettings['responseFormat'], run: Run): JsonObject | undefined {
  if (format === undefined) return undefined;
  if (format.type !== 'json_schema') return { type: format.type === 'json' ? 'json_object' : 'text' };
  if (format.description !== undefined) run.lose('request.response_format.description');
  return { type: 'json_object', ...(format.schema !== undefined && { json_schema: format.schema }) };
}

/** Only where it was asked for: models without thinking refuse the field. */
function writeThinking(settings: ChatSettings, run: Run): JsonObject | undefined {
  const { reasoningEffort: effort, reasoningBudget: given, showReasoning } = settings;
  if (effort === undefined && given === undefined) return showReasoning === true ? { type: 'enabled' } : undefined;
  const budget = reasoningBudget(settings);
  if (budget === undefined) run.lose('request.reasoning_effort');
  if (budget === 0) return { type: 'disabled' };
  return {
    type: 'enabled',
    ...(budget !== undefined && { token_budget: given ?? Math.min(maxThinkingTokens, budget) }),
  };
}

function loseOthers({ choices = 1, parallelToolCalls, user }: ChatSettings, run: Run): void {
  if (choices > 1) run.lose('request.choices');
  if (parallelToolCalls === false) run.lose('request.parallel_tool_calls');
  if (user !== undefined) run.lose('request.user');
}
