import {
  anthropicMessages,
  extensionOf,
  readStopReason,
  writeStopReason,
} from '../../kernel/dialects/anthropic-messages-fields.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { EventOfType } from '../../kernel/event.ts';
import { level, type JsonObject } from '../../kernel/json/json-value.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';

export type Meta = Partial<EventOfType<'response.meta'>>;

/** What has been said in a message, as far as its stop reason follows from it. */
export interface Said {
  /** A tool of the client was called. */
  called: boolean;
  /** The model refused in words. */
  refused: boolean;
}

/** The message as it begins: named by its provider, else by the run. `usage` is the last field. */
export function messageHead(meta: Meta, { run, request }: EncodeContext, content: readonly unknown[]): JsonObject {
  return {
    id: meta.responseId ?? `msg_${run.id}`,
    type: 'message',
    role: 'assistant',
    model: meta.model ?? request.model ?? run.pipeline,
    content,
    stop_reason: null,
    stop_sequence: null,
    ...level(extensionOf(meta), 'message'),
  };
}

/** Why the message ended, with all that the provider said beside it. `extension` is that of the event. */
export function messageEnd(
  finish: EventOfType<'finish'> | undefined,
  said: Said,
  isOwn: boolean,
  extension: JsonObject | undefined,
): JsonObject {
  const {
    stop_details: furtherDetails,
    stop_reason: _r,
    stop_sequence: _s,
    ...further
  } = level(extension, 'delta') ?? {};
  const { refusal } = finish ?? {};
  const details =
    refusal === undefined
      ? (furtherDetails ?? null)
      : {
          type: 'refusal',
          category: refusal.category ?? null,
          explanation: refusal.explanation ?? null,
          ...(typeof furtherDetails === 'object' && furtherDetails),
        };
  return {
    stop_reason: stopReason(finish, said, isOwn),
    stop_sequence: finish?.stopSequence ?? null,
    stop_details: details,
    ...further,
  };
}

/**
 * The provider's own word as long as it still means what the event says. Other formats end calls and refusals with an
 * ordinary stop; clients of this one wait for its words.
 */
function stopReason(finish: EventOfType<'finish'> | undefined, said: Said, isOwn: boolean): string {
  const { unified = 'stop', raw } = finish?.reason ?? {};
  if (isOwn && raw !== undefined && readStopReason(raw) === unified) return raw;
  if (unified === 'stop' && said.called) return writeStopReason('tool_calls');
  if (unified === 'stop' && said.refused) return writeStopReason('refusal');
  // A client waits for calls that it is told of; one that the format can't say is none.
  if (unified === 'tool_calls' && !said.called) return writeStopReason('stop');
  return writeStopReason(unified, finish?.stopSequence);
}

export function isOwnAnswer(meta: Meta): boolean {
  return meta.provider === anthropicMessages;
}

/** One event of the stream: official clients go by its name, and read the type in its data. */
export function messageFrame(type: string, fields: JsonObject = {}): string {
  return sseFrame(JSON.stringify({ type, ...fields }), type);
}
