import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfField } from '../../kernel/losses.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { settingNames, writeSettings } from '../../kernel/dialects/openai-chat-settings.ts';
import { reasoningBudget, reasoningEffort } from '../../kernel/dialects/reasoning-effort.ts';
import type { ChatRequest, ChatSettings } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { Vendor } from './vendors.ts';

/** The settings as fields of the body, in the words of the vendor. What it does not take is left out and named. */
export function writeVendorSettings(
  { settings, dialect }: ChatRequest,
  extension: JsonObject,
  vendor: Vendor,
  run: Run,
): JsonObject {
  const isOwn = dialect === openaiChat;
  if (isOwn && vendor.asSaid === true) return writeSettings(settings, extension, vendor.maxTokensField);
  const { reasoningEffort: _effort, reasoningBudget: _budget, showReasoning: _show, ...others } = settings;
  const originals = Object.fromEntries(settingNames.map((name) => [name, extension[name]] as const).filter(isGiven));
  const written = writeSettings(others, originals, vendor.maxTokensField);
  return {
    ...withoutRefused(inWordsOf(vendor, written, run), vendor, isOwn, run),
    ...writeReasoning(settings, extension, vendor, run),
  };
}

function isGiven([, value]: readonly [string, unknown]): boolean {
  return value !== undefined;
}

/** The body without what the vendor refuses, and in a translation without what it ignores. */
export function withoutRefused(body: JsonObject, vendor: Vendor, isOwn: boolean, run: Run): JsonObject {
  const { refuses, ignores = [] } = vendor;
  const entries = Object.entries(body).filter(([field, value]) => {
    if (!refuses.includes(field) && (isOwn || !ignores.includes(field))) return true;
    const isOne = field === 'n' && value === 1;
    if (!isOne && !isDefault(field, value)) run.lose(lossOfField(field));
    return isOne && isOwn;
  });
  return Object.fromEntries(entries);
}

/** What a server does anyway; nothing is lost where it is not said. */
const defaults: Readonly<Record<string, unknown>> = {
  tool_choice: 'auto',
  parallel_tool_calls: true,
  presence_penalty: 0,
  frequency_penalty: 0,
  logprobs: false,
  store: false,
  service_tier: 'auto',
};

function isDefault(field: string, value: unknown): boolean {
  if (value === null || (Object.hasOwn(defaults, field) && value === defaults[field])) return true;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function inWordsOf(vendor: Vendor, written: JsonObject, run: Run): JsonObject {
  const { max_tokens: old, max_completion_tokens: current, seed, ...rest } = written;
  const limit = current ?? old;
  const limits =
    vendor.onlyThatField === true
      ? { ...(limit !== undefined && { [vendor.maxTokensField]: limit }) }
      : {
          ...(current !== undefined && { max_completion_tokens: current }),
          ...(old !== undefined && { max_tokens: old }),
        };
  const { tool_choice: choice, response_format: format } = rest;
  return {
    ...limits,
    ...rest,
    ...(seed !== undefined && { [vendor.seedField ?? 'seed']: seed }),
    ...(choice === 'required' && vendor.anyTool !== undefined && { tool_choice: vendor.anyTool }),
    ...(vendor.jsonSchema === false && isSchema(format) && { response_format: plainJson(run) }),
  };
}

function isSchema(format: unknown): boolean {
  return isObject(format) && format['type'] === 'json_schema';
}

function plainJson(run: Run): JsonObject {
  run.lose('request.response_format');
  return { type: 'json_object' };
}

/** How much is to be thought. A client of this format that says it in the vendor's own field is not understood again. */
function writeReasoning(settings: ChatSettings, extension: JsonObject, vendor: Vendor, run: Run): JsonObject {
  const { reasoning: form } = vendor;
  const ownField = form === 'reasoning_effort' ? undefined : form;
  if (ownField !== undefined && extension[ownField] !== undefined) return wordsOf(settings);
  if (settings.showReasoning === true && vendor.hidesReasoning === true) run.lose('request.show_reasoning');
  const effort = reasoningEffort(settings);
  switch (form) {
    case 'reasoning':
      return writeReasoningObject(settings, effort);
    case 'thinking':
      return effort === undefined ? {} : writeThinking(settings, effort, run);
    case 'enable_thinking':
      return effort === undefined ? {} : writeEnableThinking(settings, effort);
    default:
      return effort === undefined ? {} : writeEffort(settings, effort, vendor, run);
  }
}

function wordsOf({ reasoningEffort: effort }: ChatSettings): JsonObject {
  return effort === undefined ? {} : { reasoning_effort: effort };
}

function writeReasoningObject(settings: ChatSettings, effort: string | undefined): JsonObject {
  const { reasoningBudget: budget, reasoningEffort: word, showReasoning } = settings;
  const hidden = showReasoning === false && { exclude: true };
  if (effort === undefined) return hidden === false ? {} : { reasoning: hidden };
  const isCounted = word === undefined && budget !== undefined && budget > 0;
  return { reasoning: { ...(isCounted ? { max_tokens: budget } : { effort }), ...hidden } };
}

function writeThinking({ reasoningBudget: budget }: ChatSettings, effort: string, run: Run): JsonObject {
  if (effort === 'none') return { thinking: { type: 'disabled' } };
  if (budget !== undefined) run.lose('request.reasoning_budget');
  return { thinking: { type: 'enabled' }, reasoning_effort: effort };
}

function writeEnableThinking(settings: ChatSettings, effort: string): JsonObject {
  if (effort === 'none') return { enable_thinking: false };
  const budget = reasoningBudget(settings);
  return { enable_thinking: true, ...(budget !== undefined && { thinking_budget: budget }) };
}

function writeEffort(settings: ChatSettings, effort: string, { efforts }: Vendor, run: Run): JsonObject {
  const { reasoningEffort: word, reasoningBudget: budget } = settings;
  // Many models refuse the word for no reasoning, or any. Only who says the word itself means to have it sent.
  if (word === undefined && effort === 'none' && efforts?.includes('none') !== true) {
    run.lose('request.reasoning_budget');
    return {};
  }
  if (word === undefined && budget !== 0) run.lose('request.reasoning_budget');
  const nearest = nearestEffort(effort, efforts);
  if (nearest !== effort && word !== undefined) run.lose('request.reasoning_effort');
  return { reasoning_effort: nearest };
}

const ranks = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];

/** The word that the vendor knows for the least reasoning that is at least as much, or else for the most. */
function nearestEffort(effort: string, efforts: readonly string[] | undefined): string {
  const rank = ranks.indexOf(effort);
  if (efforts === undefined || efforts.includes(effort) || rank <= 0) return effort;
  const enough = efforts.find((known) => ranks.indexOf(known) >= rank);
  return enough ?? efforts.at(-1) ?? effort;
}
