import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { extensionOf } from '../../kernel/dialects/openai-chat-fields.ts';
import {
  isProofOfChat,
  readProof,
  readReasoningDetails,
  writeReasoningDetail,
} from '../../kernel/dialects/openai-chat-reasoning.ts';
import type { ContentBlock, Message } from '../../kernel/request.ts';
import type { WriteContext } from './write-part.ts';

/** The fields of a message that hold reasoning, in any spelling. */
export const reasoningFields: ReadonlySet<string> = new Set(['reasoning', 'reasoning_content', 'reasoning_details']);

/** Stands for reasoning that is not there, where a message without any is refused. It must not be empty. */
const noReasoning = ' ';

/**
 * The reasoning of an earlier turn. A provider takes back the proofs that one of this format made, and some take the
 * text; everything else is left out, and named. Proofs of other formats are shown to nobody.
 */
export function writeReasoning(message: Message, blocks: readonly ContentBlock[], context: WriteContext): JsonObject {
  const { vendor, isOwn } = context;
  if (isOwn && (vendor.asSaid === true || vendor.reasoningDetails === true))
    return writeAsSaid(message, blocks, context);
  const fields = writeTranslated(blocks, context);
  const { reasoningBack: field } = vendor;
  if (message.role !== 'assistant' || vendor.wantsReasoningBack !== true || field === undefined) return fields;
  return fields[field] === undefined ? { ...fields, [field]: noReasoning } : fields;
}

function writeTranslated(all: readonly ContentBlock[], { vendor, run }: WriteContext): JsonObject {
  const { reasoningBack: field } = vendor;
  const blocks = withoutRepetition(all);
  const proven = blocks.filter(({ signature }) => isProofOfChat(signature?.format));
  const details = vendor.reasoningDetails === true || vendor.asSaid === true ? proven : [];
  const text = field === undefined ? '' : blocks.map((block) => block.text ?? '').join('');
  for (const block of blocks) {
    if (details.includes(block)) continue;
    if (field === undefined || (block.text ?? '') === '') run.lose('request.reasoning');
    else if (block.signature !== undefined) run.lose('request.signature');
  }
  return {
    ...(field !== undefined && text !== '' && { [field]: text }),
    ...(details.length > 0 && {
      reasoning_details: details.map((block, index) => writeReasoningDetail(block, index)),
    }),
  };
}

/** A client may send one text in two fields. */
function withoutRepetition(blocks: readonly ContentBlock[]): readonly ContentBlock[] {
  if (!blocks.some((block) => fieldOf(block) === 'reasoning_content')) return blocks;
  return blocks.filter((block) => fieldOf(block) !== 'reasoning');
}

/** The client's own fields, but for the proofs of other formats. What a step has changed is written as it is now. */
function writeAsSaid(message: Message, blocks: readonly ContentBlock[], context: WriteContext): JsonObject {
  const { reasoning, reasoning_content: content, reasoning_details: details } = extensionOf(message) ?? {};
  const detailed = blocks.filter((block) => fieldOf(block) === 'reasoning_details');
  const added = blocks.filter((block) => fieldOf(block) === undefined);
  const texts = {
    ...(content !== undefined && { reasoning_content: content }),
    ...(reasoning !== undefined && { reasoning }),
  };
  const fields = Object.fromEntries(
    blocks
      .filter((block) => !detailed.includes(block) && !added.includes(block))
      .map((block) => [fieldOf(block), block.text ?? '']),
  ) as JsonObject;
  const further = added.length > 0 ? writeTranslated(added, context) : {};
  if (!Array.isArray(details))
    return { ...texts, ...fields, ...(details !== undefined && { reasoning_details: details }), ...further };
  const isSame = isUnchanged(detailed, details);
  const now: readonly unknown[] = isSame ? details : detailed.map((block, index) => writeReasoningDetail(block, index));
  const own = now.filter(isOfChat);
  if (own.length < now.length) context.run.lose(orNothing(texts) ? 'request.signature' : 'request.reasoning');
  return {
    ...(isSame ? texts : withText(texts, detailed.map((block) => block.text ?? '').join(''))),
    ...fields,
    ...((own.length > 0 || details.length === 0) && { reasoning_details: own }),
    ...further,
  };
}

function isOfChat(detail: unknown): boolean {
  const proof = isObject(detail) ? readProof(detail) : undefined;
  return proof === undefined || isProofOfChat(proof.format);
}

function isUnchanged(blocks: readonly ContentBlock[], details: unknown): boolean {
  const before = readReasoningDetails(details);
  return (
    before.length === blocks.length &&
    before.every(({ block: { text, signature } }) =>
      blocks.some((block) => block.text === text && block.signature?.value === signature?.value),
    )
  );
}

function withText(fields: JsonObject, text: string): JsonObject {
  const names = Object.keys(fields).filter((name) => typeof fields[name] === 'string');
  return text === '' ? {} : Object.fromEntries(names.map((name) => [name, text]));
}

/** The field of the message that the client sent the block's text in. */
function fieldOf(block: ContentBlock): unknown {
  return extensionOf(block)?.['message.field'];
}
