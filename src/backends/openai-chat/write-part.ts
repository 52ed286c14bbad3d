import { refuse } from '../../kernel/dialects/field-check.ts';
import { isObject, orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { checkBase64, checkInline, writeDataUri, type MediaLimits } from '../../kernel/dialects/media.ts';
import { extensionOf } from '../../kernel/dialects/openai-chat-fields.ts';
import type { LossName } from '../../kernel/losses.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import type { Run } from '../../kernel/run.ts';
import type { Vendor } from './vendors.ts';

export interface WriteContext {
  readonly dialect: string;
  /** The client spoke this format. */
  readonly isOwn: boolean;
  readonly vendor: Vendor;
  readonly run: Run;
}

/** Blocks that only the provider which made them understands. */
const providerKinds: ReadonlyMap<string, LossName> = new Map<string, LossName>([
  ['server_tool_call', 'request.server_tools'],
  ['server_tool_result', 'request.server_tools'],
  ['code', 'request.server_tools'],
  ['compaction', 'request.compaction'],
]);
/** `audio/` types whose name in `input_audio.format` differs. */
const audioFormats: ReadonlyMap<string, string> = new Map([
  ['mpeg', 'mp3'],
  ['x-wav', 'wav'],
  ['wave', 'wav'],
]);
const maxInlineBytes = 50_000_000;
const imageLimits: MediaLimits = {
  types: ['image/png', 'image/jpeg', 'image/webp', 'image/gif'],
  maxBytes: maxInlineBytes,
};
/** Types beside `text/...` that are text. As files the format knows PDFs; text is said as text. */
const textTypes: ReadonlySet<string> = new Set(['application/json', 'application/xml', 'application/yaml']);
const pdf = 'application/pdf';

/**
 * A part of a message, or undefined for what is left out and named. Throws REQUEST_INVALID for what can't be left out,
 * because it is what is asked about.
 */
export function writePart(block: ContentBlock, place: string, context: WriteContext): unknown {
  const { isOwn } = context;
  const where = block.place ?? place;
  const said = isOwn ? block : inFormat(block, where);
  if (!canSay(said, where, context)) return undefined;
  return writeFields(said, withCache(said, context), context);
}

/** Content in the kinds that the format has: a text document is text, a picture that was sent as a file is a picture. */
function inFormat(block: ContentBlock, place: string): ContentBlock {
  const { kind, mediaType = '', base64, text, name, url } = block;
  if (kind === 'image' && mediaType === 'image/jpg') return { ...block, mediaType: 'image/jpeg' };
  if (kind !== 'file') return block;
  if (mediaType.startsWith('image/') && (base64 !== undefined || url !== undefined)) return { ...block, kind: 'image' };
  const isText = mediaType.startsWith('text/') || textTypes.has(mediaType);
  if (isText) checkBase64(block, place);
  const words = base64 !== undefined && isText ? Buffer.from(base64, 'base64').toString('utf8') : undefined;
  const said = words ?? (base64 === undefined && url === undefined ? text : undefined);
  if (said === undefined) return block;
  const { cache } = block;
  return { kind: 'text', text: name === undefined ? said : `${name}\n\n${said}`, ...(cache && { cache }) };
}

function canSay(block: ContentBlock, place: string, context: WriteContext): boolean {
  const { kind, initial, base64, url, fileId } = block;
  const { isOwn, dialect, run } = context;
  if (kind === 'text' || kind === 'refusal') {
    if (!isOwn && block.annotations !== undefined && block.annotations.length > 0) run.lose('request.citations');
    return true;
  }
  if (isOwn && kind !== 'file') checkBase64(block, place);
  if (isOwn && initial !== undefined) return true;
  const loss = isOwn ? undefined : providerKinds.get(kind);
  if (loss !== undefined) {
    run.lose(loss);
    return false;
  }
  if (kind === 'image' && (base64 !== undefined || url !== undefined)) {
    if (!isOwn) checkImage(block, place, context);
    return true;
  }
  if (kind === 'audio' && base64 !== undefined) {
    if (!isOwn) checkAudio(block, place, context);
    return true;
  }
  // An id names a file at one provider, and nothing at another.
  if (kind === 'file' && (base64 !== undefined || (isOwn && fileId !== undefined))) {
    if (!isOwn) checkInline(block, { types: [block.mediaType ?? ''], maxBytes: maxInlineBytes }, place);
    return true;
  }
  return refuse(place, reasonOf(block, isOwn ? undefined : dialect));
}

function reasonOf({ kind, url, fileId }: ContentBlock, dialect: string | undefined): string {
  if (kind === 'file' && url !== undefined) return 'this backend takes files as base64 only';
  if (kind === 'audio' && url !== undefined) return 'this backend takes audio as base64 only';
  if (fileId !== undefined && dialect !== undefined)
    return `a file that was uploaded for ${dialect} is not known to this backend`;
  return `a block of the kind ${kind}${dialect === undefined ? '' : ` of ${dialect}`} can't be sent to this backend`;
}

function checkImage(block: ContentBlock, place: string, { vendor }: WriteContext): void {
  if (vendor.images === 'none') refuse(place, 'this backend takes no images');
  if (block.base64 !== undefined) return checkInline(block, imageLimits, place);
  if (vendor.images === 'inline') refuse(place, 'this backend takes images as base64 only');
  if (!/^https?:\/\//i.test(block.url ?? '')) refuse(place, 'this backend takes http and https addresses only');
}

function checkAudio(block: ContentBlock, place: string, { vendor: { audioFormats: known } }: WriteContext): void {
  checkBase64(block, place);
  const format = audioFormat(block);
  if (known !== undefined && !known.includes(format))
    refuse(place, `expected one of ${known.join(', ')}, got "${format.slice(0, 64)}"`);
}

/** The client's other fields of the part, with the mark for the cache as the vendor takes it. */
function withCache(block: ContentBlock, { isOwn, vendor, run }: WriteContext): JsonObject {
  const extension = extensionOf(block) ?? {};
  const takesMark = vendor.cacheControl?.includes('parts') === true;
  if (isOwn && vendor.asSaid === true) return extension;
  const { cache_control: mark, prompt_cache_breakpoint: point, ...rest } = extension;
  const breakpoint = point !== undefined && vendor.cacheBreakpoints === true && { prompt_cache_breakpoint: point };
  if (breakpoint !== false) return { ...rest, ...breakpoint };
  if (block.cache === undefined && mark === undefined) return rest;
  if (!takesMark) {
    if (block.cache !== undefined) run.lose('request.cache');
    return rest;
  }
  return { ...rest, cache_control: mark ?? writeCacheControl(block.cache) };
}

/** The mark of gateways for the cache. */
export function writeCacheControl(cache: ContentBlock['cache']): JsonObject {
  return { type: 'ephemeral', ...cache };
}

function writeFields(block: ContentBlock, extension: JsonObject, { isOwn }: WriteContext): unknown {
  const { kind, text = '', initial } = block;
  const { image_url: image, input_audio: audio, file, ...rest } = extension;
  switch (kind) {
    case 'text':
      return { ...rest, type: 'text', text };
    case 'refusal':
      return { ...rest, type: 'refusal', refusal: text };
    case 'image':
      return {
        ...rest,
        type: 'image_url',
        image_url: { ...detailOf(block, isOwn), ...asObject(image), url: block.url ?? writeDataUri(block) },
      };
    case 'audio':
      return {
        ...rest,
        type: 'input_audio',
        input_audio: { ...asObject(audio), data: block.base64, format: audioFormat(block) },
      };
    case 'file':
      return { ...rest, type: 'file', file: { ...asObject(file), ...orNothing(writeFile(block, isOwn)) } };
    default:
      return initial;
  }
}

/** The Responses format says the detail of an image in the same words, beside it. */
function detailOf({ ext = {} }: ContentBlock, isOwn: boolean): JsonObject {
  if (isOwn) return {};
  const part = ext['openai-responses']?.['part'];
  const detail = isObject(part) ? part['detail'] : undefined;
  return typeof detail === 'string' ? { detail } : {};
}

function writeFile(block: ContentBlock, isOwn: boolean): JsonObject {
  const { base64, fileId, mediaType, name } = block;
  const filename = name ?? (isOwn || base64 === undefined ? undefined : fileName(mediaType));
  return {
    ...(base64 !== undefined && { file_data: mediaType === undefined ? base64 : writeDataUri(block) }),
    ...(fileId !== undefined && isOwn && { file_id: fileId }),
    ...(filename !== undefined && { filename }),
  };
}

/** The format wants a name for the bytes of a file. */
function fileName(mediaType = pdf): string {
  return `file.${/^\w+\/([\w-]{1,16})$/.exec(mediaType)?.[1] ?? 'bin'}`;
}

function audioFormat({ mediaType = 'audio/wav' }: ContentBlock): string {
  const subtype = mediaType.slice(mediaType.indexOf('/') + 1);
  return audioFormats.get(subtype) ?? subtype;
}

function asObject(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}
