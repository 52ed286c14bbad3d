import { jsonHeaders, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { bedrockConverse, extensionOf } from './converse-fields.ts';
import { DocumentNames } from './wire-name.ts';
import type { ContentContext } from './write-content.ts';
import { writeMessages, type WrittenTurn } from './write-messages.ts';
import { mergeFields, writeSettings, type SettingOptions } from './write-settings.ts';
import { writeTools } from './write-tools.ts';

/** What a backend was configured with. */
export interface ConverseTarget extends BackendTarget, Omit<SettingOptions, 'canThink'> {
  readonly model: string;
  readonly guardrail: JsonObject | undefined;
}

/** Fields of the body that are written from the request itself or that only the definition sets. */
const ownFields: ReadonlySet<string> = new Set([
  'modelId',
  'messages',
  'system',
  'inferenceConfig',
  'toolConfig',
  'guardrailConfig',
  'additionalModelRequestFields',
]);

/**
 * The HTTP request for a chat request. Equal requests give equal bytes, for the prompt caches of the provider. What the
 * format or the model can't say is left out and named; content that can't be said is refused with REQUEST_INVALID.
 */
export function encodeConverseRequest(request: ChatRequest, target: ConverseTarget, run: Run): UpstreamRequest {
  const { origin, basePath, query, model } = target;
  const operation = request.stream ? 'converse-stream' : 'converse';
  return {
    method: 'POST',
    origin,
    path: `${basePath}/model/${encodeModel(model)}/${operation}${query}`,
    headers: jsonHeaders(target, request.stream ? 'application/vnd.amazon.eventstream' : 'application/json'),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

/** A model id as one segment of a path: of an ARN the colons and slashes are escaped too. */
function encodeModel(model: string): string {
  return encodeURIComponent(model).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function writeBody(request: ChatRequest, target: ConverseTarget, run: Run): JsonObject {
  const extension = extensionOf(request) ?? {};
  const context: ContentContext = {
    run,
    dialect: request.dialect,
    documents: new DocumentNames(),
    caches: target.family === 'anthropic' || target.family === 'nova',
  };
  const { system, messages } = writeMessages(request, context);
  const options = { ...target, additional: additionalFields(target, extension), canThink: canThink(messages) };
  const settings = writeSettings(request.settings, options, (what) => run.lose(what));
  const tools = writeTools(request, target, context);
  const additional = orNothing(mergeFields(settings.additional, tools.additional ?? {}));
  const paths = stopSequencePaths(request, target);
  if (extension['guardrailConfig'] !== undefined) run.lose('request.field.guardrailConfig');
  loseForeignFields(request, bedrockConverse, run);
  return {
    ...(system.length > 0 && { system }),
    messages,
    ...(settings.inferenceConfig && { inferenceConfig: settings.inferenceConfig }),
    ...(tools.toolConfig && { toolConfig: tools.toolConfig }),
    ...(target.guardrail && { guardrailConfig: withoutStreamMode(target.guardrail, request.stream) }),
    ...(additional && { additionalModelRequestFields: additional }),
    ...(paths && { additionalModelResponseFieldPaths: paths }),
    ...(settings.outputConfig && { outputConfig: settings.outputConfig }),
    ...further(extension),
  };
}

function additionalFields({ additional }: ConverseTarget, extension: JsonObject): JsonObject {
  const fields = extension['additionalModelRequestFields'];
  return isObject(fields) ? mergeFields(additional, fields) : additional;
}

/**
 * With a budget for thinking, a turn of the model that is to be gone on with must begin with thinking: not a prefilled
 * one, and not one that called tools for a client that could not keep the thinking.
 */
function canThink(messages: readonly WrittenTurn[]): boolean {
  const last = messages.at(-1);
  if (last?.role !== 'user') return false;
  return (
    last.content[0]?.['toolResult'] === undefined || messages.at(-2)?.content[0]?.['reasoningContent'] !== undefined
  );
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

/** The mode of a guardrail in a stream is no field of an answer in one piece. */
function withoutStreamMode(guardrail: JsonObject, stream: boolean): JsonObject {
  const { streamProcessingMode, ...rest } = guardrail;
  return stream && streamProcessingMode !== undefined ? { ...rest, streamProcessingMode } : rest;
}

/** Anthropic models say which of several stop sequences it was, if they are asked. */
function stopSequencePaths({ settings, stream }: ChatRequest, { family }: ConverseTarget): string[] | undefined {
  if (family !== 'anthropic' || settings.stop === undefined || settings.stop.length === 0) return undefined;
  return [stream ? '/delta/stop_sequence' : '/stop_sequence'];
}
