import { refuse } from '../../kernel/dialects/field-check.ts';
import { extensionOf, gemini } from '../../kernel/dialects/gemini-fields.ts';
import { asksForDetail } from '../../kernel/dialects/image-detail.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { checkBase64, checkInline, readDataUri } from '../../kernel/dialects/media.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import { unwrapSignature } from '../../kernel/dialects/signature-envelope.ts';
import { objectOfArguments } from '../../kernel/dialects/tool-arguments.ts';
import { limitsOf, typeOfAddress, videoPage } from './media-types.ts';
import type { Lose } from './write-settings.ts';

/** What a part needs to know of its request. */
export interface PartContext {
  /** The client speaks this format, so its own words are good. */
  readonly isOwn: boolean;
  readonly lose: Lose;
}

/**
 * The part of a block that is neither reasoning nor a result; undefined for one that is left out. Throws REQUEST_INVALID
 * for a block that the format can't say.
 */
export function writePart(block: ContentBlock, place: string, context: PartContext): JsonObject | undefined {
  const { kind, text = '', initial, annotations } = block;
  const { isOwn, lose } = context;
  switch (kind) {
    case 'text':
    case 'refusal':
      if (annotations !== undefined && annotations.length > 0) lose('citations');
      return { text, ...extensionOf(block) };
    case 'image':
    case 'audio':
    case 'file':
      return writeMedia(block, place, context);
    case 'tool_call':
    case 'custom_tool_call':
      return writeCall(block, place, context);
    default:
      if (isOwn && isObject(initial)) return writeInitial(initial);
      if (kind === 'server_tool_call' || kind === 'server_tool_result') lose('server_tools');
      else if (kind === 'compaction') lose('compaction');
      else refuse(place, `a block of the kind ${kind} can't be sent to this backend`);
      return undefined;
  }
}

/** A part as the client wrote it. A signature in it goes back only where Gemini made it. */
function writeInitial(initial: JsonObject): JsonObject {
  const { thoughtSignature, ...rest } = initial;
  if (typeof thoughtSignature !== 'string') return initial;
  const { format, value } = unwrapSignature(thoughtSignature, gemini);
  return format === gemini ? { ...rest, thoughtSignature: value } : rest;
}

function writeCall(block: ContentBlock, place: string, { isOwn, lose }: PartContext): JsonObject {
  const { kind, name, arguments: json } = block;
  if (name === undefined) refuse(place, 'a tool call needs the name of its tool');
  const { functionCall, ...further } = extensionOf(block) ?? {};
  const { id, ...inner } = isObject(functionCall) ? functionCall : {};
  const object = kind === 'custom_tool_call' ? undefined : objectOfArguments(json);
  if (object === undefined) lose('tool_arguments');
  return {
    functionCall: {
      ...(isOwn && id !== undefined && { id: block.callId ?? id }),
      name,
      args: object ?? (kind === 'custom_tool_call' ? { input: json ?? '' } : { _raw: json ?? '' }),
      ...inner,
    },
    ...further,
  };
}

/** An image, an audio or a file: its bytes, or its address. */
export function writeMedia(block: ContentBlock, place: string, { isOwn, lose }: PartContext): JsonObject {
  const { kind, name, url, fileId } = block;
  const where = block.place ?? place;
  const { inlineData, fileData, ...further } = extensionOf(block) ?? {};
  if (!isOwn && asksForDetail(block)) lose('image_detail');
  const inline = url === undefined ? undefined : readDataUri(url);
  const base64 = block.base64 ?? inline?.base64;
  const mediaType = inline?.mediaType ?? block.mediaType;
  // Only clients of the format name a file for the model; for others it is the name of a document.
  const named = isOwn && name !== undefined && { displayName: name };
  if (base64 !== undefined) {
    const bytes = { kind, base64, ...(mediaType !== undefined && { mediaType }) };
    if (isOwn) checkBase64(bytes, where);
    else checkInline(bytes, limitsOf(kind), where);
    return { inlineData: { mimeType: mediaType ?? '', data: base64, ...named, ...asObject(inlineData) }, ...further };
  }
  const address = url ?? (isOwn ? fileId : undefined);
  if (address === undefined)
    refuse(where, fileId === undefined ? 'it has neither data nor an address' : 'this backend has no file of this id');
  const type = mediaType ?? (isOwn ? undefined : typeOfAddress(address));
  if (type === undefined && !isOwn && !videoPage.test(address))
    refuse(where, 'this backend takes an address only with a known media type; name the type, or send the bytes');
  return {
    fileData: { fileUri: address, ...(type !== undefined && { mimeType: type }), ...named, ...asObject(fileData) },
    ...further,
  };
}

function asObject(value: unknown): JsonObject | undefined {
  return isObject(value) ? orNothing(value) : undefined;
}
