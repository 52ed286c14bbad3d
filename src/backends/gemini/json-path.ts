import { badFrame } from '../../kernel/dialects/provider-document.ts';

/** A key of an object, or a place in a list. */
export type PathStep = string | number;

const maxPathLength = 4_096;
const maxSteps = 64;
/** Largest place in a list; a list is filled up to it. */
const maxIndex = 65_535;
const step = /\.([^.[\]'"]+)|\[(\d{1,5})\]|\['((?:[^'\\]|\\.)*)'\]|\["((?:[^"\\]|\\.)*)"\]/y;

/**
 * The steps of a singular JSON path (RFC 9535) such as `$.stops[0].name` or `$['a.b']`. Throws UPSTREAM_BAD_FRAME for any
 * other, and for the root itself.
 */
export function readJsonPath(path: string): readonly PathStep[] {
  if (path.length > maxPathLength || !path.startsWith('$') || path.length === 1) throw badPath();
  const steps: PathStep[] = [];
  step.lastIndex = 1;
  while (step.lastIndex < path.length) {
    const match = step.exec(path);
    if (match === null || steps.length >= maxSteps) throw badPath();
    const [, name, index, single, double] = match;
    if (index === undefined) steps.push(name ?? unescape(single ?? double ?? ''));
    else if (Number(index) <= maxIndex) steps.push(Number(index));
    else throw badPath();
  }
  return steps;
}

function unescape(quoted: string): string {
  return quoted.replaceAll(/\\(.)/gs, '$1');
}

function badPath(): Error {
  return badFrame("the path of an argument can't be read");
}
