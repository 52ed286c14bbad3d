import { jsonHeaders, keyHeaderOf, type BackendTarget } from '../../kernel/dialects/backend-target.ts';
import { loseCacheMarks, loseForeignFields } from '../../kernel/dialects/foreign-fields.ts';
import { extensionOf, gemini } from '../../kernel/dialects/gemini-fields.ts';
import { level, sameJson, type JsonObject } from '../../kernel/json/json-value.ts';
import type { ChatRequest } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { UpstreamRequest } from '../../kernel/upstream.ts';
import { traitsOf } from './model-traits.ts';
import { writeContents } from './write-contents.ts';
import { writeGenerationConfig, writeToolConfig, type Lose } from './write-settings.ts';
import { writeTools } from './write-tools.ts';

/** What a backend was configured with. */
export interface GeminiTarget extends BackendTarget {
  readonly model: string;
  /** Path of the model, without the method. */
  readonly modelPath: string;
  readonly safetySettings: readonly JsonObject[] | undefined;
}

/** Fields of the body that are written from the request itself. */
const ownFields = new Set([
  'model',
  'systemInstruction',
  'contents',
  'tools',
  'toolConfig',
  'safetySettings',
  'generationConfig',
  'labels',
]);

/**
 * The HTTP request for a chat request. Equal requests give equal bytes, for the prompt caches of providers. A request of
 * the same dialect that nobody changed says what the client said, except for the model. Throws REQUEST_INVALID for a
 * block that the format can't say.
 */
export function encodeGeminiRequest(request: ChatRequest, target: GeminiTarget, run: Run): UpstreamRequest {
  const { origin, modelPath, query } = target;
  const { stream } = request;
  const method = stream ? 'streamGenerateContent' : 'generateContent';
  const separator = query === '' ? '?' : '&';
  return {
    method: 'POST',
    origin,
    path: `${modelPath}:${method}${query}${stream ? `${separator}alt=sse` : ''}`,
    headers: jsonHeaders(target, stream ? 'text/event-stream' : 'application/json'),
    ...keyHeaderOf(target),
    body: JSON.stringify(writeBody(request, target, run)),
  };
}

function writeBody(request: ChatRequest, target: GeminiTarget, run: Run): JsonObject {
  const lose: Lose = (what) => run.lose(`request.${what}`);
  const isOwn = request.dialect === gemini;
  const extension = extensionOf(request) ?? {};
  loseForeignFields(request, gemini, run);
  loseCacheMarks(request, run);
  if (request.settings.user !== undefined) lose('user');
  if (request.settings.parallelToolCalls === false) lose('parallel_tool_calls');
  const traits = traitsOf(target.model);
  const { systemInstruction, contents } = writeContents(request, traits, { isOwn, lose });
  const { tools, hasFunctions } = writeTools(request.tools, lose);
  const toolConfig = writeToolConfig(request, level(extension, 'toolConfig') ?? {}, hasFunctions, lose);
  const original = level(extension, 'generationConfig') ?? {};
  const generationConfig = writeGenerationConfig(request, original, traits, lose);
  const safetySettings = extension['safetySettings'] ?? target.safetySettings;
  const labels = isOwn ? writeLabels(request, extension) : undefined;
  return {
    ...(systemInstruction && { systemInstruction }),
    contents,
    ...(tools && { tools }),
    ...(toolConfig && { toolConfig }),
    ...(safetySettings !== undefined && { safetySettings }),
    ...(generationConfig && { generationConfig }),
    ...(labels !== undefined && { labels }),
    ...further(extension),
  };
}

/** The client's other fields, in alphabetical order. */
function further(extension: JsonObject): JsonObject {
  const names = Object.keys(extension).filter((name) => !ownFields.has(name));
  return Object.fromEntries(names.toSorted().map((name) => [name, extension[name]]));
}

/** The labels are the metadata of a client of this format; elsewhere metadata is for this gateway. */
function writeLabels({ metadata }: ChatRequest, extension: JsonObject): unknown {
  const { labels } = extension;
  if (labels !== undefined && sameJson(labels, metadata)) return labels;
  return Object.keys(metadata).length > 0 ? metadata : undefined;
}
