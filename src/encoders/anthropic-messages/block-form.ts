import { anthropicMessages, extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import type { EncodeContext } from '../../kernel/component.ts';
import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { lossOfBlock } from '../../kernel/losses.ts';
import { wrapSignature } from '../../kernel/dialects/signature-envelope.ts';

type Start = EventOfType<'block.start'>;

/** How a block is said in the format. `whole` is a block that only this format has, and that came in it. */
export type Form = 'text' | 'thinking' | 'redacted' | 'tool' | 'custom' | 'whole';

const forms: Partial<Record<BlockKind, Form>> = {
  text: 'text',
  refusal: 'text',
  reasoning: 'thinking',
  reasoning_summary: 'thinking',
  reasoning_redacted: 'redacted',
  tool_call: 'tool',
  custom_tool_call: 'custom',
};

/** The form of a block, or undefined where it is left out; what is lost with it has then been named. */
export function formOf(start: Start, isOwn: boolean, run: EncodeContext['run']): Form | undefined {
  const form = forms[start.kind];
  if (form !== undefined) return form;
  if (isOwn && (isObject(start.initial) || start.kind === 'server_tool_call')) return 'whole';
  run.lose(lossOfBlock(start.kind));
  return undefined;
}

/** A block whose text may be said in several blocks in a row, so that others can come between them. */
export function isReopenable(form: Form): boolean {
  return form === 'text' || form === 'thinking';
}

/** The content block as it begins. `first` is false where an interrupted block is taken up again. */
export function contentBlock(form: Form, start: Start, fallbackId: string, first: boolean): JsonObject {
  const further = first ? level(extensionOf(start), 'content_block') : undefined;
  switch (form) {
    case 'text':
      return { type: 'text', text: '', ...further };
    case 'thinking':
      return { type: 'thinking', thinking: '', signature: '', ...further };
    case 'redacted':
      return { type: 'redacted_thinking', data: '', ...further };
    case 'tool':
    case 'custom':
      return { type: 'tool_use', id: start.callId ?? fallbackId, name: start.name ?? '', input: {}, ...further };
    case 'whole':
      return isObject(start.initial)
        ? start.initial
        : { type: 'server_tool_use', id: start.callId ?? fallbackId, name: start.name ?? '', input: {} };
  }
}

/** The text of a signature for the client. One whose maker is not named was made by the provider that answers. */
export function signatureText(event: EventOfType<'reasoning.signature'>, provider: string | undefined): string {
  const { value, encrypted } = event;
  const format = event.format ?? provider;
  return wrapSignature(
    { value, ...(format !== undefined && { format }), ...(encrypted !== undefined && { encrypted }) },
    anthropicMessages,
  );
}

/** The id of the tool call that stands at a place of the message, where its provider gave none. */
export function toolId(runId: string, index: number): string {
  return `toolu_${runId}_${index}`;
}
