import type { EventOfType } from '../../kernel/event.ts';
import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import { textPart } from './parts.ts';

/**
 * A chunk of the provider that nobody here knows. Official clients parse every chunk, so what is no JSON object stays
 * out; and they read the parts of every candidate, so a candidate without any gets an empty one.
 */
export function repairRaw({ data }: EventOfType<'raw'>): string {
  const chunk = parse(data);
  if (chunk === undefined) return '';
  const { candidates } = chunk;
  const repaired = Array.isArray(candidates) ? { candidates: candidates.filter(isObject).map(repairCandidate) } : {};
  return sseFrame(JSON.stringify({ ...chunk, ...repaired }));
}

function repairCandidate(candidate: JsonObject): JsonObject {
  const content = isObject(candidate['content']) ? candidate['content'] : {};
  const { parts } = content;
  if (Array.isArray(parts) && parts.length > 0) return candidate;
  return { ...candidate, content: { ...content, parts: [textPart('', false)], role: 'model' } };
}

function parse(data: string): JsonObject | undefined {
  try {
    const document: unknown = JSON.parse(data);
    return isObject(document) ? document : undefined;
  } catch {
    return undefined;
  }
}
