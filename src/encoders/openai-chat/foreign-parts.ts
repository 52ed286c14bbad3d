import type { BlockKind, EventOfType } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import type { AnswerLoss } from '../../kernel/losses.ts';

/** What other dialects say, in the form that gateways of this format have for it. */

/** What is lost with a block that has no form here; undefined for one that has. */
export function lossOf(kind: BlockKind): AnswerLoss | undefined {
  return losses.get(kind);
}

const losses: ReadonlyMap<BlockKind, AnswerLoss> = new Map<BlockKind, AnswerLoss>([
  ['server_tool_call', 'server_tools'],
  ['server_tool_result', 'server_tools'],
  ['compaction', 'compaction'],
  ['code', 'server_tools'],
  ['file', 'media'],
  ['unknown', 'unknown_blocks'],
]);

/** What of an end has no word here. */
export function lossesOfFinish({ stopSequence, refusal, reason }: EventOfType<'finish'>): readonly AnswerLoss[] {
  const lost: AnswerLoss[] = [];
  if (stopSequence !== undefined) lost.push('stop_sequence');
  if (refusal !== undefined) lost.push('refusal_details');
  if (reason.unified === 'pause') lost.push('pause');
  return lost;
}

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

/** A piece of audio. Its id is ours: a client that sends it back is told by the provider that there is no such audio. */
export function audioDelta({ blockId, base64 = '' }: EventOfType<'media.delta'>, runId: string): JsonObject {
  return { audio: { id: audioId(blockId, runId), data: base64 } };
}

/** Audio from the pieces of its block, or undefined where they hold no bytes. */
export function writeAudio(media: readonly EventOfType<'media.delta'>[], runId: string): JsonObject | undefined {
  const [first] = media;
  const data = media.map(({ base64 = '' }) => base64).join('');
  return first === undefined || data === '' ? undefined : { id: audioId(first.blockId, runId), data, transcript: '' };
}

function audioId(blockId: string, runId: string): string {
  return `audio_${runId}_${blockId}`;
}
