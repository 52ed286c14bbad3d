import { refuse } from '../../kernel/dialects/field-check.ts';
import { asksForDetail } from '../../kernel/dialects/image-detail.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import { checkInline, writeDataUri, type MediaLimits } from '../../kernel/dialects/media.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

const images: MediaLimits = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  maxBytes: 20_971_520,
};

/**
 * A message in the format. Reasoning goes back as thinking, or as the plan of the calls that it led to: the API takes both
 * as plain text. Throws REQUEST_INVALID for a block that can't be said.
 */
export function writeMessage(message: Message, index: number, run: Run): JsonObject {
  const place = message.place ?? `messages[${index}]`;
  const blocks = message.content.flatMap((block, position) =>
    isSaid(block, run) ? [{ block, place: block.place ?? `messages[${index}].content[${position}]` }] : [],
  );
  if (message.name !== undefined && message.role !== 'tool') run.lose('request.name');
  if (message.isError === true) run.lose('request.is_error');
  switch (message.role) {
    case 'assistant':
      return writeAssistant(blocks);
    case 'tool':
      if (message.callId === undefined) refuse(place, 'a result needs the id of the call that it answers');
      return {
        role: 'tool',
        tool_call_id: message.callId,
        content: writeContent(blocks.map(({ block, place: field }) => writeText(block, field))),
      };
    case 'user':
      return {
        role: 'user',
        content: writeContent(blocks.map(({ block, place: field }) => writePart(block, field, run))),
      };
    default:
      return {
        role: 'system',
        content: writeContent(blocks.map(({ block, place: field }) => writeText(block, field))),
      };
  }
}

interface PlacedBlock {
  readonly block: ContentBlock;
  readonly place: string;
}

function writeAssistant(blocks: readonly PlacedBlock[]): JsonObject {
  const thoughts = blocks.filter(({ block }) => block.kind === 'reasoning' || block.kind === 'reasoning_summary');
  const calls = blocks.filter(({ block }) => block.kind === 'tool_call');
  const texts = blocks.filter(
    ({ block }) => block.kind !== 'tool_call' && !thoughts.some((thought) => thought.block === block),
  );
  const thinking = thoughts.map(({ block }) => block.text ?? '').filter((text) => text !== '');
  const parts = [
    ...(calls.length > 0 ? [] : thinking.map((text) => ({ type: 'thinking', thinking: text }))),
    ...texts.map(({ block, place }) => writeText(block, place)).filter(({ text }) => text !== ''),
  ];
  return {
    role: 'assistant',
    ...(parts.length > 0 && { content: writeContent(parts) }),
    ...(calls.length > 0 && thinking.length > 0 && { tool_plan: thinking.join('\n\n') }),
    ...(calls.length > 0 && { tool_calls: calls.map(({ block, place }) => writeCall(block, place)) }),
    // The API wants one of the three.
    ...(parts.length === 0 && calls.length === 0 && { content: '' }),
  };
}

/** Names what is left out of a block, and says whether the block itself is. */
function isSaid({ kind, text = '', signature, annotations }: ContentBlock, run: Run): boolean {
  if (annotations !== undefined) run.lose('request.citations');
  switch (kind) {
    case 'server_tool_call':
    case 'server_tool_result':
      run.lose('request.server_tools');
      return false;
    case 'reasoning_redacted':
      run.lose('request.reasoning');
      return false;
    case 'reasoning':
    case 'reasoning_summary':
      if (signature !== undefined) run.lose('request.signature');
      return text !== '';
    default:
      return true;
  }
}

/** A string where one text is all. */
function writeContent(parts: readonly JsonObject[]): unknown {
  const [only] = parts;
  if (only === undefined) return '';
  return parts.length === 1 && only['type'] === 'text' ? only['text'] : parts;
}

function writeText({ kind, text = '' }: ContentBlock, place: string): JsonObject {
  if (kind !== 'text' && kind !== 'refusal')
    refuse(place, `a block of the kind ${kind} can't be sent to this backend here`);
  return { type: 'text', text };
}

function writePart(block: ContentBlock, place: string, run: Run): JsonObject {
  if (block.kind !== 'image') return writeText(block, place);
  const { url, base64 } = block;
  if (url === undefined && base64 === undefined) refuse(place, 'this backend takes images as base64 or by URL only');
  checkInline(block, images, place);
  if (asksForDetail(block)) run.lose('request.image_detail');
  return { type: 'image_url', image_url: { url: url ?? writeDataUri(block) } };
}

function writeCall({ name, callId, arguments: json = '' }: ContentBlock, place: string): JsonObject {
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  if (callId === undefined) refuse(place, 'a tool call needs an id');
  return { id: callId, type: 'function', function: { name, arguments: json.trim() === '' ? '{}' : json } };
}
