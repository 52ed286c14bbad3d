import { readSse, type ReadStream } from './sse-reader.ts';

export interface ReadToolCall {
  readonly index: number;
  readonly id: string;
  readonly name: string;
  /** All fragments, joined. */
  readonly arguments: string;
}

/** A chat completions stream as a client sees it. Text, reason and calls are those of choice 0. */
export interface OpenAiReading extends ReadStream {
  readonly text: string;
  readonly refusal: string;
  readonly reasoning: string;
  /** Text by choice, for `n > 1`. */
  readonly texts: ReadonlyMap<number, string>;
  readonly role: string | undefined;
  readonly finishReason: string | undefined;
  readonly toolCalls: readonly ReadToolCall[];
  readonly usage: Readonly<Record<string, unknown>> | undefined;
  /** `[DONE]` came. */
  readonly done: boolean;
  /** The `error` object of the error frame. */
  readonly error: Readonly<Record<string, unknown>> | undefined;
  /** Every end that the stream announces, in order; one and only one is right. */
  readonly terminals: readonly ('done' | 'error')[];
  /** Frames and comments behind the first of them; 0 is right. */
  readonly afterTerminal: number;
  /** Data that is neither JSON nor `[DONE]`. */
  readonly malformed: readonly string[];
}

type Json = Readonly<Record<string, unknown>>;

interface Fold {
  readonly texts: Map<number, string>;
  readonly calls: Map<number, { id: string; name: string; arguments: string }>;
  readonly terminals: ('done' | 'error')[];
  readonly malformed: string[];
  refusal: string;
  reasoning: string;
  role?: string;
  finishReason?: string;
  usage?: Json;
  error?: Json;
  terminalAt?: number;
}

/** Reads what a client received; knows nothing of how Sluice writes it. */
export function readOpenAiStream(bytes: Uint8Array): OpenAiReading {
  const stream = readSse(bytes);
  const fold: Fold = { texts: new Map(), calls: new Map(), terminals: [], malformed: [], refusal: '', reasoning: '' };
  stream.frames.forEach(({ data }, index) => readFrame(fold, data, index));
  return {
    ...stream,
    text: fold.texts.get(0) ?? '',
    refusal: fold.refusal,
    reasoning: fold.reasoning,
    texts: fold.texts,
    role: fold.role,
    finishReason: fold.finishReason,
    toolCalls: [...fold.calls].sort(([left], [right]) => left - right).map(([index, call]) => ({ index, ...call })),
    usage: fold.usage,
    done: fold.terminals.includes('done'),
    error: fold.error,
    terminals: fold.terminals,
    afterTerminal: fold.terminalAt === undefined ? 0 : stream.after(fold.terminalAt),
    malformed: fold.malformed,
  };
}

function readFrame(fold: Fold, data: string, index: number): void {
  if (data === '[DONE]') return announce(fold, 'done', index);
  const body = parse(data);
  if (body === undefined) return void fold.malformed.push(data);
  if (isObject(body['error'])) {
    fold.error ??= body['error'];
    return announce(fold, 'error', index);
  }
  if (isObject(body['usage'])) fold.usage = body['usage'];
  for (const choice of listOf(body['choices'])) readChoice(fold, choice);
}

function announce(fold: Fold, terminal: 'done' | 'error', index: number): void {
  fold.terminals.push(terminal);
  fold.terminalAt ??= index;
}

function readChoice(fold: Fold, choice: Json): void {
  const index = Number(choice['index'] ?? 0);
  const delta = isObject(choice['delta']) ? choice['delta'] : {};
  fold.texts.set(index, (fold.texts.get(index) ?? '') + textOf(delta['content']));
  if (index !== 0) return;
  fold.refusal += textOf(delta['refusal']);
  fold.reasoning += textOf(delta['reasoning_content'] ?? delta['reasoning']);
  if (typeof delta['role'] === 'string') fold.role ??= delta['role'];
  if (typeof choice['finish_reason'] === 'string') fold.finishReason = choice['finish_reason'];
  for (const call of listOf(delta['tool_calls'])) readToolCall(fold, call);
}

function readToolCall(fold: Fold, fragment: Json): void {
  const index = Number(fragment['index'] ?? 0);
  const called = isObject(fragment['function']) ? fragment['function'] : {};
  const call = fold.calls.get(index) ?? { id: '', name: '', arguments: '' };
  fold.calls.set(index, {
    id: call.id + textOf(fragment['id']),
    name: call.name + textOf(called['name']),
    arguments: call.arguments + textOf(called['arguments']),
  });
}

function parse(data: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const listOf = (value: unknown): readonly Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');
