import { anthropicMessages } from './anthropic-messages-fields.ts';
import * as anthropicSettings from './anthropic-messages-settings.ts';
import { gemini } from './gemini-fields.ts';
import { readGeminiSettings } from './gemini-settings.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';
import { lossOfField } from '../losses.ts';
import { ollama } from './ollama-fields.ts';
import * as ollamaSettings from './ollama-settings.ts';
import { openaiChat } from './openai-chat-fields.ts';
import * as openaiChatSettings from './openai-chat-settings.ts';
import { openaiResponses } from './openai-responses-fields.ts';
import * as responsesSettings from './openai-responses-settings.ts';
import type { ChatRequest } from '../request.ts';
import type { Run } from '../run.ts';

/**
 * Names what a request holds for another format than `dialect` and what therefore is not sent: fields of its body without
 * a unified name, and its metadata. Metadata of the native format is for the gateway itself.
 */
export function loseForeignFields(request: ChatRequest, dialect: string, run: Run): void {
  const { ext = {}, metadata } = request;
  for (const [name, fields] of Object.entries(ext)) {
    if (name === dialect) continue;
    for (const [field, value] of Object.entries(fields))
      if (!saysNothing(value) && !isSaid(name, field, value)) run.lose(lossOfField(field));
  }
  if (request.dialect !== dialect && request.dialect !== 'native' && Object.keys(metadata).length > 0)
    run.lose('request.metadata');
}

/** Names the cache marks of a request, for a backend that has no form for them. */
export function loseCacheMarks({ tools, messages }: ChatRequest, run: Run): void {
  const isMarked =
    tools.some(({ cache }) => cache !== undefined) ||
    messages.some(({ content }) => content.some(({ cache }) => cache !== undefined));
  if (isMarked) run.lose('request.cache');
}

/** What clients send for nothing at all. */
function saysNothing(value: unknown): boolean {
  return (
    value === null ||
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  );
}

/** Tells, by dialect, whether a field is kept only for its spelling: what it says has a unified name and is sent. */
const readers: ReadonlyMap<string, (field: string, value: unknown) => boolean> = new Map([
  [openaiChat, isSaidByChat],
  [openaiResponses, isSaidByResponses],
  [anthropicMessages, isSaidByAnthropic],
  [gemini, isSaidByGemini],
  [ollama, isSaidByOllama],
]);

/** A step may have put anything there; what can't be read is not said. */
function isSaid(dialect: string, field: string, value: unknown): boolean {
  try {
    return readers.get(dialect)?.(field, value) === true;
  } catch {
    return false;
  }
}

/** Such as `max_tokens`, or a `stop` that is no list. */
function isSaidByChat(field: string, value: unknown): boolean {
  if (field === 'stream') return true;
  if (field === 'stream_options') return hasOnly(value, ['include_usage']);
  const { settingNames, readSettings } = openaiChatSettings;
  return settingNames.includes(field) && isFilled(readSettings({ [field]: value }).settings);
}

const encryptedReasoning = 'reasoning.encrypted_content';
/** Members of the fields that say more than one thing, where all of it has a unified name. */
const responsesMembers: ReadonlyMap<string, readonly string[]> = new Map([
  ['text', ['format']],
  ['reasoning', ['effort', 'summary', 'generate_summary']],
]);

function isSaidByResponses(field: string, value: unknown): boolean {
  // Nobody else stores an answer, and the proofs that are asked for are always given.
  if (field === 'stream' || (field === 'store' && value === false)) return true;
  if (field === 'include') return Array.isArray(value) && value.every((item) => item === encryptedReasoning);
  const members = responsesMembers.get(field);
  if (members !== undefined && !hasOnly(value, members)) return false;
  const { settingNames, readSettings } = responsesSettings;
  return settingNames.includes(field) && isFilled(readSettings({ [field]: value }).settings);
}

/** Adaptive thinking leaves the amount to the model: other formats have no word for that. */
function isSaidByAnthropic(field: string, value: unknown): boolean {
  if (field === 'thinking') return anthropicSettings.readThinking(value).reasoningBudget !== undefined;
  if (field === 'tool_choice') return isFilled(anthropicSettings.readToolChoice(value));
  return field === 'output_format' && isFilled(anthropicSettings.readOutput({ [field]: value }));
}

const formatFields: readonly string[] = ['responseMimeType', 'responseSchema', 'responseJsonSchema'];

/** A schema of the format's own kind, and modes of calling, are kept beside the setting that they became. */
function isSaidByGemini(field: string, value: unknown): boolean {
  if (field === 'generationConfig') return hasOnly(value, formatFields) && isFilled(readOfGemini(value, undefined));
  return (
    field === 'toolConfig' && hasOnly(value, ['functionCallingConfig']) && isFilled(readOfGemini(undefined, value))
  );
}

function readOfGemini(generationConfig: unknown, toolConfig: unknown): object {
  return readGeminiSettings(
    { value: generationConfig, field: 'generationConfig' },
    { value: toolConfig, field: 'toolConfig' },
  ).settings;
}

function isSaidByOllama(field: string, value: unknown): boolean {
  const { settingNames, readSettings } = ollamaSettings;
  if (!settingNames.includes(field)) return false;
  const parts: readonly JsonObject[] =
    field === 'options' && isObject(value)
      ? Object.entries(value).map(([name, option]) => ({ options: { [name]: option } }))
      : [{ [field]: value }];
  return parts.every((part) => isFilled(readSettings(part).settings));
}

function isFilled(settings: object): boolean {
  return Object.keys(settings).length > 0;
}

function hasOnly(value: unknown, names: readonly string[]): boolean {
  return isObject(value) && Object.keys(value).every((name) => names.includes(name));
}
