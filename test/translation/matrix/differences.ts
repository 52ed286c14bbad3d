import { isDeepStrictEqual } from 'node:util';
import type {
  NeutralAnswer,
  NeutralClient,
  NeutralFinish,
  NeutralMessage,
  NeutralPart,
  NeutralProvider,
  NeutralReading,
  NeutralRequest,
} from '../neutral.ts';

/** Where two sides say different things: by a name of the part, what each of them says. */
export type Differences = ReadonlyMap<string, { readonly told: unknown; readonly read: unknown }>;

/** Settings, compared one by one. */
const settings = [
  'tools',
  'toolChoice',
  'parallelToolCalls',
  'temperature',
  'topP',
  'topK',
  'maxOutputTokens',
  'stop',
  'seed',
  'reasoning',
  'schema',
] as const;

/** What the client told, as far as its format has words for it, against what the provider read. */
export function requestDifferences(
  told: NeutralRequest,
  read: NeutralRequest,
  client: NeutralClient,
  provider: NeutralProvider,
): Differences {
  const differences = new Map<string, { told: unknown; read: unknown }>();
  const compare = (name: string, left: unknown, right: unknown): void => {
    if (!isDeepStrictEqual(left, right)) differences.set(name, { told: left, read: right });
  };
  const asked = withChoice(told);
  const got =
    read.tools === undefined && told.toolChoice === 'none'
      ? { ...read, toolChoice: told.toolChoice }
      : withChoice(read);
  for (const name of settings) compare(name, asked[name], got[name]);
  const hasIds = !client.lacks.includes('callIds') && provider.can.asks?.includes('call_ids') !== false;
  const spaced = plain(told.messages, hasIds, '\n\n');
  const right = plain(read.messages.map(withFailure), hasIds);
  // A format whose messages are one text puts a blank line between parts.
  const left = isDeepStrictEqual(spaced, right) ? spaced : plain(told.messages, hasIds);
  compareReasoning(left, right, compare);
  compareMessages(left.map(withoutReasoning), right.map(withoutReasoning), compare);
  return differences;
}

type Compare = (name: string, told: unknown, read: unknown) => void;

/** A difference that has a name of its own is told by it, so that a loss explains no more than it should. */
function compareMessages(told: readonly NeutralMessage[], read: readonly NeutralMessage[], compare: Compare): void {
  const hasFailure = (messages: readonly NeutralMessage[]): boolean => messages.some((message) => 'isError' in message);
  const isFlagLost = hasFailure(told) && !hasFailure(read);
  const left = isFlagLost ? told.map(withoutFailure) : told;
  if (isFlagLost) compare('isError', true, undefined);
  const isOrderLost = isDeepStrictEqual(systemFirst(left), read);
  compare(isOrderLost ? 'systemPosition' : 'messages', left, read);
}

/** Reasoning that is given back, and its proofs, turn by turn. */
function compareReasoning(told: readonly NeutralMessage[], read: readonly NeutralMessage[], compare: Compare): void {
  const thoughts = (messages: readonly NeutralMessage[]) =>
    messages.flatMap((message) => (message.role === 'assistant' ? [message.reasoning] : []));
  const [left, right] = [thoughts(told), thoughts(read)];
  compare('earlierReasoning', left.map(textOf), right.map(textOf));
  compare('proof', left.map(proofOf), right.map(proofOf));
}

const textOf = (thought: { readonly text: string } | undefined): string => thought?.text ?? '';
const proofOf = (thought: { readonly signature?: string } | undefined): string | undefined => thought?.signature;

function withoutReasoning(message: NeutralMessage): NeutralMessage {
  if (message.role !== 'assistant') return message;
  const { reasoning: _apart, ...rest } = message;
  return rest;
}

/**
 * A choice in one form: `auto` is what is meant without one, a certain tool is also asked for where it is the only one, and
 * where no tool may be called none need be told, which is a loss of its own.
 */
function withChoice({ toolChoice, ...request }: NeutralRequest): NeutralRequest {
  if (toolChoice === undefined || toolChoice === 'auto') return request;
  if (typeof toolChoice !== 'object') return { ...request, toolChoice };
  const tools = request.tools?.filter(({ name }) => name === toolChoice.name) ?? [];
  return { ...request, tools, toolChoice: 'required' };
}

/** Messages without what formats differ in where nothing is lost: ids that a side lacks, the seams of texts. */
function plain(messages: readonly NeutralMessage[], hasIds: boolean, seam = ''): readonly NeutralMessage[] {
  const names = new Map<string, string>();
  const rename = (id: string): string => {
    if (hasIds) return id;
    const known = names.get(id) ?? `call ${names.size + 1}`;
    names.set(id, known);
    return known;
  };
  return joinTurns(messages).map((message) => {
    switch (message.role) {
      case 'user':
        return { role: 'user', parts: joinTexts(message.parts, seam) };
      case 'tool': {
        const { isError, ...rest } = message;
        return { ...rest, callId: rename(message.callId), ...(isError === true && { isError }) };
      }
      case 'assistant': {
        const { text, reasoning, toolCalls } = message;
        return {
          role: 'assistant',
          ...(text !== undefined && text !== '' && { text }),
          ...(reasoning !== undefined && { reasoning }),
          ...(toolCalls !== undefined &&
            toolCalls.length > 0 && { toolCalls: toolCalls.map((call) => ({ ...call, id: rename(call.id) })) }),
        };
      }
      default:
        return message;
    }
  });
}

/** Formats in which the sides take turns say neighbours as one. */
function joinTurns(messages: readonly NeutralMessage[]): readonly NeutralMessage[] {
  const joined: NeutralMessage[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (message.role === 'user' && last?.role === 'user')
      joined.splice(-1, 1, { role: 'user', parts: [...last.parts, ...message.parts] });
    else joined.push(message);
  }
  return joined;
}

function joinTexts(parts: readonly NeutralPart[], seam: string): readonly NeutralPart[] {
  const joined: NeutralPart[] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (part.type === 'text' && last?.type === 'text')
      joined.splice(-1, 1, { type: 'text', text: last.text + seam + part.text });
    else joined.push(part);
  }
  return joined;
}

function withoutFailure(message: NeutralMessage): NeutralMessage {
  if (message.role !== 'tool') return message;
  const { isError: _lost, ...rest } = message;
  return rest;
}

/** A format without a flag says it in words. */
function withFailure(message: NeutralMessage): NeutralMessage {
  if (message.role !== 'tool' || !message.text.startsWith('Error: ')) return message;
  return { ...message, text: message.text.slice('Error: '.length), isError: true };
}

function systemFirst(messages: readonly NeutralMessage[]): readonly NeutralMessage[] {
  const isSystem = ({ role }: NeutralMessage): boolean => role === 'system';
  return [...messages.filter(isSystem), ...messages.filter((message) => !isSystem(message))];
}

/** The nearest word, where a format has no better one. */
const nearest: Readonly<Record<string, Partial<Record<NeutralFinish, NeutralFinish>>>> = {
  'openai-chat': { refusal: 'content_filter' },
  'openai-responses': { refusal: 'content_filter' },
  'anthropic-messages': { content_filter: 'refusal' },
  gemini: { refusal: 'content_filter' },
  ollama: { refusal: 'content_filter' },
};

/** What the provider said against what the client read. */
export function answerDifferences(
  said: NeutralAnswer,
  { answer }: NeutralReading,
  client: NeutralClient,
  provider: NeutralProvider,
): Differences {
  const differences = new Map<string, { told: unknown; read: unknown }>();
  const compare = (name: string, left: unknown, right: unknown): void => {
    if (!isDeepStrictEqual(left, right)) differences.set(name, { told: left, read: right });
  };
  const { usage } = said;
  const counts = provider.can.usage ?? [];
  compare('text', (said.text ?? []).join(''), answer.text);
  compare('reasoning', (said.reasoning ?? []).join(''), answer.reasoning);
  compare('signature', said.signature !== undefined, answer.signature !== undefined);
  const hasIds = !client.lacks.includes('callIds') && provider.can.asks?.includes('call_ids') !== false;
  const call = ({ id, name, arguments: json }: (typeof answer.toolCalls)[number]) => ({
    ...(hasIds && { id }),
    name,
    json,
  });
  compare('toolCalls', (said.toolCalls ?? []).map(call), answer.toolCalls.map(call));
  compare('ids', new Set(answer.toolCalls.map(({ id }) => id)).size, answer.toolCalls.length);
  if (answer.finish === undefined || answer.finish !== nearest[client.dialect]?.[said.finish])
    compare('finish', said.finish, answer.finish);
  compare('usage.input', usage.input, answer.usage?.input);
  compare('usage.output', usage.output, answer.usage?.output);
  for (const name of ['cacheRead', 'reasoning'] as const)
    compare(`usage.${name}`, counts.includes(name) ? (usage[name] ?? 0) : 0, answer.usage?.[name] ?? 0);
  return differences;
}
