import { anthropicMessages, extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { settingNames } from '../../kernel/dialects/anthropic-messages-settings.ts';
import { jsonHeaders, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import type { MediaLimits } from '../../kernel/dialects/media.ts';
import type { ChatRequest } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { CallIds } from './call-ids.ts';
import type { WriteContext } from './write-context.ts';
import { writeConversation, writeEntry, type Entry } from './write-conversation.ts';
import { writeOwnSettings, writeSettings, type SettingOptions } from './write-settings.ts';
import { writeChoice, writeOwnChoice, writeTools } from './write-tools.ts';

/** What a backend was configured with. */
export interface MessagesTarget extends BackendTarget, SettingOptions {
  readonly model: string;
  readonly version: string;
  readonly beta: readonly string[];
  readonly image: MediaLimits;
  readonly document: MediaLimits;
}

/** Fields of the body that are written from the request itself. */
const ownFields: ReadonlySet<string> = new Set([
  'model',
  'messages',
  'system',
  'tools',
  'metadata',
  'stream',
  ...settingNames,
]);
/**
 * The HTTP request for a chat request. Equal requests give equal bytes, for the prompt cache. A client that spoke this
 * format is told what it said, except for the model. Of another one, what the API can't take is left out and named;
 * content that it can't take is refused with REQUEST_INVALID.
 */
export function encodeMessagesRequest(request: ChatRequest, target: MessagesTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query, version, beta } = target;
  const path = basePath.endsWith('/v1') ? basePath : `${basePath}/v1`;
  return {
    method: 'POST',
    origin,
    path: `${path}/messages${query}`,
    headers: {
      ...jsonHeaders(target, request.stream ? 'text/event-stream' : 'application/json'),
      'anthropic-version': version,
      ...(beta.length > 0 && { 'anthropic-beta': beta.join(',') }),
    },
    keyHeader: 'x-api-key',
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: MessagesTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const isOwn = request.dialect === anthropicMessages;
  const context: WriteContext = {
    run,
    dialect: request.dialect,
    isOwn,
    image: target.image,
    document: target.document,
    ids: new CallIds(),
  };
  loseForeignFields(request, anthropicMessages, run);
  const { system, entries } = writeConversation(request, context);
  const tools = writeTools(request.tools, context);
  const written = isOwn
    ? undefined
    : writeSettings(request.settings, target, canThink(entries), (what) => run.lose(what));
  const { max_tokens: maxTokens, ...settings } = written?.body ?? writeOwnSettings(request.settings, extension, target);
  const choice =
    written === undefined
      ? writeOwnChoice(request.settings, extension['tool_choice'])
      : writeChoice(request.settings, tools, written.thinks, context);
  const metadata = writeMetadata(request, isOwn);
  return {
    model: target.model,
    max_tokens: maxTokens,
    ...(system !== undefined && { system }),
    messages: entries.map(writeEntry),
    ...(tools.length > 0 ? { tools } : Array.isArray(extension['tools']) && { tools: [] }),
    ...(choice && { tool_choice: choice }),
    ...settings,
    ...(metadata && { metadata }),
    ...further(extension),
    ...(request.stream ? { stream: true } : extension['stream'] === false && { stream: false }),
  };
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

/** Metadata of other formats is for their own providers, but all have a name for the user. */
function writeMetadata({ settings: { user }, metadata }: ChatRequest, isOwn: boolean): JsonObject | undefined {
  return orNothing({ ...(isOwn && metadata), ...(user !== undefined && { user_id: user }) });
}

/**
 * With a budget for thinking, an answer that is to be gone on with must begin with thinking: neither a prefilled one can,
 * nor one that called tools for a client that could not keep the thinking.
 */
function canThink(entries: readonly Entry[]): boolean {
  const last = entries.at(-1);
  if (last?.role !== 'user') return false;
  if (last.content[0]?.['type'] !== 'tool_result') return true;
  const first = entries.at(-2)?.content[0]?.['type'];
  return first === 'thinking' || first === 'redacted_thinking';
}
