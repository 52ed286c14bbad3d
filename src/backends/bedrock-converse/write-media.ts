import { refuse } from '../../kernel/dialects/field-check.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import { checkInline } from '../../kernel/dialects/media.ts';
import type { ContentBlock } from '../../kernel/request.ts';
import type { DocumentNames } from './wire-name.ts';

/** Bytes of one image, document, audio or video. The service takes bodies of 25 million bytes; models have lower limits. */
const maxBytes = 18_874_368;

type Member = 'image' | 'document' | 'audio' | 'video';

/** Media types, the member of a content block that carries them, and the name of their format. */
const formats: ReadonlyMap<string, readonly [Member, string]> = new Map([
  ['image/png', ['image', 'png']],
  ['image/jpeg', ['image', 'jpeg']],
  ['image/jpg', ['image', 'jpeg']],
  ['image/gif', ['image', 'gif']],
  ['image/webp', ['image', 'webp']],
  ['application/pdf', ['document', 'pdf']],
  ['text/csv', ['document', 'csv']],
  ['application/msword', ['document', 'doc']],
  ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', ['document', 'docx']],
  ['application/vnd.ms-excel', ['document', 'xls']],
  ['application/vnd.openxmlformats-officedocument.spreadsheetml.sheet', ['document', 'xlsx']],
  ['text/html', ['document', 'html']],
  ['text/plain', ['document', 'txt']],
  ['text/markdown', ['document', 'md']],
  ['audio/mpeg', ['audio', 'mp3']],
  ['audio/mp3', ['audio', 'mp3']],
  ['audio/wav', ['audio', 'wav']],
  ['audio/x-wav', ['audio', 'wav']],
  ['audio/flac', ['audio', 'flac']],
  ['audio/ogg', ['audio', 'ogg']],
  ['audio/opus', ['audio', 'opus']],
  ['audio/aac', ['audio', 'aac']],
  ['audio/mp4', ['audio', 'mp4']],
  ['audio/webm', ['audio', 'webm']],
  ['video/mp4', ['video', 'mp4']],
  ['video/quicktime', ['video', 'mov']],
  ['video/webm', ['video', 'webm']],
  ['video/x-matroska', ['video', 'mkv']],
  ['video/x-flv', ['video', 'flv']],
  ['video/mpeg', ['video', 'mpeg']],
  ['video/x-ms-wmv', ['video', 'wmv']],
  ['video/3gpp', ['video', 'three_gp']],
]);
/** By the ending of a file's name; the first type of a format is its usual one. */
const typesByEnding: ReadonlyMap<string, string> = new Map(
  [...formats].reverse().map(([type, [, format]]) => [format, type]),
);
const typesOfKind = (members: readonly Member[]): readonly string[] =>
  [...formats].filter(([, [member]]) => members.includes(member)).map(([type]) => type);
const takenTypes: Readonly<Record<'image' | 'audio' | 'file', readonly string[]>> = {
  image: typesOfKind(['image']),
  audio: typesOfKind(['audio']),
  file: typesOfKind(['document', 'audio', 'video', 'image']),
};

export type MediaBlock = ContentBlock & { readonly kind: 'image' | 'audio' | 'file' };

/** Media as a content block. Throws REQUEST_INVALID for what the provider does not take. */
export function writeMedia(block: MediaBlock, place: string, names: DocumentNames): JsonObject {
  const { base64, url, kind, name } = block;
  const mediaType = block.mediaType?.toLowerCase() ?? typeByName(name) ?? typeByName(url);
  const source = writeSource(block, place);
  if (base64 !== undefined)
    checkInline(
      { ...block, ...(mediaType !== undefined && { mediaType }) },
      { types: takenTypes[kind], maxBytes },
      place,
    );
  const form = formats.get(mediaType ?? '');
  if (form === undefined) refuse(place, `its media type is needed; expected one of ${takenTypes[kind].join(', ')}`);
  const [member, format] = form;
  return member === 'document'
    ? { document: { format, name: names.add(name, format), source } }
    : { [member]: { format, source } };
}

function writeSource({ base64, url }: ContentBlock, place: string): JsonObject {
  if (base64 !== undefined) return { bytes: standardBase64(base64) };
  if (url?.startsWith('s3://') === true) return { s3Location: { uri: url } };
  return refuse(
    place,
    url === undefined
      ? "a file of another provider can't be sent to this backend"
      : 'this backend takes media as base64 or from s3:// only',
  );
}

/** The alphabet of URLs is not taken, and the padding must be there. */
function standardBase64(text: string): string {
  const standard = /[-_]/.test(text) ? text.replaceAll('-', '+').replaceAll('_', '/') : text;
  return standard.length % 4 === 0 ? standard : standard.padEnd(standard.length + (4 - (standard.length % 4)), '=');
}

function typeByName(name: string | undefined): string | undefined {
  const ending = /\.([A-Za-z0-9]{1,5})$/.exec(name ?? '')?.[1]?.toLowerCase();
  return typesByEnding.get(ending === 'jpg' ? 'jpeg' : (ending ?? ''));
}
