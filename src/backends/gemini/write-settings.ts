import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { plainSettings, readGeminiSettings } from '../../kernel/dialects/gemini-settings.ts';
import { level, orNothing, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { RequestLoss } from '../../kernel/losses.ts';
import { reasoningBudget } from '../../kernel/dialects/reasoning-effort.ts';
import type { ChatRequest, ChatSettings } from '../../kernel/request.ts';
import type { ModelTraits } from './model-traits.ts';

/** Names what is left out of a request. */
export type Lose = (what: RequestLoss) => void;

const formatFields = ['responseMimeType', 'responseSchema', 'responseJsonSchema'];
const steps = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh'];

/** `generationConfig`: first the settings in a fixed order, then what the client said beside them, by name. */
export function writeGenerationConfig(
  request: ChatRequest,
  original: JsonObject,
  traits: ModelTraits,
  lose: Lose,
): JsonObject | undefined {
  const { settings } = request;
  const config: Record<string, unknown> = {};
  for (const [field, name] of plainSettings) if (settings[name] !== undefined) config[field] = settings[name];
  const thinking =
    request.dialect === gemini
      ? writeOwnThinking(settings, level(original, 'thinkingConfig') ?? {})
      : writeThinking(settings, traits, lose);
  const known = new Set([...plainSettings.map(([field]) => field), ...formatFields, 'thinkingConfig']);
  const further = Object.keys(original).filter((name) => !known.has(name));
  return orNothing({
    ...config,
    ...writeFormat(settings.responseFormat, original, lose),
    ...(thinking && { thinkingConfig: thinking }),
    ...Object.fromEntries(further.toSorted().map((name) => [name, original[name]])),
  });
}

/** The original form while it still says what the request says. */
function writeFormat(format: ChatSettings['responseFormat'], original: JsonObject, lose: Lose): JsonObject {
  const said = Object.fromEntries(
    formatFields.filter((field) => original[field] !== undefined).map((field) => [field, original[field]]),
  );
  if (orNothing(said) !== undefined && sameJson(readAgain({ generationConfig: said }).responseFormat, format))
    return said;
  if (format === undefined) return {};
  if (format.type !== 'json_schema')
    return { responseMimeType: format.type === 'text' ? 'text/plain' : 'application/json' };
  if (format.description !== undefined) lose('response_format.description');
  return {
    responseMimeType: 'application/json',
    ...(format.schema !== undefined && { responseJsonSchema: format.schema }),
  };
}

/** What a client of this format asked for, without a judgement of its model. */
function writeOwnThinking(settings: ChatSettings, original: JsonObject): JsonObject | undefined {
  const { thinkingBudget, thinkingLevel, ...further } = original;
  const { reasoningBudget: budget, reasoningEffort: effort, showReasoning } = settings;
  const kept = readAgain({ generationConfig: { thinkingConfig: { thinkingLevel } } }).reasoningEffort;
  const word = thinkingLevel !== undefined && kept === effort ? thinkingLevel : effort?.toUpperCase();
  const tokens = budget ?? thinkingBudget;
  return orNothing({
    ...(showReasoning !== undefined && { includeThoughts: showReasoning }),
    ...(tokens !== undefined && { thinkingBudget: tokens }),
    ...(word !== undefined && { thinkingLevel: word }),
    ...further,
  });
}

/** What a client of another format asked for, in the way and within the bounds of the model. */
function writeThinking(settings: ChatSettings, traits: ModelTraits, lose: Lose): JsonObject | undefined {
  const { reasoningBudget: budget, reasoningEffort: effort, showReasoning } = settings;
  if (traits.thinking === 'none') {
    // Not to think is what such a model does anyway.
    if (budget !== undefined && budget > 0) lose('reasoning_budget');
    if (effort !== undefined && effort !== 'none') lose('reasoning_effort');
    return undefined;
  }
  const byLevel = traits.thinking === 'level' && effort !== undefined;
  const amount = byLevel ? writeLevel(effort, traits, lose) : writeBudget(settings, traits, lose);
  return orNothing({ ...(showReasoning !== undefined && { includeThoughts: showReasoning }), ...amount });
}

function writeLevel(effort: string, { levels }: ModelTraits, lose: Lose): JsonObject {
  const wanted = steps.indexOf(effort);
  const least = levels.findIndex((word) => steps.indexOf(word) >= wanted);
  const word = wanted === -1 ? undefined : (levels[least] ?? levels.at(-1));
  if (word !== effort) lose('reasoning_effort');
  return word === undefined ? {} : { thinkingLevel: word.toUpperCase() };
}

function writeBudget(settings: ChatSettings, traits: ModelTraits, lose: Lose): JsonObject {
  const name = settings.reasoningBudget === undefined ? 'reasoning_effort' : 'reasoning_budget';
  const wanted = reasoningBudget(settings);
  if (wanted === undefined) {
    if (settings.reasoningEffort !== undefined) lose(name);
    return {};
  }
  // Of two ways to say it the finer one is sent.
  if (wanted === 0 && traits.canStopThinking) return { thinkingBudget: 0 };
  const tokens = Math.min(Math.max(wanted, traits.minBudget), traits.maxBudget);
  if (tokens !== wanted) lose(name);
  return { thinkingBudget: tokens };
}

/** `toolConfig`. `hasFunctions`: the API refuses a choice where there is nothing to choose from. */
export function writeToolConfig(
  request: ChatRequest,
  original: JsonObject,
  hasFunctions: boolean,
  lose: Lose,
): JsonObject | undefined {
  const { functionCallingConfig, ...further } = original;
  const { mode, allowedFunctionNames, ...rest } = level({ functionCallingConfig }, 'functionCallingConfig') ?? {};
  const { toolChoice } = request.settings;
  const said = {
    ...(mode !== undefined && { mode }),
    ...(allowedFunctionNames !== undefined && { allowedFunctionNames }),
  };
  const isKept =
    orNothing(said) !== undefined &&
    sameJson(readAgain({ toolConfig: { functionCallingConfig: said } }).toolChoice, toolChoice);
  const isOwn = request.dialect === gemini;
  if (!isOwn && !hasFunctions && toolChoice !== undefined && toolChoice !== 'auto' && toolChoice !== 'none')
    lose('tool_choice');
  const choice = isKept ? said : isOwn || hasFunctions ? writeChoice(toolChoice) : {};
  const calling = orNothing({ ...choice, ...rest });
  return orNothing({ ...(calling && { functionCallingConfig: calling }), ...further });
}

function writeChoice(choice: ChatSettings['toolChoice']): JsonObject {
  if (choice === undefined) return {};
  if (choice === 'auto') return { mode: 'AUTO' };
  if (choice === 'none') return { mode: 'NONE' };
  if (choice === 'required') return { mode: 'ANY' };
  if ('name' in choice) return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  // With AUTO the API takes no names; VALIDATED leaves the model the choice to answer with text.
  return { mode: choice.mode === 'required' ? 'ANY' : 'VALIDATED', allowedFunctionNames: choice.allowed };
}

function readAgain({ generationConfig, toolConfig }: JsonObject): ChatSettings {
  return readGeminiSettings(
    { value: generationConfig, field: 'generationConfig' },
    { value: toolConfig, field: 'toolConfig' },
  ).settings;
}
