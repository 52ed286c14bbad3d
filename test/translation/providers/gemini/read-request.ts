import type { NeutralMessage, NeutralPart, NeutralRequest, NeutralToolCall } from '../../neutral.ts';
import { CallLedger } from '../support/call-ledger.ts';
import {
  at,
  join,
  optional,
  present,
  readBase64,
  readBody,
  readFields,
  readFlag,
  readList,
  readMatch,
  readNumber,
  readOneOf,
  readStops,
  readText,
  readWords,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { readObjectSchema, readOpenApiSchema, readSchema } from '../support/schema-rules.ts';

const known = set(
  'contents systemInstruction tools toolConfig generationConfig safetySettings cachedContent labels store serviceTier',
);
const generation = set(
  'temperature topP topK candidateCount maxOutputTokens stopSequences responseMimeType responseSchema ' +
    'responseJsonSchema _responseJsonSchema thinkingConfig seed responseLogprobs logprobs presencePenalty ' +
    'frequencyPenalty responseModalities speechConfig mediaResolution enableEnhancedCivicAnswers imageConfig',
);
const toolKinds = set(
  'functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext fileSearch computerUse googleMaps mcpServers',
);
/** What a part is made of: exactly one of these. */
const dataKinds = [
  'text',
  'inlineData',
  'fileData',
  'functionCall',
  'functionResponse',
  'executableCode',
  'codeExecutionResult',
  'toolCall',
  'toolResponse',
] as const;
const partFields = new Set<string>([
  ...dataKinds,
  ...set('thought thoughtSignature partMetadata videoMetadata mediaResolution'),
]);
const functionName = /^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$/;

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  const url = new URL(path, 'http://provider.invalid');
  const model = /^\/v1(?:beta)?\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(url.pathname);
  const vertex = /\/publishers\/google\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(url.pathname);
  const called = model ?? vertex ?? refuse('path', `"${path}" is not of this API`);
  if (called[2] === 'streamGenerateContent' && url.searchParams.get('alt') !== 'sse')
    refuse('path', 'without alt=sse the answer is no event stream');
  const fields = readBody(body);
  const read = readFields(camel(fields), '', known);
  const tools = optional(read, 'tools', '', readTools) ?? [];
  const config = optional(read, 'generationConfig', '', (value, place) =>
    readGeneration(value, place, called[1] ?? ''),
  );
  return present<NeutralRequest>({
    ...config,
    messages: [...(optional(read, 'systemInstruction', '', readSystem) ?? []), ...readContents(read['contents'])],
    tools: tools.length > 0 ? tools : undefined,
    toolChoice: optional(read, 'toolConfig', '', (value, place) => readChoice(value, place, tools)),
    parallelToolCalls: undefined,
    temperature: config?.temperature,
    topP: config?.topP,
    topK: config?.topK,
    maxOutputTokens: config?.maxOutputTokens,
    stop: config?.stop,
    seed: config?.seed,
    reasoning: config?.reasoning,
    schema: config?.schema,
  });
}

/** Fields with their names as JSON of protocol buffers has them: both spellings are taken. */
function camel(fields: Fields): Fields {
  const rename = (key: string): string => key.replace(/(?!^)_([a-z])/g, (_all, letter: string) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [rename(key), value]));
}

function readObject(value: unknown, path: string, names: ReadonlySet<string>): Fields {
  return readFields(camel(readFields(value, path)), path, names);
}

function readGeneration(value: unknown, path: string, model: string): Partial<NeutralRequest> {
  const config = readObject(value, path, generation);
  const count = (one: unknown, place: string): number => readNumber(one, place, { min: 1, integer: true });
  const type = optional(config, 'responseMimeType', path, readText);
  const first = optional(config, 'responseSchema', path, readOpenApiSchema);
  const second =
    optional(config, 'responseJsonSchema', path, readSchema) ??
    optional(config, '_responseJsonSchema', path, readSchema);
  if (first !== undefined && second !== undefined) refuse(path, 'responseSchema and responseJsonSchema are both there');
  const schema = first ?? second;
  if (schema !== undefined && type !== 'application/json' && type !== 'text/x.enum')
    refuse(join(path, 'responseMimeType'), 'must be application/json where there is a schema');
  optional(config, 'candidateCount', path, (one, place) => readNumber(one, place, { min: 1, max: 8, integer: true }));
  return present<Partial<NeutralRequest>>({
    temperature: optional(config, 'temperature', path, (one, place) => readNumber(one, place, { min: 0, max: 2 })),
    topP: optional(config, 'topP', path, (one, place) => readNumber(one, place, { min: 0, max: 1 })),
    topK: optional(config, 'topK', path, (one, place) => readNumber(one, place, { min: 1, integer: true })),
    maxOutputTokens: optional(config, 'maxOutputTokens', path, count),
    stop: optional(config, 'stopSequences', path, (one, place) => readStops(one, place, 5)),
    seed: optional(config, 'seed', path, (one, place) =>
      readNumber(one, place, { min: -2_147_483_648, max: 2_147_483_647, integer: true }),
    ),
    reasoning: optional(config, 'thinkingConfig', path, (one, place) => readThinking(one, place, model)),
    schema,
    messages: undefined,
    tools: undefined,
    toolChoice: undefined,
    parallelToolCalls: undefined,
  });
}

function readThinking(value: unknown, path: string, model: string): boolean | undefined {
  const thinking = readObject(value, path, set('includeThoughts thinkingBudget thinkingLevel'));
  const include = optional(thinking, 'includeThoughts', path, readFlag);
  const budget = optional(thinking, 'thinkingBudget', path, (one, place) =>
    readNumber(one, place, { min: -1, max: model.includes('2.5-flash') ? 24_576 : 32_768, integer: true }),
  );
  const level = optional(thinking, 'thinkingLevel', path, readText);
  if (level !== undefined) {
    readOneOf(level.toLowerCase(), join(path, 'thinkingLevel'), ['minimal', 'low', 'medium', 'high']);
    if (budget !== undefined) refuse(path, 'you can only set one of thinking_budget and thinking_level');
    if (/gemini-[12]/.test(model)) refuse(join(path, 'thinkingLevel'), 'is not supported for this model');
  }
  if (budget === 0) return include === true ? refuse(path, 'includeThoughts needs thinking') : false;
  return include === true || budget !== undefined || level !== undefined ? true : undefined;
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const names = new Set<string>();
  return readList(value, path).flatMap((item, index) => {
    const tool = readObject(item, at(path, index), toolKinds);
    const place = join(at(path, index), 'functionDeclarations');
    return (optional(tool, 'functionDeclarations', at(path, index), readList) ?? []).map((declaration, number) => {
      const read = readDeclaration(declaration, at(place, number));
      if (names.has(read.name)) refuse(at(place, number), `duplicate function declaration found: ${read.name}`);
      names.add(read.name);
      return read;
    });
  });
}

function readDeclaration(value: unknown, path: string): NonNullable<NeutralRequest['tools']>[number] {
  const about = readObject(
    value,
    path,
    set('name description parameters parametersJsonSchema response responseJsonSchema behavior'),
  );
  const name = readMatch(about['name'], join(path, 'name'), functionName);
  const openApi = optional(about, 'parameters', path, readOpenApiSchema);
  const json = optional(about, 'parametersJsonSchema', path, readObjectSchema);
  if (openApi !== undefined && json !== undefined) refuse(path, 'parameters and parametersJsonSchema are both there');
  const parameters = json ?? openApi ?? { type: 'object', properties: {} };
  return present({ name, description: optional(about, 'description', path, readText), parameters });
}

function readChoice(
  value: unknown,
  path: string,
  tools: NonNullable<NeutralRequest['tools']>,
): NeutralRequest['toolChoice'] {
  const config = readObject(value, path, set('functionCallingConfig retrievalConfig includeServerSideToolInvocations'));
  const place = join(path, 'functionCallingConfig');
  return optional(config, 'functionCallingConfig', path, (one) => {
    const calling = readObject(one, place, set('mode allowedFunctionNames streamFunctionCallArguments'));
    const mode = optional(calling, 'mode', place, (word, where) =>
      readOneOf(word, where, ['AUTO', 'ANY', 'NONE', 'VALIDATED']),
    );
    const allowed = optional(calling, 'allowedFunctionNames', place, (names, where) =>
      readList(names, where).map((name, index) => readText(name, at(where, index))),
    );
    if (mode === 'ANY' && tools.length === 0) refuse(place, 'mode ANY needs function declarations');
    if (allowed && mode !== 'ANY' && mode !== 'VALIDATED')
      refuse(place, 'allowed_function_names should only be set when the mode is ANY or VALIDATED');
    for (const name of allowed ?? [])
      if (!tools.some((tool) => tool.name === name)) refuse(place, `"${name}" is no declared function`);
    const [only] = allowed ?? [];
    if (mode === 'ANY') return allowed?.length === 1 && only !== undefined ? { name: only } : 'required';
    return mode === 'NONE' ? 'none' : 'auto';
  });
}

function readSystem(value: unknown, path: string): readonly NeutralMessage[] {
  const content_ = readObject(value, path, set('role parts'));
  const list = readList(content_['parts'], join(path, 'parts'));
  if (list.length === 0) refuse(join(path, 'parts'), 'must not be empty');
  return list.map((part, index) => {
    const place = at(join(path, 'parts'), index);
    return { role: 'system', text: readWords(readObject(part, place, set('text'))['text'], join(place, 'text')) };
  });
}

function readContents(value: unknown): readonly NeutralMessage[] {
  const list = readList(value ?? [], 'contents');
  if (list.length === 0) refuse('contents', 'contents is not specified');
  const ledger = new CallLedger();
  const messages = list.flatMap((item, index) => {
    const path = at('contents', index);
    const turn = readObject(item, path, set('role parts'));
    const role = optional(turn, 'role', path, (word, place) => readOneOf(word, place, ['user', 'model'])) ?? 'user';
    if (role !== (index % 2 === 0 ? 'user' : 'model'))
      refuse(path, 'multiturn requests must alternate between user and model, and begin with user');
    const place = join(path, 'parts');
    const read = readList(turn['parts'], place).map((part, number) => checkPart(part, at(place, number), role));
    if (read.length === 0) refuse(place, 'must not be empty');
    return role === 'user' ? readUser(read, place, ledger) : [readModel(read, place, ledger)];
  });
  ledger.settle('contents');
  return messages;
}

function checkPart(value: unknown, path: string, role: 'user' | 'model'): Fields {
  const part = readObject(value, path, partFields);
  const kinds = dataKinds.filter((kind) => part[kind] !== undefined && part[kind] !== null);
  if (kinds.length !== 1)
    refuse(path, `required oneof field 'data' must have one initialized field, has ${kinds.join(', ')}`);
  const proof = optional(part, 'thoughtSignature', path, (one, place) => readMatch(one, place, /^[A-Za-z0-9+/_=-]+$/));
  if (part['text'] === '' && proof === undefined) refuse(path, 'unable to submit an empty text parameter');
  if (role === 'user' && (kinds[0] === 'functionCall' || part['thought'] === true))
    refuse(path, `a ${String(kinds[0])} of the model in a turn of the user`);
  if (role === 'model' && kinds[0] === 'functionResponse') refuse(path, 'a functionResponse in a turn of the model');
  return part;
}

function readUser(list: readonly Fields[], path: string, ledger: CallLedger): readonly NeutralMessage[] {
  const results: NeutralMessage[] = [];
  const said: NeutralPart[] = [];
  for (const [index, part] of list.entries()) {
    const place = at(path, index);
    if (part['functionResponse'] !== undefined) results.push(readResult(part['functionResponse'], place, ledger));
    else if (part['text'] !== undefined) said.push({ type: 'text', text: readText(part['text'], place) });
    else said.push(...readMedia(part, place));
  }
  ledger.settle(path);
  return said.length > 0 ? [...results, { role: 'user', parts: said }] : results;
}

function readMedia(part: Fields, path: string): readonly NeutralPart[] {
  if (part['inlineData'] !== undefined) {
    const place = join(path, 'inlineData');
    const blob = readObject(part['inlineData'], place, set('mimeType data displayName'));
    const mediaType = readMatch(blob['mimeType'], join(place, 'mimeType'), /^[a-z]+\/[a-z0-9.+-]+$/);
    const base64 = readBase64(blob['data'], join(place, 'data'));
    return mediaType.startsWith('image/') ? [{ type: 'image', mediaType, base64 }] : [];
  }
  if (part['fileData'] === undefined) return [];
  const place = join(path, 'fileData');
  const file = readObject(part['fileData'], place, set('mimeType fileUri displayName'));
  return [{ type: 'image-url', url: readWords(file['fileUri'], join(place, 'fileUri')) }];
}

function readResult(value: unknown, path: string, ledger: CallLedger): NeutralMessage {
  const place = join(path, 'functionResponse');
  const result = readObject(value, place, set('id name response willContinue scheduling parts'));
  const name = readMatch(result['name'], join(place, 'name'), functionName);
  const id = optional(result, 'id', place, readWords);
  const callId = id ?? ledger.answerByName(name, place);
  if (id !== undefined && ledger.answer(id, place) !== name) refuse(join(place, 'name'), 'is not the name of the call');
  const response = readFields(result['response'], join(place, 'response'));
  const [key, ...more] = Object.keys(response);
  const only = more.length === 0 && key !== undefined ? response[key] : undefined;
  const text = typeof only === 'string' ? only : JSON.stringify(only ?? response);
  return { role: 'tool', callId, text, ...(key === 'error' && { isError: true }) };
}

function readModel(list: readonly Fields[], path: string, ledger: CallLedger): NeutralMessage {
  const text: string[] = [];
  const thoughts: string[] = [];
  const calls: NeutralToolCall[] = [];
  let signature: string | undefined;
  for (const [index, part] of list.entries()) {
    const place = at(path, index);
    signature ??= optional(part, 'thoughtSignature', place, readText);
    if (part['functionCall'] !== undefined) calls.push(readCall(part['functionCall'], place, calls.length, ledger));
    else if (part['text'] !== undefined)
      (part['thought'] === true ? thoughts : text).push(readText(part['text'], place));
  }
  const said = text.join('');
  const reasoning = thoughts.length > 0 || signature !== undefined;
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: said === '' ? undefined : said,
    reasoning: reasoning ? { text: thoughts.join(''), ...(signature !== undefined && { signature }) } : undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
  });
}

/** A call. One without an id is told from others by the place where it stands. */
function readCall(value: unknown, path: string, index: number, ledger: CallLedger): NeutralToolCall {
  const place = join(path, 'functionCall');
  const call = readObject(value, place, set('id name args partialArgs willContinue'));
  const name = readMatch(call['name'], join(place, 'name'), functionName);
  const id = optional(call, 'id', place, readWords) ?? `${path}/${index}`;
  ledger.call(id, name, place);
  return { id, name, arguments: optional(call, 'args', place, readFields) ?? {} };
}

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
