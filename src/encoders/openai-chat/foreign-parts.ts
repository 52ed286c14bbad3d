import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json-value.ts';

/** What other dialects say, in the form that gateways of this format have for it. */

/** True for the blocks that have a form here. A proof without text stands for `reasoning_redacted`. */
export function canSay(kind: BlockKind): boolean {
  return !unsayable.has(kind);
}

const unsayable: ReadonlySet<BlockKind> = new Set([
  'server_tool_call',
  'server_tool_result',
  'compaction',
  'code',
  'file',
  'unknown',
]);

export function isReasoning(kind: BlockKind): boolean {
  return kind === 'reasoning' || kind === 'reasoning_summary' || kind === 'reasoning_redacted';
}

/** A citation of a page, or undefined for one of something else: the format knows no other. */
export function writeCitation({ url, title, start, end }: EventOfType<'annotation'>): JsonObject | undefined {
  if (url === undefined) return undefined;
  return {
    type: 'url_citation',
    url_citation: { url, title: title ?? url, start_index: start ?? 0, end_index: end ?? 0 },
  };
}

/** A picture from the pieces of its block, or undefined where there are none. */
export function writeImage(media: readonly EventOfType<'media.delta'>[]): JsonObject | undefined {
  const base64 = media.map((piece) => (piece.partialImageIndex === undefined ? (piece.base64 ?? '') : '')).join('');
  const address = media.find(({ url }) => url !== undefined)?.url;
  if (base64 === '' && address === undefined) return undefined;
  const mediaType = media.find((piece) => piece.mediaType !== undefined)?.mediaType ?? 'image/png';
  return { type: 'image_url', image_url: { url: address ?? `data:${mediaType};base64,${base64}` } };
}
