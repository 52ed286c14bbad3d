import type { EventOfType } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { readDataUri, type InlineMedia } from '../../kernel/dialects/media.ts';
import { openaiResponses } from '../../kernel/dialects/openai-responses-fields.ts';

/**
 * The citation in this format, or undefined where it cites no page. `text` gives what the block has said so far: a
 * citation without a place is about its end. Places count code points here.
 */
export function writeAnnotation(event: EventOfType<'annotation'>, text: () => string): unknown {
  const { annotation, dialect, url, title, start, end, unit = 'utf16' } = event;
  if (dialect === openaiResponses) return annotation;
  if (url === undefined) return undefined;
  const place = (offset: number | undefined): number =>
    offset !== undefined && unit === 'codepoint' ? offset : codePoints(textBefore(text(), offset, unit));
  return { type: 'url_citation', start_index: place(start ?? end), end_index: place(end), url, title: title ?? url };
}

function textBefore(text: string, offset: number | undefined, unit: 'utf16' | 'codepoint' | 'byte'): string {
  if (offset === undefined) return text;
  return unit === 'byte' ? Buffer.from(text, 'utf8').subarray(0, offset).toString('utf8') : text.slice(0, offset);
}

function codePoints(text: string): number {
  return text.length - (text.match(/[\ud800-\udbff][\udc00-\udfff]/g)?.length ?? 0);
}

/** The log probabilities of a piece: chat completions have the same entries a level deeper. */
export function logprobsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isObject(value) && Array.isArray(value['content']) ? (value['content'] as unknown[]) : [];
}

/** The bytes of a picture that came in one piece: as a data URI where a chat completion has its address. */
export function pictureIn(initial: unknown): InlineMedia | undefined {
  const image = isObject(initial) ? initial['image_url'] : undefined;
  const url = isObject(image) ? image['url'] : image;
  return typeof url === 'string' ? readDataUri(url) : undefined;
}

/** A picture as the result of the tool that makes pictures here. */
export function pictureItem(base64: string, mediaType: string | undefined): JsonObject {
  const [, format] = /^image\/(png|webp|jpeg)$/.exec(mediaType ?? '') ?? [];
  return {
    type: 'image_generation_call',
    status: 'completed',
    result: base64,
    ...(format !== undefined && { output_format: format }),
  };
}
