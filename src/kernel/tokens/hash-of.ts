import { createHash } from 'node:crypto';

/** SHA-256 of the parts, in hex and never shortened; parts can't be mistaken for each other whatever they hold. */
export function hashOf(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  // As UTF-16, in which also halves of surrogate pairs differ.
  for (const part of parts) hash.update(`${part.length}:`).update(Buffer.from(part, 'utf16le'));
  return hash.digest('hex');
}
