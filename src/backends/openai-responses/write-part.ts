import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, level, type JsonObject } from '../../kernel/json/json-value.ts';
import { checkBase64, checkInline, writeDataUri, type MediaLimits } from '../../kernel/dialects/media.ts';
import { openaiChat } from '../../kernel/dialects/openai-chat-fields.ts';
import { extensionOf } from '../../kernel/dialects/openai-responses-fields.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';

export interface WriteContext {
  /** The client spoke this format. */
  readonly isOwn: boolean;
  readonly run: Run;
}

const imageLimits: MediaLimits = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  maxBytes: 50_000_000,
};
const audioLimits: MediaLimits = {
  types: ['audio/mpeg', 'audio/mp3', 'audio/wav', 'audio/x-wav', 'audio/wave'],
  maxBytes: 50_000_000,
};
const maxFileBytes = 50_000_000;
const details: ReadonlySet<unknown> = new Set(['auto', 'low', 'high']);

/** A part of a message. `isOutput` says that the assistant said it. Throws REQUEST_INVALID for what can't be said. */
export function writePart(block: ContentBlock, isOutput: boolean, place: string, context: WriteContext): JsonObject {
  const extension = level(extensionOf(block), 'part') ?? {};
  switch (block.kind) {
    case 'text':
      return writeText(block, extension, isOutput, context);
    case 'refusal':
      if (isOutput) return { type: 'refusal', ...extension, refusal: block.text ?? '' };
      return { type: 'input_text', ...extension, text: block.text ?? '' };
    case 'image':
      return writeImage(block, extension, block.place ?? place, context);
    case 'audio':
      return writeAudio(block, extension, block.place ?? place, context);
    case 'file':
      return writeFile(block, extension, block.place ?? place, context);
    default:
      if (context.isOwn && isObject(block.initial)) return block.initial;
      return refuse(block.place ?? place, `a block of the kind ${block.kind} can't be sent to this backend`);
  }
}

function writeText(
  { text = '', annotations }: ContentBlock,
  extension: JsonObject,
  isOutput: boolean,
  { isOwn, run }: WriteContext,
): JsonObject {
  const isMarked = annotations !== undefined && annotations.length > 0;
  if (isMarked && !isOwn) run.lose('request.citations');
  return {
    type: isOutput ? 'output_text' : 'input_text',
    ...extension,
    text,
    ...(isMarked && isOwn && { annotations }),
  };
}

function writeImage(block: ContentBlock, extension: JsonObject, place: string, context: WriteContext): JsonObject {
  const { url, base64, fileId } = block;
  if (context.isOwn) {
    checkBase64(block, place);
  } else {
    checkFileId(fileId, place);
    checkInline(block, imageLimits, place);
  }
  if (url === undefined && base64 === undefined && fileId === undefined)
    refuse(place, 'an image without its bytes or address');
  const detail = detailOfChat(block);
  return {
    type: 'input_image',
    ...(detail !== undefined && { detail }),
    ...extension,
    ...(base64 !== undefined ? { image_url: writeDataUri(block) } : url !== undefined && { image_url: url }),
    ...(fileId !== undefined && { file_id: fileId }),
  };
}

/** Chat completions say the detail of an image in the same words. */
function detailOfChat({ ext }: ContentBlock): unknown {
  const image = ext?.[openaiChat]?.['image_url'];
  const detail = isObject(image) ? image['detail'] : undefined;
  return details.has(detail) ? detail : undefined;
}

function writeAudio(block: ContentBlock, extension: JsonObject, place: string, context: WriteContext): JsonObject {
  const { base64, mediaType = '' } = block;
  if (base64 === undefined) refuse(place, 'this backend takes audio as base64 only');
  if (context.isOwn) checkBase64(block, place);
  else checkInline(block, audioLimits, place);
  const { input_audio: inner, ...rest } = extension;
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1);
  const format = subtype === 'mpeg' ? 'mp3' : context.isOwn ? subtype : subtype === 'mp3' ? 'mp3' : 'wav';
  return { type: 'input_audio', ...rest, input_audio: { ...(isObject(inner) && inner), data: base64, format } };
}

function writeFile(block: ContentBlock, extension: JsonObject, place: string, context: WriteContext): JsonObject {
  const { url, base64, fileId, name, mediaType, text } = block;
  if (!context.isOwn) {
    checkFileId(fileId, place);
    checkInline(block, { types: mediaType === undefined ? [] : [mediaType], maxBytes: maxFileBytes }, place);
  }
  if (url === undefined && base64 === undefined && fileId === undefined) {
    if (text === undefined) refuse(place, 'a file without its bytes or address');
    return { type: 'input_text', text };
  }
  const filename = name ?? (context.isOwn || base64 === undefined ? undefined : fileName(mediaType));
  return {
    type: 'input_file',
    ...extension,
    ...(filename !== undefined && { filename }),
    ...(base64 !== undefined && { file_data: mediaType === undefined ? base64 : writeDataUri(block) }),
    ...(url !== undefined && { file_url: url }),
    ...(fileId !== undefined && { file_id: fileId }),
  };
}

/** The format wants a name for the bytes of a file. */
function fileName(mediaType = ''): string {
  const subtype = /^\w+\/([\w-]{1,16})$/.exec(mediaType)?.[1];
  return `file.${subtype === undefined || subtype === 'plain' ? 'txt' : subtype}`;
}

/** An id names a file at one provider, and nothing at another. */
function checkFileId(fileId: string | undefined, place: string): void {
  if (fileId !== undefined) refuse(place, 'a file of another provider is not known to this backend');
}
