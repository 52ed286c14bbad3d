import type { BlockKind } from '../../kernel/event.ts';
import type { MediaLimits } from '../../kernel/dialects/media.ts';

const mebibyte = 1_048_576;
/** Bytes of media in a request. */
const maxBytes = 100 * mebibyte;

const imageTypes = ['image/png', 'image/jpeg', 'image/webp', 'image/heic', 'image/heif'];
const audioTypes = [
  'audio/wav',
  'audio/x-wav',
  'audio/mp3',
  'audio/mpeg',
  'audio/mp4',
  'audio/m4a',
  'audio/aiff',
  'audio/aac',
  'audio/ogg',
  'audio/opus',
  'audio/flac',
  'audio/pcm',
  'audio/webm',
];
const videoTypes = [
  'video/mp4',
  'video/mpeg',
  'video/mov',
  'video/quicktime',
  'video/avi',
  'video/x-flv',
  'video/mpg',
  'video/webm',
  'video/wmv',
  'video/3gpp',
];
const documentTypes = [
  'application/pdf',
  'application/json',
  'application/rtf',
  'application/x-javascript',
  'application/x-python',
  'text/plain',
  'text/markdown',
  'text/html',
  'text/css',
  'text/csv',
  'text/xml',
  'text/rtf',
  'text/javascript',
  'text/x-python',
];

/** What the API takes inline. A file may be a video or a document, and also what has a kind of its own here. */
export function limitsOf(kind: BlockKind): MediaLimits {
  if (kind === 'image') return { types: imageTypes, maxBytes };
  if (kind === 'audio') return { types: audioTypes, maxBytes };
  return { types: [...documentTypes, ...videoTypes, ...audioTypes, ...imageTypes], maxBytes };
}

const typeByEnding: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['wav', 'audio/wav'],
  ['mp3', 'audio/mpeg'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
  ['aac', 'audio/aac'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
  ['mpeg', 'video/mpeg'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['md', 'text/markdown'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
  ['json', 'application/json'],
]);

/** The media type that the ending of a path says, or undefined. */
export function typeOfAddress(address: string): string | undefined {
  const path = URL.parse(address)?.pathname ?? '';
  return typeByEnding.get(path.slice(path.lastIndexOf('.') + 1).toLowerCase());
}

/** Pages whose video the API reads itself; they have no media type. */
export const videoPage = /^https?:\/\/(?:www\.)?(?:youtube\.com\/|youtu\.be\/)/;
