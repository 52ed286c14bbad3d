import type { UsageFold } from '../../kernel/answer.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfBlock } from '../../kernel/losses.ts';
import { argumentsObject, extensionOf, writeDoneReason } from '../../kernel/dialects/ollama-fields.ts';

type LosingRun = Pick<EncodeContext['run'], 'id' | 'lose'>;

/** The field of the message that carries the text of a block; undefined for blocks without text. */
export function textField(kind: BlockKind): 'content' | 'thinking' | undefined {
  if (kind === 'text' || kind === 'refusal') return 'content';
  return kind === 'reasoning' || kind === 'reasoning_summary' ? 'thinking' : undefined;
}

/** The last millisecond that has a date of four digits. A provider may say any number. */
const lastTime = Date.UTC(10_000, 0) - 1;

/** Milliseconds since 1970 as the format writes a time. */
export function timeOf(milliseconds: number): string {
  return new Date(Math.min(milliseconds, lastTime)).toISOString();
}

/**
 * An entry of `tool_calls`. `final` is the whole arguments where they did not come in pieces; a provider of this format that
 * gave no id has none here either, so that both ways of a line are the same.
 */
export function callEntry(
  start: EventOfType<'block.start'>,
  json: string,
  final: unknown,
  index: number,
  { isOwn, run }: { readonly isOwn: boolean; readonly run: LosingRun },
): JsonObject {
  const extension = level(level(extensionOf(start), 'message'), 'tool_calls');
  const { function: _inner, ...further } = extension ?? {};
  const id = start.callId ?? (isOwn ? undefined : `call_${run.id}_${index}`);
  const text = json === '' && final !== undefined ? (typeof final === 'string' ? final : JSON.stringify(final)) : json;
  return {
    ...(id !== undefined && { id }),
    function: {
      index: isOwn ? (start.nativeIndex ?? index) : index,
      name: start.name ?? '',
      arguments: start.kind === 'custom_tool_call' ? { input: text } : argumentsOf(text, run),
      ...level(extension, 'function'),
    },
    ...further,
  };
}

function argumentsOf(json: string, run: LosingRun): JsonObject {
  const { object, isWhole } = argumentsObject(json);
  if (!isWhole) run.lose('answer.tool_arguments');
  return object;
}

/** The provider's own word where it speaks this format. A stream without a finish ended as it should. */
export function doneReason(finish: EventOfType<'finish'> | undefined, isOwn: boolean): string {
  const { unified = 'stop', raw } = finish?.reason ?? {};
  return isOwn && raw !== undefined ? raw : writeDoneReason(unified);
}

/** Names what the format has no field for. */
export function loseUnsaid(
  event: Pick<EventOfType<'block.start'>, 'type' | 'kind'> | EventOfType<'finish'>,
  run: LosingRun,
): void {
  if (event.type === 'finish') {
    if (event.stopSequence !== undefined) run.lose('answer.stop_sequence');
    if (event.refusal !== undefined) run.lose('answer.refusal_details');
    if (event.reason.unified === 'pause') run.lose('answer.pause');
    return;
  }
  if (unsaidKinds.has(event.kind)) run.lose(lossOfBlock(event.kind));
}

/** The format counts input and output, and no parts of them. */
export function loseCounts(usage: UsageFold | undefined, run: LosingRun): void {
  const { input = {}, output = {} } = usage ?? {};
  const parts = [input.cacheRead, input.cacheWrite, output.reasoning];
  if (parts.some((part) => part !== undefined && part > 0)) run.lose('answer.usage_details');
}

/** Kinds of blocks that the format has no form for. */
const unsaidKinds: ReadonlySet<BlockKind> = new Set<BlockKind>([
  'reasoning_redacted',
  'server_tool_call',
  'server_tool_result',
  'audio',
  'file',
  'code',
  'compaction',
  'unknown',
]);

/** The log probabilities of a piece as the format has them, a list; undefined for another form. */
export function logprobsOf(logprobs: unknown): readonly unknown[] | undefined {
  const tokens = isObject(logprobs) ? logprobs['content'] : undefined;
  return Array.isArray(tokens) ? (tokens as unknown[]) : undefined;
}
