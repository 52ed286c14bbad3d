import { jsonHeaders, keyHeaderOf, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { loseCacheMarks, loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { isObject, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { extensionOf, openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';
import { settingNames, writeSettings } from '../../kernel/dialects/openai-responses-settings.ts';
import { reasoningEffort } from '../../kernel/dialects/reasoning-effort.ts';
import type { ChatRequest, ChatSettings } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { splitInstructions, writeInput } from './write-input.ts';
import { writeToolChoice, writeTools } from './write-tools.ts';

/** What a backend was configured with. */
export interface ResponsesTarget extends BackendTarget {
  readonly model: string;
  /** Whether reasoning is asked for in the encrypted form that can be sent back. */
  readonly encryptedReasoning: boolean;
  /** Whether the server is told to keep nothing; false where it does not know the field. */
  readonly stateless: boolean;
}

/** Fields of the body that are written from the request itself, so what the client sent under them is only a base. */
const ownFields = new Set(['model', 'input', 'instructions', 'stream', 'tools', 'metadata', ...settingNames]);
/** The smallest limit that OpenAI takes; clients of other formats ask for 1 to try a key. */
const minOutputTokens = 16;
/** Settings without a form here, under the names that clients know. */
const unsayable = [
  ['stop', 'stop'],
  ['seed', 'seed'],
  ['topK', 'top_k'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
] as const;
/** Fields of a chat completion that mean the same here. */
const sharedWithChat = [
  'prompt_cache_key',
  'prompt_cache_options',
  'prompt_cache_retention',
  'safety_identifier',
  'service_tier',
] as const;

/**
 * The HTTP request for a chat request. Equal requests give equal bytes, for the prompt caches of providers. A request of
 * the same dialect that nobody changed says what the client said, except for the model. One of another dialect keeps
 * nothing at the provider; its reasoning comes back in the client's next request. Throws REQUEST_INVALID for a block that
 * the format can't say.
 */
export function encodeResponsesRequest(request: ChatRequest, target: ResponsesTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query } = target;
  const isOwn = request.dialect === openaiResponses;
  return {
    method: 'POST',
    origin,
    path: `${basePath}/responses${query}`,
    headers: jsonHeaders(target, request.stream ? 'text/event-stream' : 'application/json'),
    ...keyHeaderOf(target),
    body: JSON.stringify(isOwn ? writeOwn(request, target, run) : writeForeign(request, target, run)),
  };
}

function writeOwn(request: ChatRequest, target: ResponsesTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const { instructions, messages } = splitInstructions(request.messages, true);
  const input = writeInput(messages, { isOwn: true, run });
  const tools = writeTools(request.tools, true, run);
  const metadata = writeMetadata(request, extension);
  const said = instructions ?? extension['instructions'];
  return {
    model: target.model,
    ...(said !== undefined && { instructions: said }),
    ...writeOwnInput(input, extension),
    ...withToolChoice(writeSettings(request.settings, extension), request),
    ...(tools.length > 0 ? { tools } : 'tools' in extension && { tools: extension['tools'] }),
    ...(metadata !== undefined && { metadata }),
    ...further(extension),
    ...(request.stream ? { stream: true } : 'stream' in extension && { stream: false }),
  };
}

function writeForeign(request: ChatRequest, target: ResponsesTarget, run: Run): JsonObject {
  const { shared, include, verbosity, rest } = takeShared(request);
  loseForeignFields(rest, openaiResponses, run);
  loseCacheMarks(request, run);
  const { instructions, messages } = splitInstructions(request.messages, false);
  const input = writeInput(messages, { isOwn: false, run });
  const tools = writeTools(request.tools, false, run);
  const written = withToolChoice(writeSettings(settingsFor(request.settings, run), {}), request);
  const settings = tools.length > 0 ? written : withoutToolChoice(written, run);
  const { text } = settings;
  const included = [...(target.encryptedReasoning ? ['reasoning.encrypted_content'] : []), ...include];
  return {
    model: target.model,
    ...(instructions !== undefined && { instructions }),
    input,
    ...settings,
    ...(verbosity !== undefined && { text: { ...(isObject(text) && text), verbosity } }),
    ...(tools.length > 0 && { tools }),
    ...shared,
    ...(included.length > 0 && { include: included }),
    ...(target.stateless && { store: false }),
    ...(request.stream && { stream: true }),
  };
}

/** A string where the client sent a string and it still is one. */
function writeOwnInput(items: readonly JsonObject[], extension: JsonObject): JsonObject {
  const [only] = items;
  const isText = 'input' in extension && items.length === 1 && only?.['role'] === 'user';
  if (isText && typeof only['content'] === 'string' && Object.keys(only).length === 2)
    return { input: only['content'] };
  // A response that goes on from another one may come without any.
  return items.length === 0 && isContinued(extension) ? {} : { input: items };
}

function isContinued(extension: JsonObject): boolean {
  return ['previous_response_id', 'conversation', 'prompt'].some(
    (name) => (extension[name] ?? undefined) !== undefined,
  );
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

function writeMetadata({ metadata }: ChatRequest, extension: JsonObject): unknown {
  const original = extension['metadata'];
  if (original !== undefined && sameJson(original ?? {}, metadata)) return original;
  return Object.keys(metadata).length > 0 ? metadata : undefined;
}

function withToolChoice(settings: Record<string, unknown>, { tools }: ChatRequest): Record<string, unknown> {
  const choice = settings['tool_choice'];
  return isObject(choice) ? { ...settings, tool_choice: writeToolChoice(choice, tools) } : settings;
}

/** The server takes no choice among no tools. */
function withoutToolChoice(settings: JsonObject, run: Run): JsonObject {
  const { tool_choice: choice, parallel_tool_calls: parallel, ...rest } = settings;
  if (choice !== undefined && choice !== 'auto' && choice !== 'none') run.lose('request.tool_choice');
  if (parallel !== undefined) run.lose('request.parallel_tool_calls');
  return rest;
}

/** The settings of a client of another format, without what can't be said here. */
function settingsFor(settings: ChatSettings, run: Run): ChatSettings {
  for (const [name, word] of unsayable) {
    const value = settings[name];
    if (value !== undefined && !(Array.isArray(value) && value.length === 0)) run.lose(`request.${word}`);
  }
  const { choices, maxOutputTokens, reasoningBudget: budget, reasoningEffort: word } = settings;
  if (choices !== undefined && choices !== 1) run.lose('request.choices');
  if (budget !== undefined && word === undefined && budget > 0) run.lose('request.reasoning_budget');
  const effort = reasoningEffort(settings);
  const isTooSmall = maxOutputTokens !== undefined && maxOutputTokens < minOutputTokens;
  if (isTooSmall) run.lose('request.max_output_tokens');
  return {
    ...settings,
    ...(effort !== undefined && { reasoningEffort: effort }),
    ...(isTooSmall && { maxOutputTokens: minOutputTokens }),
  };
}

/** What a chat completion says in fields that this format has, too; `rest` is the request without them. */
function takeShared(request: ChatRequest): {
  readonly shared: JsonObject;
  readonly include: readonly string[];
  readonly verbosity: unknown;
  readonly rest: ChatRequest;
} {
  const fields = request.ext?.[openaiChat];
  if (fields === undefined) return { shared: {}, include: [], verbosity: undefined, rest: request };
  const { verbosity, logprobs, top_logprobs: top, ...others } = fields;
  const taken = sharedWithChat.filter((name) => (others[name] ?? undefined) !== undefined);
  const left = Object.entries(others).filter(([name]) => !(taken as readonly string[]).includes(name));
  return {
    shared: {
      ...Object.fromEntries(taken.map((name) => [name, others[name]])),
      ...(typeof top === 'number' && { top_logprobs: top }),
    },
    include: logprobs === true ? ['message.output_text.logprobs'] : [],
    verbosity: verbosity ?? undefined,
    rest: { ...request, ext: { ...request.ext, [openaiChat]: Object.fromEntries(left) } },
  };
}
