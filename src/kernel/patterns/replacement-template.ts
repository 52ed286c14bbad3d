import type { CaptureGroups } from './capture-groups.ts';

/** Text that stands in place of a match: fixed parts, and numbers of the groups whose text goes there. */
export type ReplacementTemplate = readonly (string | number)[];

/**
 * Parses what stands in place of a match: `$1` to `$99` and `$<name>` for the text of a group, `$&` for the whole match,
 * `$$` for a dollar sign; any other "$" is itself. Throws a TypeError for a group that the expression doesn't have.
 */
export function parseReplacement(template: string, groups: CaptureGroups): ReplacementTemplate {
  const parts: (string | number)[] = [];
  let done = 0;
  for (const { 0: reference, 1: digits, 2: name, index } of template.matchAll(/\$(?:([1-9]\d?)|<([^<>]*)>|[$&])/g)) {
    parts.push(template.slice(done, index));
    done = index + reference.length;
    if (reference === '$$') parts.push('$');
    else if (reference === '$&') parts.push(0);
    else if (name !== undefined) parts.push(numberOf(name, groups));
    else if (digits !== undefined) {
      const number = numberFrom(digits, groups.count);
      parts.push(number);
      // Of "$12" where there are fewer groups, the 2 is text.
      done = index + 1 + String(number).length;
    }
  }
  parts.push(template.slice(done));
  return joined(parts);
}

/** True where the text of a group is needed. */
export function readsGroups(template: ReplacementTemplate): boolean {
  return template.some((part) => typeof part === 'number' && part > 0);
}

/** `groups` are the texts by number, of which 0 is the match. */
export function fillReplacement(template: ReplacementTemplate, groups: readonly string[]): string {
  let text = '';
  for (const part of template) text += typeof part === 'string' ? part : (groups[part] ?? '');
  return text;
}

function numberFrom(digits: string, count: number): number {
  const number = Number(digits);
  if (number <= count) return number;
  const first = Number(digits.charAt(0));
  if (first <= count) return first;
  const known = count === 0 ? 'no groups' : `only the groups 1 to ${count}`;
  throw new TypeError(`"$${digits}" is no group, the expression has ${known}; write "$$${digits}" for the text itself`);
}

function numberOf(name: string, { numbers }: Pick<CaptureGroups, 'numbers'>): number {
  const number = numbers.get(name);
  if (number !== undefined) return number;
  const known = numbers.size === 0 ? 'it has no named groups' : `it has ${[...numbers.keys()].join(', ')}`;
  throw new TypeError(`the expression has no group "${name}"; ${known}`);
}

function joined(parts: readonly (string | number)[]): ReplacementTemplate {
  const result: (string | number)[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if (typeof part === 'string' && typeof last === 'string') result[result.length - 1] = last + part;
    else if (part !== '') result.push(part);
  }
  return result;
}
