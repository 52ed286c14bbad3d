/** JSON pointers (RFC 6901) as a schema takes them; the whole document has none. */
export const pointerPattern = '^(/([^~/]|~[01])*)+$';

/** What stands at a JSON pointer, in own properties only; undefined where there is nothing. */
export function valueAt(document: unknown, pointer: string): unknown {
  let value: unknown = document;
  for (const part of pointer.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    // `length` of a list is its own, but no part of the document.
    if (Array.isArray(value) && !/^\d+$/.test(key)) return undefined;
    value = Reflect.get(value, key);
  }
  return value;
}
