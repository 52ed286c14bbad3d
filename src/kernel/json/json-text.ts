/*
 * Text inside JSON, and bytes inside strings. Frames are built as latin1 strings that hold UTF-8 bytes: such a string is
 * written to a socket without a conversion, and a piece of text is put into a frame by joining three strings.
 */

const mustEscape = /["\\\u0000-\u001f\ud800-\udfff]/;
const nonAscii = /[^\u0000-\u007f]/;
const notPlain = /["\\\u0000-\u001f]/;

/** Deepest JSON that is taken from a provider: recursive code behind it (`JSON.stringify`) must not overflow the stack. */
export const maxJsonDepth = 128;

/**
 * Text as it stands between the quotes of a JSON string. Halves of surrogate pairs stay what they are (`\ud83d`), so a
 * pair that a provider sent in two pieces is whole again at the client.
 */
export function escapeJson(text: string): string {
  return mustEscape.test(text) ? JSON.stringify(text).slice(1, -1) : text;
}

/** The text that stands between the quotes of a JSON string. Throws a SyntaxError where it is no such text. */
export function unescapeJson(json: string): string {
  return notPlain.test(json) ? (JSON.parse(`"${json}"`) as string) : json;
}

/** True for what may stand between the quotes of a JSON string; a bare quote or a line end may not. */
export function isJsonText(json: string): boolean {
  if (!notPlain.test(json)) return true;
  try {
    JSON.parse(`"${json}"`);
    return true;
  } catch {
    return false;
  }
}

/** The UTF-8 bytes of a text, one character per byte. Half a surrogate pair becomes U+FFFD. */
export function toLatin1(text: string): string {
  return nonAscii.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text;
}

/** The text whose UTF-8 bytes the characters are. Bytes that are no UTF-8 become U+FFFD. */
export function fromLatin1(bytes: string): string {
  return nonAscii.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes;
}

/** Text as it stands between the quotes of a frame: JSON-escaped, latin1 of UTF-8. */
export function escapeJsonText(text: string): string {
  return toLatin1(escapeJson(text));
}

/**
 * The text between the quotes of a frame, from JSON-escaped latin1 of UTF-8. Undefined where it is no such text, and where
 * it holds U+FFFD: then bytes may have been invalid, and only the slow way of a frame judges that.
 */
export function unescapeJsonText(bytes: string): string | undefined {
  const json = fromLatin1(bytes);
  if (!isJsonText(json)) return undefined;
  const text = unescapeJson(json);
  return json !== bytes && text.includes('\ufffd') ? undefined : text;
}

/** How many strings, keys included, a JSON text spells out. */
export function countStringTokens(json: string): number {
  let count = 0;
  for (let open = json.indexOf('"'); open !== -1;) {
    const close = closingQuote(json, open + 1);
    if (close === -1) return count;
    count += 1;
    open = json.indexOf('"', close + 1);
  }
  return count;
}

/**
 * Strings (keys included) and depth of a parsed document. Fewer strings than `countStringTokens` of its text mean that a
 * key is there twice: a reader that takes the first one sees other text than we do.
 */
export function measureJson(value: unknown): { strings: number; depth: number } {
  let strings = 0;
  let deepest = 0;
  const open: unknown[] = [value];
  const depths: number[] = [1];
  while (open.length > 0) {
    const current = open.pop();
    const depth = depths.pop() ?? 1;
    if (typeof current === 'string') strings += 1;
    if (typeof current !== 'object' || current === null) continue;
    if (depth > deepest) deepest = depth;
    const isList = Array.isArray(current);
    for (const item of isList ? (current as unknown[]) : Object.values(current)) {
      if (!isList) strings += 1;
      if (typeof item === 'string') strings += 1;
      else if (typeof item === 'object' && item !== null) {
        open.push(item);
        depths.push(depth + 1);
      }
    }
  }
  return { strings, depth: deepest };
}

/** Place of the quote that ends a JSON string whose text begins at `from`; -1 where there is none. */
export function closingQuote(json: string, from: number): number {
  let close = json.indexOf('"', from);
  while (close !== -1 && isEscaped(json, close)) close = json.indexOf('"', close + 1);
  return close;
}

function isEscaped(json: string, at: number): boolean {
  let slashes = 0;
  while (json.charCodeAt(at - 1 - slashes) === 0x5c) slashes += 1;
  return slashes % 2 === 1;
}
