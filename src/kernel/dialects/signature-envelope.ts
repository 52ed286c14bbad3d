import type { ContentBlock } from '../request.ts';

/*
 * A signature goes back only to the dialect that made it, but a client of another dialect has to carry it there and
 * back. So an encoder puts the name of the dialect around a foreign signature, and the parser of the client's next
 * request takes it off again. The signature itself is never looked at.
 */

type Signature = NonNullable<ContentBlock['signature']>;

/** Dialects whose clients read a signature as bytes: what they carry must be base64 in every character. */
const binaryDialects: ReadonlySet<string> = new Set(['gemini']);

/** The whole is base64 in all its characters but the first three words, which stand behind a mark that no provider uses. */
const envelope = /^sluice1\.([A-Za-z0-9_/-]{1,64})\.([se])\.([A-Za-z0-9_-]*)$/;

/** The text that a client of `dialect` carries. A signature of the client's own dialect stays as it is. */
export function wrapSignature({ value, format, encrypted }: Signature, dialect: string): string {
  if (format === undefined || format === dialect || format.startsWith(`${dialect}/`)) return value;
  const text = `sluice1.${format}.${encrypted === true ? 'e' : 's'}.${Buffer.from(value).toString('base64url')}`;
  return binaryDialects.has(dialect) ? Buffer.from(text).toString('base64') : text;
}

/** The signature that a client of `dialect` sent back. `encrypted` says what the field means where nothing else is known. */
export function unwrapSignature(text: string, dialect: string, encrypted = false): Signature {
  const [, format, kind, value] = envelope.exec(text) ?? envelope.exec(bytesOf(text, dialect)) ?? [];
  if (format === undefined || value === undefined)
    return { value: text, format: dialect, ...(encrypted && { encrypted }) };
  return {
    value: Buffer.from(value, 'base64url').toString('utf8'),
    format,
    ...(kind === 'e' && { encrypted: true }),
  };
}

/** The text in the bytes of a signature that begins as an envelope does, for a dialect that has them in base64. */
function bytesOf(text: string, dialect: string): string {
  const mark = 'c2x1aWNlMS';
  return binaryDialects.has(dialect) && text.startsWith(mark) ? Buffer.from(text, 'base64').toString('utf8') : '';
}
