import { isObject } from './json-value.ts';

/** A change of one place in a JSON document. */
export type JsonEdit =
  | { readonly path: readonly string[]; readonly remove: true }
  | { readonly path: readonly string[]; readonly value: unknown };

/** The part of `JSON` that keeps a number as it is written, which the library of types does not know yet. */
const exactJson = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): unknown;
  isRawJSON(value: unknown): boolean;
};

const maxPointerSteps = 64;

/**
 * The steps of a JSON pointer (RFC 6901). Throws a TypeError for the whole document, for a text that is no pointer, and for
 * keys that mean something to the prototype of an object.
 */
export function readPointer(pointer: string): readonly string[] {
  if (!pointer.startsWith('/')) throw new TypeError(`"${pointer}" is no JSON pointer below the top, such as "/path"`);
  if (/~(?![01])/.test(pointer)) throw new TypeError(`"${pointer}" is no JSON pointer: "~" is written "~0"`);
  const steps = pointer
    .slice(1)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (steps.length > maxPointerSteps) throw new TypeError(`"${pointer}" has more than ${maxPointerSteps} steps`);
  if (steps.includes('__proto__')) throw new TypeError(`"${pointer}" names a key that can't be changed`);
  return steps;
}

/**
 * A JSON text with some places changed. Numbers elsewhere keep their digits. What is removed need not be there; what is set
 * makes the objects that it needs, and `-` stands for a new item at the end of a list. Undefined where an edit can't be
 * done: its place is below a text, a number or an item that is not there.
 */
export function editJson(json: string, edits: readonly JsonEdit[]): string | undefined {
  const root = exactJson.parse(json, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined ? exactJson.rawJSON(source) : value,
  );
  return edits.every((edit) => apply(root, edit)) ? JSON.stringify(root) : undefined;
}

function apply(root: unknown, edit: JsonEdit): boolean {
  const removes = 'remove' in edit;
  let parent = root;
  for (const step of edit.path.slice(0, -1)) {
    if (!isContainer(parent)) return removes;
    let next = childOf(parent, step);
    if (next === undefined) {
      if (removes) return true;
      next = {};
      if (!setChild(parent, step, next)) return false;
    }
    parent = next;
  }
  const last = edit.path.at(-1) ?? '';
  if (!isContainer(parent)) return removes;
  if (!removes) return setChild(parent, last, edit.value);
  removeChild(parent, last);
  return true;
}

type Container = Record<string, unknown> | unknown[];

function isContainer(value: unknown): value is Container {
  return Array.isArray(value) || (isObject(value) && !exactJson.isRawJSON(value));
}

function childOf(parent: Container, step: string): unknown {
  if (Array.isArray(parent)) return parent[indexOf(step) ?? parent.length];
  return Object.hasOwn(parent, step) ? parent[step] : undefined;
}

function setChild(parent: Container, step: string, value: unknown): boolean {
  if (!Array.isArray(parent)) {
    parent[step] = value;
    return true;
  }
  const index = step === '-' ? parent.length : indexOf(step);
  if (index === undefined || index > parent.length) return false;
  parent[index] = value;
  return true;
}

function removeChild(parent: Container, step: string): void {
  if (!Array.isArray(parent)) delete parent[step];
  else {
    const index = indexOf(step);
    if (index !== undefined) parent.splice(index, 1);
  }
}

function indexOf(step: string): number | undefined {
  return /^(?:0|[1-9]\d{0,8})$/.test(step) ? Number(step) : undefined;
}
