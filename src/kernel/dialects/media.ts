import { refuse } from './field-check.ts';
import type { ContentBlock } from '../request.ts';

/** `data:<type>;base64,<bytes>` without further parameters; anything else is an address. */
const dataUri = /^data:([\w.+-]+\/[\w.+-]+);base64,/;
const base64Text = /^[A-Za-z0-9+/_-]*={0,2}$/;

export interface InlineMedia {
  readonly mediaType: string;
  readonly base64: string;
}

/** The bytes in a data URI, or undefined for an address. */
export function readDataUri(text: string): InlineMedia | undefined {
  const match = dataUri.exec(text.slice(0, 256));
  const mediaType = match?.[1];
  return match === null || mediaType === undefined ? undefined : { mediaType, base64: text.slice(match[0].length) };
}

export function writeDataUri({ mediaType = 'application/octet-stream', base64 = '' }: ContentBlock): string {
  return `data:${mediaType};base64,${base64}`;
}

/** What a provider takes of images, audio or files. */
export interface MediaLimits {
  /** Media types, in full. */
  readonly types: readonly string[];
  /** Bytes after decoding. */
  readonly maxBytes: number;
}

/**
 * Refuses inline media that the provider would refuse, before anything is sent: not base64, too large, of a type that it
 * does not take. `place` names the field.
 */
export function checkInline(block: ContentBlock, limits: MediaLimits, place: string): void {
  const { base64, mediaType } = block;
  if (base64 === undefined) return;
  checkBase64(block, place);
  const bytes = Math.floor((base64.length * 3) / 4);
  if (bytes > limits.maxBytes)
    refuse(place, `${bytes} bytes are more than the ${limits.maxBytes} that this backend takes`);
  if (mediaType === undefined || !limits.types.includes(mediaType))
    refuse(place, `expected one of ${limits.types.join(', ')}, got "${(mediaType ?? 'no type').slice(0, 64)}"`);
}

/** Refuses bytes that are none: that is wrong in every format. `place` names the field. */
export function checkBase64({ base64 }: ContentBlock, place: string): void {
  if (base64 !== undefined && !isBase64(base64)) refuse(place, 'the data is no base64');
}

/** Looks at the ends and at samples of long text: a check of every byte of a picture would cost as much as sending it. */
function isBase64(text: string): boolean {
  if (text === '') return false;
  if (text.length <= 4_096) return base64Text.test(text);
  return base64Text.test(text.slice(0, 2_048)) && base64Text.test(text.slice(-2_048));
}
