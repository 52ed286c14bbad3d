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
import { readObjectSchema, readSchema } from '../support/schema-rules.ts';

const known = set(
  'messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields promptVariables ' +
    'additionalModelResponseFieldPaths requestMetadata performanceConfig serviceTier outputConfig',
);
/** What the models of Anthropic take beside the fields of the format. */
const claudeFields = set(
  'anthropic_beta anthropic_version thinking reasoning_config top_k tool_choice tools output_config output_format metadata context_management',
);
const identifier = /^[a-zA-Z0-9_-]{1,64}$/;

/** A request of this API in neutral words. Throws `Refused` for what the true service refuses. */
export function readRequest(path: string, body: string): NeutralRequest {
  const called = /^\/model\/([^/]+)\/converse(?:-stream)?$/.exec(path.split('?')[0] ?? '');
  const name = decodeURIComponent(called?.[1] ?? refuse('path', `"${path}" is not of this API`));
  const fields = readBody(body, known);
  const config = optional(fields, 'inferenceConfig', '', readInference) ?? {};
  const extra = readAdditional(fields, name, config);
  const tools = optional(fields, 'toolConfig', '', readTools);
  const conversation = readMessages(fields['messages'], {
    hasTools: tools !== undefined,
    thinks: extra.reasoning === true,
    // A guardrail answers before the model sees the turns.
    guarded: fields['guardrailConfig'] !== undefined,
  });
  return present<NeutralRequest>({
    messages: [...(optional(fields, 'system', '', readSystem) ?? []), ...conversation],
    tools: tools?.tools,
    toolChoice: tools?.toolChoice,
    parallelToolCalls: extra.parallel,
    temperature: config.temperature,
    topP: config.topP,
    topK: extra.topK,
    maxOutputTokens: config.maxOutputTokens,
    stop: config.stop,
    seed: undefined,
    reasoning: extra.reasoning,
    schema: optional(fields, 'outputConfig', '', readOutput),
  });
}

interface Inference {
  readonly maxOutputTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly stop?: readonly string[];
}

function readInference(value: unknown, path: string): Inference {
  const config = readFields(value, path, set('maxTokens temperature topP stopSequences'));
  const stop = optional(config, 'stopSequences', path, (one, place) => readStops(one, place, 2_500));
  return present<Inference>({
    maxOutputTokens: optional(config, 'maxTokens', path, (one, place) =>
      readNumber(one, place, { min: 1, integer: true }),
    ),
    temperature: optional(config, 'temperature', path, (one, place) => readNumber(one, place, { min: 0, max: 1 })),
    topP: optional(config, 'topP', path, (one, place) => readNumber(one, place, { min: 0, max: 1 })),
    stop: stop && stop.length > 0 ? stop : undefined,
  });
}

interface Additional {
  readonly topK?: number;
  readonly reasoning?: boolean;
  readonly parallel?: boolean;
}

function readAdditional(fields: Fields, name: string, config: Inference): Additional {
  const claude = name.includes('anthropic.');
  if (
    claude &&
    config.temperature !== undefined &&
    config.topP !== undefined &&
    /-(sonnet|haiku|opus)-4-[1-9]/.test(name)
  )
    refuse('inferenceConfig', 'temperature and top_p cannot both be specified for this model');
  return (
    optional(fields, 'additionalModelRequestFields', '', (value, path) => {
      const extra = readFields(value, path, claude ? claudeFields : undefined);
      const key = extra['thinking'] === undefined ? 'reasoning_config' : 'thinking';
      const reasoning = optional(extra, key, path, (one, place) => readThinking(one, place, config));
      const topK = optional(extra, 'top_k', path, (one, place) => readNumber(one, place, { min: 0, integer: true }));
      if (reasoning === true && config.temperature !== undefined && config.temperature !== 1)
        refuse('inferenceConfig.temperature', 'may only be set to 1 when thinking is enabled');
      if (reasoning === true && topK !== undefined) refuse(path, 'top_k must be unset when thinking is enabled');
      if (reasoning === true && config.topP !== undefined)
        readNumber(config.topP, 'inferenceConfig.topP', { min: 0.95 });
      const disabled = optional(extra, 'tool_choice', path, (one, place) =>
        optional(readFields(one, place), 'disable_parallel_tool_use', place, readFlag),
      );
      return present<Additional>({ topK, reasoning, parallel: disabled === undefined ? undefined : !disabled });
    }) ?? {}
  );
}

function readThinking(value: unknown, path: string, { maxOutputTokens }: Inference): boolean {
  const thinking = readFields(value, path, set('type budget_tokens display'));
  const type = readOneOf(thinking['type'], join(path, 'type'), ['enabled', 'disabled', 'adaptive']);
  if (type !== 'enabled') return type === 'adaptive';
  const budget = readNumber(thinking['budget_tokens'], join(path, 'budget_tokens'), { min: 1_024, integer: true });
  if (maxOutputTokens !== undefined && budget >= maxOutputTokens)
    refuse('inferenceConfig.maxTokens', 'must be greater than thinking.budget_tokens');
  return true;
}

function readOutput(value: unknown, path: string): unknown {
  const output = readFields(value, path, set('textFormat effort'));
  return optional(output, 'textFormat', path, (one, place) => {
    const format = readFields(one, place, set('type structure'));
    readOneOf(format['type'], join(place, 'type'), ['json_schema']);
    const structure = readFields(format['structure'], join(place, 'structure'), set('jsonSchema'));
    const where = join(place, 'structure.jsonSchema');
    const about = readFields(structure['jsonSchema'], where, set('schema name description'));
    try {
      return readSchema(JSON.parse(readText(about['schema'], join(where, 'schema'))), join(where, 'schema'));
    } catch (error) {
      if (error instanceof SyntaxError) return refuse(join(where, 'schema'), 'is no JSON');
      throw error;
    }
  });
}

interface ToolConfig {
  readonly tools: NonNullable<NeutralRequest['tools']>;
  readonly toolChoice?: NonNullable<NeutralRequest['toolChoice']>;
}

function readTools(value: unknown, path: string): ToolConfig {
  const config = readFields(value, path, set('tools toolChoice'));
  const place = join(path, 'tools');
  const list = readList(config['tools'], place);
  if (list.length === 0) refuse(place, 'member must have length greater than or equal to 1');
  const tools = list.flatMap((item, index) => readTool(item, at(place, index)));
  if (new Set(tools.map(({ name }) => name)).size < tools.length) refuse(place, 'tool names must be unique');
  return present<ToolConfig>({
    tools,
    toolChoice: optional(config, 'toolChoice', path, (one, where) => readChoice(one, where, tools)),
  });
}

function readTool(value: unknown, path: string): NonNullable<NeutralRequest['tools']> {
  const [kind, inner] = readUnion(value, path, ['toolSpec', 'cachePoint', 'systemTool']);
  if (kind !== 'toolSpec') return [];
  const place = join(path, kind);
  const spec = readFields(inner, place, set('name description inputSchema strict'));
  const name = readMatch(spec['name'], join(place, 'name'), identifier);
  const description = optional(spec, 'description', place, readWords);
  const schema = readFields(spec['inputSchema'], join(place, 'inputSchema'), set('json'));
  const parameters = readObjectSchema(schema['json'], join(place, 'inputSchema.json'));
  return [present({ name, description, parameters })];
}

function readChoice(
  value: unknown,
  path: string,
  tools: ToolConfig['tools'],
): NonNullable<NeutralRequest['toolChoice']> {
  const [kind, inner] = readUnion(value, path, ['auto', 'any', 'tool']);
  const fields = readFields(inner, join(path, kind), set(kind === 'tool' ? 'name' : ''));
  if (kind !== 'tool') return kind === 'any' ? 'required' : 'auto';
  const name = readText(fields['name'], join(path, 'tool.name'));
  return tools.some((tool) => tool.name === name) ? { name } : refuse(path, `"${name}" is not among the tools`);
}

/** The one member of a union and its value. */
function readUnion<T extends string>(
  value: unknown,
  path: string,
  kinds: readonly T[],
): readonly [kind: T, value: unknown] {
  const fields = readFields(value, path, new Set<string>(kinds));
  const [kind, ...more] = kinds.filter((name) => fields[name] !== undefined);
  return kind === undefined || more.length > 0
    ? refuse(path, `must have exactly one of ${kinds.join(', ')}`)
    : [kind, fields[kind]];
}

function readSystem(value: unknown, path: string): readonly NeutralMessage[] {
  return readList(value, path).flatMap((item, index) => {
    const [kind, inner] = readUnion(item, at(path, index), ['text', 'cachePoint', 'guardContent']);
    return kind === 'text' ? [{ role: 'system', text: readWords(inner, join(at(path, index), kind)) } as const] : [];
  });
}

const blockKinds = [
  'text',
  'image',
  'document',
  'video',
  'audio',
  'toolUse',
  'toolResult',
  'guardContent',
  'cachePoint',
  'reasoningContent',
  'citationsContent',
  'searchResult',
] as const;

type Block = readonly [kind: (typeof blockKinds)[number], value: unknown];

interface Rules {
  readonly hasTools: boolean;
  readonly thinks: boolean;
  readonly guarded: boolean;
}

function readMessages(value: unknown, { hasTools, thinks, guarded }: Rules): readonly NeutralMessage[] {
  const list = readList(value, 'messages');
  if (list.length === 0) refuse('messages', 'a conversation must have a message');
  const ledger = new CallLedger();
  const messages = list.flatMap((item, index) => {
    const path = at('messages', index);
    const turn = readFields(item, path, set('role content'));
    const role = readOneOf(turn['role'], join(path, 'role'), ['user', 'assistant']);
    if (!guarded && role !== (index % 2 === 0 ? 'user' : 'assistant'))
      refuse(path, 'a conversation must alternate between user and assistant roles, and start with user');
    const place = join(path, 'content');
    const blocks: readonly Block[] = readList(turn['content'], place).map((block, number) =>
      readUnion(block, at(place, number), blockKinds),
    );
    if (blocks.length === 0) refuse(place, 'the content field must not be empty');
    if (!hasTools && blocks.some(([kind]) => kind === 'toolUse' || kind === 'toolResult'))
      refuse('toolConfig', 'must be defined when using toolUse and toolResult content blocks');
    if (thinks && role === 'assistant' && index === list.length - 2) checkThinkingFirst(blocks, place);
    return role === 'user' ? readUser(blocks, place, ledger) : [readAssistant(blocks, place, ledger)];
  });
  ledger.settle('messages');
  return messages;
}

/** With a budget, the turn whose tools are being answered starts with its thinking. */
function checkThinkingFirst(blocks: readonly Block[], path: string): void {
  if (blocks.some(([kind]) => kind === 'toolUse') && blocks[0]?.[0] !== 'reasoningContent')
    refuse(
      path,
      'expected thinking, but found other content: when thinking is enabled, it must start with a thinking block',
    );
}

function readUser(blocks: readonly Block[], path: string, ledger: CallLedger): readonly NeutralMessage[] {
  const results: NeutralMessage[] = [];
  const parts: NeutralPart[] = [];
  for (const [index, [kind, value]] of blocks.entries()) {
    const place = join(at(path, index), kind);
    if (kind === 'toolResult') results.push(readResult(value, place, ledger));
    else if (kind === 'text') parts.push({ type: kind, text: readWords(value, place) });
    else if (kind === 'image') parts.push(...readImage(value, place));
    else if (kind === 'guardContent') parts.push(...readGuarded(value, place));
    else if (kind === 'toolUse' || kind === 'reasoningContent') refuse(place, 'is no block of a user');
  }
  ledger.settle(path);
  return parts.length > 0 ? [...results, { role: 'user', parts }] : results;
}

function readGuarded(value: unknown, path: string): readonly NeutralPart[] {
  const [kind, inner] = readUnion(value, path, ['text', 'image']);
  if (kind === 'image') return readImage(inner, join(path, kind));
  const guarded = readFields(inner, join(path, kind), set('text qualifiers'));
  return [{ type: kind, text: readWords(guarded['text'], join(path, 'text.text')) }];
}

function readImage(value: unknown, path: string): readonly NeutralPart[] {
  const image = readFields(value, path, set('format source'));
  const format = readOneOf(image['format'], join(path, 'format'), ['png', 'jpeg', 'gif', 'webp']);
  const [kind, inner] = readUnion(image['source'], join(path, 'source'), ['bytes', 's3Location']);
  if (kind !== 'bytes') return [];
  return [{ type: 'image', mediaType: `image/${format}`, base64: readBase64(inner, join(path, 'source.bytes')) }];
}

function readResult(value: unknown, path: string, ledger: CallLedger): NeutralMessage {
  const result = readFields(value, path, set('toolUseId content status type'));
  const callId = readMatch(result['toolUseId'], join(path, 'toolUseId'), identifier);
  ledger.answer(callId, path);
  const status = optional(result, 'status', path, (word, place) => readOneOf(word, place, ['success', 'error']));
  const place = join(path, 'content');
  const text = readList(result['content'], place)
    .map((item, index) => {
      const [kind, inner] = readUnion(item, at(place, index), [
        'text',
        'json',
        'image',
        'document',
        'video',
        'searchResult',
      ]);
      if (kind === 'text') return readWords(inner, join(at(place, index), kind));
      if (kind === 'image') readImage(inner, join(at(place, index), kind));
      return kind === 'json' ? JSON.stringify(readFields(inner, join(at(place, index), kind))) : '';
    })
    .join('');
  return { role: 'tool', callId, text, ...(status === 'error' && { isError: true }) };
}

function readAssistant(blocks: readonly Block[], path: string, ledger: CallLedger): NeutralMessage {
  const text: string[] = [];
  const thoughts: { text: string; signature?: string }[] = [];
  const calls: NeutralToolCall[] = [];
  for (const [index, [kind, value]] of blocks.entries()) {
    const place = join(at(path, index), kind);
    if (kind === 'text') text.push(readWords(value, place));
    else if (kind === 'reasoningContent') thoughts.push(...readThought(value, place));
    else if (kind === 'toolUse') calls.push(readCall(value, place, ledger));
    else if (kind === 'toolResult' || kind === 'image') refuse(place, 'is no block of an assistant');
  }
  const signature = thoughts.at(-1)?.signature;
  const reasoning = { text: thoughts.map((one) => one.text).join(''), ...(signature !== undefined && { signature }) };
  return present<Extract<NeutralMessage, { role: 'assistant' }>>({
    role: 'assistant',
    text: text.length > 0 ? text.join('') : undefined,
    reasoning: thoughts.length > 0 ? reasoning : undefined,
    toolCalls: calls.length > 0 ? calls : undefined,
  });
}

function readThought(value: unknown, path: string): readonly { text: string; signature?: string }[] {
  const [kind, inner] = readUnion(value, path, ['reasoningText', 'redactedContent']);
  if (kind === 'redactedContent') {
    readBase64(inner, join(path, kind));
    return [];
  }
  const thought = readFields(inner, join(path, kind), set('text signature'));
  const signature = readWords(thought['signature'], join(path, 'reasoningText.signature'));
  return [{ text: readText(thought['text'], join(path, 'reasoningText.text')), signature }];
}

function readCall(value: unknown, path: string, ledger: CallLedger): NeutralToolCall {
  const call = readFields(value, path, set('toolUseId name input type'));
  const id = readMatch(call['toolUseId'], join(path, 'toolUseId'), identifier);
  const name = readMatch(call['name'], join(path, 'name'), identifier);
  ledger.call(id, name, path);
  return { id, name, arguments: readFields(call['input'], join(path, 'input')) };
}

function set(words: string): ReadonlySet<string> {
  return new Set(words.split(' '));
}
