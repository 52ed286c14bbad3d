import { extensionOf } from '../../kernel/dialects/anthropic-messages-fields.ts';
import { refuse } from '../../kernel/dialects/field-check.ts';
import { asksForDetail } from '../../kernel/dialects/image-detail.ts';
import { level, type JsonObject } from '../../kernel/json/json-value.ts';
import { checkInline } from '../../kernel/dialects/media.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import type { WriteContext } from './write-context.ts';

const pdf = 'application/pdf';
/** Types beside `text/...` that are text, and are told as such. */
const textTypes: ReadonlySet<string> = new Set(['application/json', 'application/xml', 'application/yaml']);

/** An image. Throws REQUEST_INVALID for one that the API does not take. */
export function writeImage(block: ContentBlock, place: string, context: WriteContext): JsonObject {
  const image = block.mediaType === 'image/jpg' ? { ...block, mediaType: 'image/jpeg' } : block;
  if (!context.isOwn && asksForDetail(block)) context.run.lose('request.image_detail');
  checkInline(image, context.image, place);
  return { type: 'image', source: { ...furtherSource(block), ...writeSource(image, place, context) } };
}

/** A document: a PDF as it is, other text as plain text. An image that was sent as a file is an image. */
export function writeDocument(block: ContentBlock, place: string, context: WriteContext): JsonObject {
  const { mediaType = '', base64, name } = block;
  if (base64 !== undefined && mediaType.startsWith('image/')) return writeImage(block, place, context);
  const title = name === undefined ? {} : { title: name };
  if (base64 !== undefined && isTextual(mediaType)) {
    checkInline(block, { ...context.document, types: [mediaType] }, place);
    return { type: 'document', source: writeText(Buffer.from(base64, 'base64').toString('utf8')), ...title };
  }
  checkInline(block, context.document, place);
  return {
    type: 'document',
    source: { ...furtherSource(block), ...writeSource(block, place, context) },
    ...title,
  };
}

/** The source of a document of plain text. */
function writeText(data: string): JsonObject {
  return { type: 'text', media_type: 'text/plain', data };
}

function writeSource(block: ContentBlock, place: string, { isOwn, dialect }: WriteContext): JsonObject {
  const { base64, url, fileId, mediaType = pdf } = block;
  if (base64 !== undefined) return { type: 'base64', media_type: mediaType, data: base64 };
  if (url !== undefined) {
    if (!isOwn && !/^https?:\/\//i.test(url)) refuse(place, 'this backend takes http and https addresses only');
    return { type: 'url', url };
  }
  if (fileId === undefined) refuse(place, 'the block has neither data nor an address');
  if (!isOwn) refuse(place, `a file that was uploaded for ${dialect} can't be sent to this backend`);
  return { type: 'file', file_id: fileId };
}

function furtherSource(block: ContentBlock): JsonObject {
  return level(extensionOf(block), 'source') ?? {};
}

function isTextual(mediaType: string): boolean {
  return mediaType.startsWith('text/') || textTypes.has(mediaType);
}
