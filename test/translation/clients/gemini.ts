import type { NeutralClient, NeutralFinish, NeutralMessage, NeutralRequest } from '../neutral.ts';
import { utf8 } from './event-stream.ts';
import {
  compact,
  count,
  demand,
  filled,
  given,
  isJson,
  list,
  object,
  parse,
  reading,
  ReportedError,
  seal,
  text,
  unseal,
  type Draft,
  type Json,
} from './strict.ts';

/** As @google/genai writes and reads: it is no SSE parser, and splits at blank lines. */
export const geminiClient: NeutralClient = {
  dialect: 'gemini',
  can: { reasoning: true, signature: true },
  lacks: ['parallelToolCalls', 'lateSystem'],
  request: (request, stream) => ({
    path: `v1beta/models/test-model:${stream ? 'streamGenerateContent?alt=sse' : 'generateContent'}`,
    headers: { 'x-goog-api-key': 'key', 'content-type': 'application/json' },
    body: writeBody(request),
  }),
  readStream: (bytes) => reading((draft) => readStream(bytes, draft)),
  readDocument: (body) =>
    reading((draft) => {
      const answer = emptyAnswer();
      readChunk(object(parse(body), 'the document'), answer);
      settle(answer, draft);
    }),
  readError: (body) => errorOf(object(parse(body), 'the body of an error')),
};

function writeBody(request: NeutralRequest): Json {
  const system = request.messages.flatMap((message) => (message.role === 'system' ? [{ text: message.text }] : []));
  const generation = compact({
    temperature: request.temperature,
    topP: request.topP,
    topK: request.topK,
    maxOutputTokens: request.maxOutputTokens,
    stopSequences: request.stop,
    seed: request.seed,
    ...(request.schema !== undefined && { responseMimeType: 'application/json', responseJsonSchema: request.schema }),
    ...(request.reasoning === true && { thinkingConfig: { includeThoughts: true, thinkingBudget: 1024 } }),
  });
  const declarations = request.tools?.map(({ name, description, parameters }) =>
    compact({ name, description, parametersJsonSchema: parameters }),
  );
  return compact({
    contents: writeContents(request.messages),
    systemInstruction: system.length === 0 ? undefined : { role: 'user', parts: system },
    tools: declarations && [{ functionDeclarations: declarations }],
    toolConfig: writeChoice(request.toolChoice),
    generationConfig: Object.keys(generation).length === 0 ? undefined : generation,
  });
}

function writeChoice(choice: NeutralRequest['toolChoice']): Json | undefined {
  if (choice === undefined) return undefined;
  if (typeof choice === 'object')
    return { functionCallingConfig: { mode: 'ANY', allowedFunctionNames: [choice.name] } };
  return { functionCallingConfig: { mode: { auto: 'AUTO', none: 'NONE', required: 'ANY' }[choice] } };
}

function writeContents(messages: readonly NeutralMessage[]): readonly Json[] {
  const names = new Map(
    messages.flatMap((message) =>
      message.role === 'assistant' ? (message.toolCalls ?? []).map(({ id, name }) => [id, name] as const) : [],
    ),
  );
  const turns: { role: string; parts: unknown[] }[] = [];
  for (const message of messages) {
    if (message.role === 'system') continue;
    const role = message.role === 'assistant' ? 'model' : 'user';
    const last = turns.at(-1);
    if (last?.role === role) last.parts.push(...writeParts(message, names));
    else turns.push({ role, parts: [...writeParts(message, names)] });
  }
  return turns;
}

function writeParts(
  message: Exclude<NeutralMessage, { role: 'system' }>,
  names: ReadonlyMap<string, string>,
): readonly unknown[] {
  switch (message.role) {
    case 'user':
      return message.parts.map((part) => {
        if (part.type === 'text') return { text: part.text };
        if (part.type === 'image') return { inlineData: { mimeType: part.mediaType, data: part.base64 } };
        return { fileData: { fileUri: part.url, mimeType: 'image/png' } };
      });
    case 'tool': {
      const response = message.isError === true ? { error: message.text } : { output: message.text };
      return [{ functionResponse: { id: message.callId, name: names.get(message.callId) ?? '', response } }];
    }
    case 'assistant': {
      const { text: words, reasoning, toolCalls = [] } = message;
      const replay = unseal(reasoning?.signature);
      if (Array.isArray(replay)) return replay as unknown[];
      return [
        ...(reasoning === undefined ? [] : [{ text: reasoning.text, thought: true }]),
        ...(words === undefined ? [] : [{ text: words }]),
        ...toolCalls.map(({ id, name, arguments: args }) => ({ functionCall: { id, name, args } })),
      ];
    }
  }
}

interface Answer {
  parts: Json[];
  finish?: string;
  blocked?: string;
  usage?: Json;
}

const emptyAnswer = (): Answer => ({ parts: [] });

function readStream(bytes: Buffer, draft: Draft): void {
  const answer = emptyAnswer();
  let id: unknown;
  try {
    const blocks = utf8(bytes).split(/\r\n\r\n|\n\n|\r\r/);
    demand(blocks.pop() === '', 'the last chunk is not ended');
    for (const block of blocks) {
      // The client drops what begins otherwise, and so would lose whatever stands behind it.
      if (!block.startsWith('data:')) {
        demand(/^:[^\n\r]*$/.test(block), `a chunk that is not read: ${block}`);
        continue;
      }
      const chunk = object(parse(block.slice(5).trim()), 'a chunk');
      readChunk(chunk, answer);
      if (given(chunk['responseId'])) {
        demand(id === undefined || chunk['responseId'] === id, 'responseId changes');
        id = filled(chunk['responseId'], 'responseId');
      }
    }
  } finally {
    settle(answer, draft);
  }
  demand(answer.finish !== undefined || answer.blocked !== undefined, 'no finishReason');
}

function readChunk(chunk: Json, answer: Answer): void {
  if (given(chunk['error'])) throw new ReportedError(errorOf(chunk));
  const feedback = object(chunk['promptFeedback'] ?? {}, 'promptFeedback');
  if (given(feedback['blockReason'])) answer.blocked = text(feedback['blockReason'], 'blockReason');
  if (given(chunk['usageMetadata'])) answer.usage = object(chunk['usageMetadata'], 'usageMetadata');
  for (const value of list(chunk['candidates'] ?? [], 'candidates')) {
    const candidate = object(value, 'candidate');
    demand((candidate['index'] ?? 0) === 0, 'a candidate beside the first');
    const content = object(candidate['content'] ?? {}, 'content');
    const parts = list(content['parts'] ?? [], 'parts').map((part) => object(part, 'part'));
    demand(parts.length === 0 || content['role'] === 'model', 'parts without the role of the model');
    demand(parts.length === 0 || answer.finish === undefined, 'parts behind the finish reason');
    for (const part of parts) readPart(part, answer);
    if (given(candidate['finishReason'])) {
      demand(answer.finish === undefined, 'two finish reasons');
      answer.finish = text(candidate['finishReason'], 'finishReason');
    }
  }
}

function readPart(part: Json, answer: Answer): void {
  const last = answer.parts.at(-1);
  const isPlain = ({ functionCall }: Json): boolean => functionCall === undefined;
  demand(
    ['text', 'functionCall', 'thoughtSignature'].some((field) => given(part[field])),
    'a part of nothing',
  );
  if (given(part['text'])) text(part['text'], 'text');
  if (given(part['functionCall'])) {
    const call = object(part['functionCall'], 'functionCall');
    filled(call['name'], 'name of a call');
    object(call['args'] ?? {}, 'args');
  }
  const joins =
    last !== undefined &&
    isPlain(part) &&
    isPlain(last) &&
    last['thoughtSignature'] === undefined &&
    last['thought'] === part['thought'];
  if (!joins) return void answer.parts.push(part);
  answer.parts[answer.parts.length - 1] = { ...last, ...part, text: wordsOf(last) + wordsOf(part) };
}

const wordsOf = (part: Json): string => (typeof part['text'] === 'string' ? part['text'] : '');

function settle({ parts, finish, blocked, usage }: Answer, draft: Draft): void {
  const calls = parts.flatMap((part) => (isJson(part['functionCall']) ? [part['functionCall']] : []));
  draft.text = parts.map((part) => (part['thought'] === true ? '' : wordsOf(part))).join('');
  draft.reasoning = parts.map((part) => (part['thought'] === true ? wordsOf(part) : '')).join('');
  if (finish === undefined && blocked === undefined) return;
  draft.toolCalls = calls.map(({ id, name, args }, index) => ({
    id: given(id) ? filled(id, 'id of a call') : `by-place-${index}`,
    name: text(name, 'name'),
    arguments: args ?? {},
  }));
  if (parts.some(({ thoughtSignature }) => given(thoughtSignature))) {
    for (const { thoughtSignature } of parts) if (given(thoughtSignature)) checkBase64(thoughtSignature);
    draft.signature = seal(parts);
  }
  draft.finish = blocked === undefined ? finishOf(finish ?? '', calls.length > 0) : 'content_filter';
  if (usage !== undefined) draft.usage = usageOf(usage);
}

/** The field is of bytes: what is no base64 is refused by the API. */
function checkBase64(value: unknown): void {
  demand(/^[A-Za-z0-9+/_-]+={0,2}$/.test(text(value, 'thoughtSignature')), 'a signature that is no base64');
}

const filters = ['SAFETY', 'RECITATION', 'BLOCKLIST', 'PROHIBITED_CONTENT', 'SPII'];

function finishOf(word: string, hasCalls: boolean): NeutralFinish {
  if (word === 'STOP') return hasCalls ? 'tool_calls' : 'stop';
  if (word === 'MAX_TOKENS') return 'length';
  if (word === 'OTHER') return 'pause';
  demand(filters.includes(word), `the finish reason ${word}`);
  return 'content_filter';
}

/** Candidates don't hold the thoughts; the prompt holds what the cache gave. */
function usageOf(usage: Json): NonNullable<Draft['usage']> {
  const part = (name: string): number => (given(usage[name]) ? count(usage[name], name) : 0);
  const input = part('promptTokenCount') + part('toolUsePromptTokenCount');
  const output = part('candidatesTokenCount') + part('thoughtsTokenCount');
  demand(usage['totalTokenCount'] === input + output, 'totalTokenCount is no sum');
  return {
    input,
    output,
    ...(given(usage['cachedContentTokenCount']) && { cacheRead: part('cachedContentTokenCount') }),
    ...(given(usage['thoughtsTokenCount']) && { reasoning: part('thoughtsTokenCount') }),
  };
}

function errorOf(document: Json): ReturnType<NeutralClient['readError']> {
  const error = object(document['error'], 'error');
  return {
    message: filled(error['message'], 'message of the error'),
    type: filled(error['status'], 'status of the error'),
    code: count(error['code'], 'code of the error'),
  };
}
