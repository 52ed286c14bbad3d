import type { EventOfType } from '../../kernel/event.ts';
import type { JsonObject } from '../../kernel/json/json-value.ts';
import { ByteOffsets } from './byte-offsets.ts';

type Annotation = EventOfType<'annotation'>;

/** Text that is kept of a choice, so that offsets can be told in bytes. Citations of longer answers have no offsets. */
export const maxCitedLength = 1_048_576;
/** Bytes of cited text that are repeated in one support. */
const maxSegmentText = 4_096;

/** A text block as it was written, for the offsets of its citations. */
export interface CitedText {
  readonly blockId: string;
  readonly text: string;
}

/** A text block, and where it begins in the text of the whole candidate. */
interface PlacedText {
  readonly offsets: ByteOffsets;
  readonly start: number;
}

/**
 * The citations of another dialect as grounding metadata: one source for each address, and a support for each citation
 * that says where in the text it stands. `texts` are the blocks of the choice in order, or undefined where they are not
 * known in full. Undefined where no citation names an address.
 */
export function writeGrounding(
  annotations: readonly Annotation[],
  texts: readonly CitedText[] = [],
): JsonObject | undefined {
  const places = placeTexts(texts);
  const sources = new Map<string, { readonly index: number; readonly web: JsonObject }>();
  const supports: JsonObject[] = [];
  for (const annotation of annotations) {
    const { url, title, blockId } = annotation;
    if (url === undefined) continue;
    const web = { uri: url, ...(title !== undefined && { title }) };
    const source = sources.get(url) ?? { index: sources.size, web };
    sources.set(url, source);
    const place = places.get(blockId);
    const segment = place && segmentOf(annotation, place);
    if (segment !== undefined) supports.push({ segment, groundingChunkIndices: [source.index] });
  }
  if (sources.size === 0) return undefined;
  return {
    groundingChunks: [...sources.values()].map(({ web }) => ({ web })),
    ...(supports.length > 0 && { groundingSupports: supports }),
  };
}

function placeTexts(texts: readonly CitedText[]): ReadonlyMap<string, PlacedText> {
  const places = new Map<string, PlacedText>();
  let start = 0;
  for (const { blockId, text } of texts) {
    const offsets = new ByteOffsets(text);
    places.set(blockId, { offsets, start });
    start += offsets.bytes.length;
  }
  return places;
}

/** Where the citation stands: bytes of UTF-8, from the beginning of the text of the whole candidate. */
function segmentOf({ start, end, unit }: Annotation, place: PlacedText): JsonObject | undefined {
  if (start === undefined || end === undefined || end <= start) return undefined;
  const from = place.offsets.of(start, unit);
  const to = place.offsets.of(end, unit);
  if (from === undefined || to === undefined) return undefined;
  return {
    startIndex: place.start + from,
    endIndex: place.start + to,
    ...(to - from <= maxSegmentText && { text: place.offsets.bytes.subarray(from, to).toString('utf8') }),
  };
}
