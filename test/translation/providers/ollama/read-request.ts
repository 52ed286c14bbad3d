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
  readNumber,
  readOneOf,
  readText,
  readWords,
  refuse,
  type Fields,
} from '../support/reading.ts';
import { readObjectSchema, readSchema } from '../support/schema-rules.ts';

/** The server reads over other fields, so what stands in them is lost without a word: they are refused here. */
const known = set('model messages tools format options stream keep_alive think truncate shift logprobs top_logprobs');
const optionNames = set(
  'num_keep seed num_predict top_k top_p min_p typical_p repeat_last_n temperature repeat_penalty presence_penalty ' +
    'frequency_penalty stop num_ctx num_batch num_gpu main_gpu use_mmap num_thread draft_num_predict',
);

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  if (!path.endsWith('/api/chat')) refuse('path', `"${path}" is not of this API`);
  const fields = readBody(body, known);
  readWords(fields['model'], 'model');
  optional(fields, 'stream', '', readFlag);
  const options = optional(fields, 'options', '', readOptions);
  const tools = optional(fields, 'tools', '', readTools);
  return present<NeutralRequest>({
    messages: readMessages(fields['messages']),
    tools: tools && tools.length > 0 ? tools : undefined,
    toolChoice: undefined,
    parallelToolCalls: undefined,
    temperature: options?.temperature,
    topP: options?.topP,
    topK: options?.topK,
    maxOutputTokens: options?.maxOutputTokens,
    stop: options?.stop,
    seed: options?.seed,
    reasoning: optional(fields, 'think', '', readThink),
    schema: readFormat(fields['format']),
  });
}

function readThink(value: unknown, path: string): boolean {
  if (typeof value === 'boolean') return value;
  readOneOf(value, path, ['low', 'medium', 'high', 'max']);
  return true;
}

function readFormat(value: unknown): unknown {
  if (value === undefined || value === null || value === '' || value === 'json') return undefined;
  return typeof value === 'string' ? refuse('format', `invalid format: "${value}"`) : readSchema(value, 'format');
}

type Options = Pick<NeutralRequest, 'temperature' | 'topP' | 'topK' | 'maxOutputTokens' | 'stop' | 'seed'>;

function readOptions(value: unknown, path: string): Options {
  const options = readFields(value, path, optionNames);
  const integer = (one: unknown, place: string): number => readNumber(one, place, { integer: true });
  const number = (one: unknown, place: string): number => readNumber(one, place);
  for (const name of ['num_ctx', 'num_batch', 'num_gpu', 'repeat_last_n']) optional(options, name, path, integer);
  for (const name of ['min_p', 'repeat_penalty', 'presence_penalty', 'frequency_penalty'])
    optional(options, name, path, number);
  return present<Options>({
    temperature: optional(options, 'temperature', path, (one, place) => readNumber(one, place, { min: 0 })),
    topP: optional(options, 'top_p', path, (one, place) => readNumber(one, place, { min: 0, max: 1 })),
    topK: optional(options, 'top_k', path, integer),
    maxOutputTokens: optional(options, 'num_predict', path, integer),
    stop: optional(options, 'stop', path, (one, place) =>
      readList(one, place).map((word, index) => readText(word, at(place, index))),
    ),
    seed: optional(options, 'seed', path, integer),
  });
}

function readTools(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  return readList(value, path).map((item, index) => {
    const place = at(path, index);
    const tool = readFields(item, place, set('type function'));
    readOneOf(tool['type'], join(place, 'type'), ['function']);
    const inner = join(place, 'function');
    const about = readFields(tool['function'], inner, set('name description parameters'));
    const name = readWords(about['name'], join(inner, 'name'));
    const parameters = optional(about, 'parameters', inner, readObjectSchema) ?? { type: 'object', properties: {} };
    return present({ name, description: optional(about, 'description', inner, readText), parameters });
  });
}

function readMessages(value: unknown): readonly NeutralMessage[] {
  const list = readList(value, 'messages');
  if (list.length === 0) refuse('messages', 'empty messages only load the model and answer nothing');
  const ledger = new CallLedger();
  const messages = list.map((item, index) => readMessage(item, at('messages', index), ledger));
  ledger.settle('messages');
  return messages;
}

function readMessage(value: unknown, path: string, ledger: CallLedger): NeutralMessage {
  const message = readFields(value, path, set('role content thinking images tool_calls tool_name tool_call_id'));
  const role = readOneOf(message['role'], join(path, 'role'), ['system', 'user', 'assistant', 'tool']);
  const content_ = optional(message, 'content', path, readText);
  const images = optional(message, 'images', path, readImages) ?? [];
  if (role === 'tool') return { role, callId: readAnswered(message, path, ledger), text: content_ ?? '' };
  ledger.settle(path);
  if (role === 'assistant') return readAssistant(message, content_, path, ledger);
  if (message['tool_calls'] !== undefined) refuse(join(path, 'tool_calls'), `is no field of a ${role}`);
  if (role === 'system') return { role, text: content_ ?? refuse(join(path, 'content'), 'is needed') };
  const text: readonly NeutralPart[] =
    content_ === undefined || content_ === '' ? [] : [{ type: 'text', text: content_ }];
  if (text.length === 0 && images.length === 0) refuse(path, 'says nothing');
  return { role, parts: [...text, ...images] };
}

/** Images are base64 without a media type; the server finds out what they are. */
function readImages(value: unknown, path: string): readonly NeutralPart[] {
  return readList(value, path).map((item, index) => {
    const base64 = readBase64(item, at(path, index));
    const kinds = { iVBORw: 'png', '/9j/': 'jpeg', R0lGOD: 'gif', UklGR: 'webp' };
    const kind = Object.entries(kinds).find(([start]) => base64.startsWith(start))?.[1];
    return { type: 'image', mediaType: `image/${kind ?? refuse(at(path, index), 'is no image')}`, base64 };
  });
}

function readAnswered(message: Fields, path: string, ledger: CallLedger): string {
  const id = optional(message, 'tool_call_id', path, readWords);
  const name = optional(message, 'tool_name', path, readWords);
  if (id === undefined) return name === undefined ? ledger.answerNext(path) : ledger.answerByName(name, path);
  const called = ledger.answer(id, path);
  return name === undefined || name === called ? id : refuse(join(path, 'tool_name'), 'is not the name of the call');
}

function readAssistant(message: Fields, text: string | undefined, path: string, ledger: CallLedger): NeutralMessage {
  const thinking = optional(message, 'thinking', path, readText);
  const toolCalls = optional(message, 'tool_calls', path, (value, place) =>
    readList(value, place).map((item, index) => readCall(item, at(place, index), ledger)),
  );
  if (text === undefined && !toolCalls?.length && thinking === undefined) refuse(path, 'says nothing');
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text === '' ? undefined : text,
    reasoning: thinking === undefined || thinking === '' ? undefined : { text: thinking },
    toolCalls: toolCalls && toolCalls.length > 0 ? toolCalls : undefined,
  });
}

/** A call. One without an id is told from others by the place where it stands. */
function readCall(value: unknown, path: string, ledger: CallLedger): NeutralToolCall {
  const call = readFields(value, path, set('id type function'));
  const place = join(path, 'function');
  const about = readFields(call['function'], place, set('index name arguments'));
  optional(about, 'index', place, (one, where) => readNumber(one, where, { min: 0, integer: true }));
  const name = readWords(about['name'], join(place, 'name'));
  const id = optional(call, 'id', path, readWords) ?? path;
  ledger.call(id, name, path);
  return { id, name, arguments: readFields(about['arguments'], join(place, 'arguments')) };
}

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
