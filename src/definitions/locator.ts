import type { Node } from 'jsonc-parser';
import { parentPointer, pointerTokens } from './json-pointer.ts';

/** 1-based; the column counts UTF-16 code units. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/** Finds the place in the text for a place in the value. */
export interface Locator {
  /** Of an offset in the text (without a byte order mark). */
  at(offset: number): Position;
  /** Of the value at a pointer; where there is none, of the nearest thing around it. */
  value(pointer: string): Position;
  /** Of the key that ends a pointer; of an array item: of its value. */
  key(pointer: string): Position;
  /** Of a code unit inside the string at a pointer, escapes counted. */
  insideString(pointer: string, index: number): Position;
  /** First and last offset of the value at a pointer. */
  range(pointer: string): { readonly start: number; readonly end: number };
}

export function createLocator(text: string, root: Node | undefined): Locator {
  const lineStarts = findLineStarts(text);
  const at = (offset: number): Position => {
    const line = lastAtOrBefore(lineStarts, offset);
    return { line: line + 1, column: offset - (lineStarts[line] ?? 0) + 1 };
  };
  const nearest = (pointer: string): Node | undefined => {
    let around = pointer;
    for (;;) {
      const found = findNode(root, around);
      if (found !== undefined || around === '') return found?.value ?? found?.key ?? root;
      around = parentPointer(around);
    }
  };
  return {
    at,
    value: (pointer) => at(nearest(pointer)?.offset ?? 0),
    key: (pointer) => at((findNode(root, pointer)?.key ?? nearest(pointer))?.offset ?? 0),
    insideString(pointer, index) {
      const node = nearest(pointer);
      if (node?.type !== 'string') return at(node?.offset ?? 0);
      return at(rawOffset(text, node.offset + 1, node.offset + node.length - 1, index));
    },
    range(pointer) {
      const node = nearest(pointer);
      return { start: node?.offset ?? 0, end: (node?.offset ?? 0) + (node?.length ?? 0) };
    },
  };
}

/** Of a duplicate key the last counts, as in the value. */
function findNode(root: Node | undefined, pointer: string): { readonly key?: Node; readonly value?: Node } | undefined {
  let found: { key?: Node; value?: Node } | undefined = root && { value: root };
  for (const token of pointerTokens(pointer)) {
    const holder: Node | undefined = found?.value;
    if (holder?.type === 'array') {
      const item: Node | undefined = holder.children?.[Number(token)];
      found = item && { value: item };
    } else {
      const property: Node | undefined = holder?.children?.findLast((child) => child.children?.[0]?.value === token);
      const [key, value] = property?.children ?? [];
      found = key && { key, ...(value && { value }) };
    }
    if (found === undefined) return undefined;
  }
  return found;
}

function findLineStarts(text: string): number[] {
  const starts = [0];
  for (let offset = text.indexOf('\n'); offset !== -1; offset = text.indexOf('\n', offset + 1)) starts.push(offset + 1);
  return starts;
}

function lastAtOrBefore(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((sorted[middle] ?? 0) <= wanted) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Where the code unit `index` of a JSON string stands in its text: an escape is one unit, `\uXXXX` included. */
function rawOffset(text: string, start: number, end: number, index: number): number {
  let offset = start;
  for (let unit = 0; unit < index && offset < end; unit += 1) {
    if (text[offset] !== '\\') offset += 1;
    else offset += text[offset + 1] === 'u' ? 6 : 2;
  }
  return Math.min(offset, end);
}
