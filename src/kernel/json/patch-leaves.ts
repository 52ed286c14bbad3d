import { SluiceError } from '../errors.ts';
import type { EventOfType } from '../event.ts';
import { JsonLeaves } from './json-leaves.ts';
import type { LeafRewriter } from './json-spelling.ts';

type ArgumentsDelta = EventOfType<'toolArgs.delta'>;
export type PatchEvent = ArgumentsDelta & { readonly patch: NonNullable<ArgumentsDelta['patch']> };

interface OpenLeaf {
  readonly jsonPath: string;
  /** Undefined where the string is left as it is. */
  readonly rewriter: LeafRewriter | undefined;
  /** The event that brought its last piece; what is left of it goes out in the same form. */
  last: PatchEvent;
}

const maxPathCharacters = 4_096;
const pathStep = /\.([^.[\]'"]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * Rewrites the strings of arguments that come as values by path, one tool call each. The pieces of a string (`more`) are one
 * text; the strings inside of an object or a list are texts of their own, with the pointer of the path before theirs.
 */
export class PatchLeaves {
  readonly #open: (pointer: string) => LeafRewriter | undefined;
  #leaf: OpenLeaf | undefined;

  constructor(open: (pointer: string) => LeafRewriter | undefined) {
    this.#open = open;
  }

  /** The events to send on in place of one that has a `patch`: the very same one where nothing is changed or held. */
  rewrite(event: PatchEvent): ArgumentsDelta[] {
    const { jsonPath, value, more = false } = event.patch;
    const ended = this.#leaf !== undefined && (this.#leaf.jsonPath !== jsonPath || typeof value !== 'string');
    const before = ended ? this.flush() : [];
    if (typeof value !== 'string') return [...before, this.#rewriteValue(event)];
    const leaf = (this.#leaf ??= { jsonPath, rewriter: this.#open(pointerOfPath(jsonPath)), last: event });
    leaf.last = event;
    if (!more) this.#leaf = undefined;
    if (leaf.rewriter === undefined) return [...before, event];
    let text = value === '' ? '' : leaf.rewriter.text(value);
    if (!more) text += leaf.rewriter.flush();
    if (text === value) return [...before, event];
    // A piece of which nothing leaves is left out, but the last one says that the string is complete.
    return text === '' && more ? before : [...before, withValue(event, text)];
  }

  /** The arguments are complete, or no more of them comes: what is left of a string that did not say so. */
  flush(): ArgumentsDelta[] {
    const leaf = this.#leaf;
    this.#leaf = undefined;
    const text = leaf?.rewriter?.flush() ?? '';
    return leaf === undefined || text === '' ? [] : [withValue(leaf.last, text)];
  }

  #rewriteValue(event: PatchEvent): ArgumentsDelta {
    const { jsonPath, value } = event.patch;
    if (typeof value !== 'object' || value === null) return event;
    const base = pointerOfPath(jsonPath);
    const leaves = new JsonLeaves((pointer) => this.#open(base + pointer));
    const json = JSON.stringify(value);
    const left = leaves.push(json) + leaves.flush();
    return left === json ? event : withValue(event, parsed(left));
  }
}

/** The message of the parser would repeat what it could not read. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new SluiceError('MODIFIER_FAILED', { context: { reason: 'a value by path is too deep to be rewritten' } });
  }
}

/** True for an event whose arguments come by path. */
export function isPatch(event: ArgumentsDelta): event is PatchEvent {
  return event.patch !== undefined;
}

/** The JSON pointer of a path such as `$.stops[0]['a.b']`; the readable part of one that is no such path. */
export function pointerOfPath(path: string): string {
  let pointer = '';
  pathStep.lastIndex = path.startsWith('$') ? 1 : 0;
  if (path.length > maxPathCharacters) return pointer;
  for (let match = pathStep.exec(path); match !== null; match = pathStep.exec(path)) {
    const [, name, index, single, double] = match;
    const step = name ?? index ?? (single ?? double ?? '').replaceAll(/\\(.)/gs, '$1');
    pointer += `/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return pointer;
}

function withValue(event: PatchEvent, value: unknown): ArgumentsDelta {
  return { ...event, patch: { ...event.patch, value } };
}
