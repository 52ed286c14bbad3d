/** What a document may be at most. Checked on the text, before anything is built from it. */
export interface DocumentLimits {
  /** UTF-8 bytes. */
  readonly maxBytes: number;
  readonly maxDepth: number;
  /** Keys and array items together. */
  readonly maxItems: number;
}

export const pipelineLimits: DocumentLimits = { maxBytes: 1_048_576, maxDepth: 32, maxItems: 10_000 };
export const wordListLimits: DocumentLimits = { maxBytes: 16_777_216, maxDepth: 2, maxItems: 200_000 };

export type LimitBreach = { readonly limit: 'maxDepth' | 'maxItems'; readonly offset: number };

const quote = 0x22;
const star = 0x2a;
const comma = 0x2c;
const slash = 0x2f;
const backslash = 0x5c;

/**
 * Walks over the text of a document once, without recursion, and tells the first place where it is nested too deep or
 * holds too much. Text that is no JSON is walked over as well as it can be; the parser names its mistakes.
 */
export function findLimitBreach(text: string, limits: DocumentLimits): LimitBreach | undefined {
  let depth = 0;
  let items = 0;
  for (let offset = 0; offset < text.length; offset += 1) {
    const code = text.charCodeAt(offset);
    if (code === quote) {
      offset = endOfString(text, offset);
    } else if (code === slash) {
      offset = endOfComment(text, offset);
    } else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      items += 1;
      if (depth > limits.maxDepth) return { limit: 'maxDepth', offset };
    } else if (code === 0x7d || code === 0x5d) {
      depth -= 1;
    } else if (code === comma) {
      items += 1;
    }
    if (items > limits.maxItems) return { limit: 'maxItems', offset };
  }
  return undefined;
}

/** Offset of the closing quote, or of the end of the line: a string can't go on beyond it. */
function endOfString(text: string, start: number): number {
  for (let offset = start + 1; offset < text.length; offset += 1) {
    const code = text.charCodeAt(offset);
    if (code === backslash) offset += 1;
    else if (code === quote || code === 0x0a || code === 0x0d) return offset;
  }
  return text.length;
}

function endOfComment(text: string, start: number): number {
  const next = text.charCodeAt(start + 1);
  if (next !== slash && next !== star) return start;
  const end = next === star ? text.indexOf('*/', start + 2) : text.slice(start).search(/[\r\n]/);
  if (end === -1) return text.length;
  return next === star ? end + 1 : start + end;
}
