import { createHash } from 'node:crypto';

/** Ids of tool calls and names of tools. */
const usable = /^[A-Za-z0-9_-]{1,64}$/;
const maxLength = 64;
const maxDocumentNameLength = 200;

/**
 * A name or an id as the provider takes it. One that it would refuse becomes another one, always the same, and never the
 * one of something else: the hash tells apart what looks alike after the change.
 */
export function wireName(name: string): string {
  if (usable.test(name)) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.replace(/[^A-Za-z0-9_-]/g, '_').slice(0, maxLength - hash.length - 1)}_${hash}`;
}

/**
 * Names for documents, each once in a request: letters, digits, single spaces, hyphens, parentheses and square brackets.
 * The provider warns that a name is read by the model, so nothing but the author's own words is put into it.
 */
export class DocumentNames {
  readonly #taken = new Set<string>();

  /** `fileName` with the ending of `format` taken off, or a number where nothing usable is in it. */
  add(fileName: string | undefined, format: string): string {
    const bare = (fileName ?? '').replace(new RegExp(`\\.${format}$`, 'i'), '');
    const clean = bare
      .replace(/[^A-Za-z0-9\s()[\]-]+/g, '-')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, maxDocumentNameLength - 10)
      .trim();
    const base = /[A-Za-z0-9]/.test(clean) ? clean : 'document';
    let name = base;
    for (let count = 2; this.#taken.has(name); count += 1) name = `${base} (${count})`;
    this.#taken.add(name);
    return name;
  }
}
