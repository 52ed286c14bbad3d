import type { EventOfType } from '../../kernel/event.ts';
import { gemini } from '../../kernel/dialects/gemini-fields.ts';
import { filledString, isObject, type JsonObject } from '../../kernel/json/json-value.ts';

/** Marks that are read of one chunk: supports times chunks. */
const maxCitations = 4_096;

/** An annotation that does not yet know its block. */
export type Citation = Omit<EventOfType<'annotation'>, 'type' | 'blockId' | 'choice'>;

/** The marks in the citation and the grounding metadata of a candidate, for the dialects that cite piece by piece. */
export function readCitations(candidate: JsonObject): readonly Citation[] {
  return [...readSources(candidate['citationMetadata']), ...readGrounding(candidate['groundingMetadata'])].slice(
    0,
    maxCitations,
  );
}

/** Vertex calls the list `citations`, AI Studio `citationSources`. */
function readSources(metadata: unknown): readonly Citation[] {
  if (!isObject(metadata)) return [];
  return objects(metadata['citationSources'] ?? metadata['citations']).map((source) => ({
    annotation: source,
    dialect: gemini,
    ...text('url', source['uri']),
    ...text('title', source['title']),
    ...range(source),
  }));
}

/** One mark for each source of each segment; sources that no segment names stand alone. */
function readGrounding(metadata: unknown): readonly Citation[] {
  if (!isObject(metadata)) return [];
  const chunks = Array.isArray(metadata['groundingChunks']) ? (metadata['groundingChunks'] as unknown[]) : [];
  const supports = objects(metadata['groundingSupports']);
  const citations: Citation[] = [];
  const named = new Set<number>();
  for (const support of supports) {
    const { groundingChunkIndices: indices } = support;
    for (const index of Array.isArray(indices) ? (indices as unknown[]) : []) {
      const chunk = typeof index === 'number' ? chunks[index] : undefined;
      if (typeof index !== 'number' || !isObject(chunk) || citations.length >= maxCitations) continue;
      named.add(index);
      citations.push(citationOf(chunk, support));
    }
  }
  for (const [index, chunk] of chunks.entries())
    if (!named.has(index) && isObject(chunk) && citations.length < maxCitations) citations.push(citationOf(chunk));
  return citations;
}

function citationOf(chunk: JsonObject, support?: JsonObject): Citation {
  const source = [chunk['web'], chunk['retrievedContext'], chunk['maps'], chunk['image']].find(isObject) ?? {};
  const segment = isObject(support?.['segment']) ? support['segment'] : undefined;
  return {
    annotation: { groundingChunk: chunk, ...(support && { groundingSupport: support }) },
    dialect: gemini,
    ...text('url', source['uri'] ?? source['sourceUri']),
    ...text('title', source['title']),
    ...(segment && { ...text('citedText', segment['text']), ...range(segment) }),
  };
}

/** Offsets count bytes of UTF-8. The start is left out where it is 0. */
function range({ startIndex: start = 0, endIndex: end }: JsonObject): Pick<Citation, 'start' | 'end' | 'unit'> {
  return isOffset(start) && isOffset(end) ? { start, end, unit: 'byte' } : {};
}

function isOffset(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0;
}

function text<N extends string>(name: N, value: unknown): { readonly [K in N]?: string } {
  const filled = filledString(value);
  return (filled === undefined ? {} : { [name]: filled }) as { readonly [K in N]?: string };
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
