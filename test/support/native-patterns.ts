import type { PatternSource } from '../../src/kernel/patterns/pattern-automaton.ts';

/*
 * Patterns said again, slowly: every piece of the text between two characters is given to the engine's own regular
 * expressions.
 */

interface SlowMatch {
  readonly pattern: number;
  readonly start: number;
  readonly end: number;
}

interface NativePattern {
  readonly whole: RegExp;
  readonly after: RegExp | undefined;
  readonly before: RegExp | undefined;
  readonly source: PatternSource;
}

/** Compiles once; the function finds the matches of a whole text. */
export function slowFinder(patterns: readonly PatternSource[]): (text: string) => SlowMatch[] {
  const natives = patterns.map(toNative);
  return (text) => findSlowly(natives, text);
}

/** The whole text with its matches replaced. */
export function slowReplacer(
  patterns: readonly PatternSource[],
  replace: (match: string, pattern: number) => string,
): (text: string) => string {
  const find = slowFinder(patterns);
  return (text) => {
    let replaced = '';
    let place = 0;
    for (const { start, end, pattern } of find(text)) {
      replaced += text.slice(place, start) + replace(text.slice(start, end), pattern);
      place = end;
    }
    return replaced + text.slice(place);
  };
}

function toNative(source: PatternSource): NativePattern {
  const flags = source.ignoreCase === true ? 'iu' : 'u';
  const around = (text: string | undefined) => (text === undefined ? undefined : new RegExp(`^${text}$`, flags));
  return {
    whole: new RegExp(`^(?:${source.source})$`, flags),
    after: around(source.notAfter),
    before: around(source.notBefore),
    source,
  };
}

function findSlowly(natives: readonly NativePattern[], text: string): SlowMatch[] {
  const characters = [...text];
  const found: SlowMatch[] = [];
  let first = 0;
  while (first < characters.length) {
    const { pattern, last } = bestAt(natives, characters, first);
    if (pattern >= 0) {
      const start = characters.slice(0, first).join('').length;
      found.push({ pattern, start, end: start + characters.slice(first, last).join('').length });
    }
    first = last;
  }
  return found;
}

function bestAt(natives: readonly NativePattern[], characters: readonly string[], first: number) {
  for (let last = characters.length; last > first; last -= 1) {
    const piece = characters.slice(first, last).join('');
    const pattern = natives.findIndex(({ whole, after, before, source }) => {
      if (piece.length > (source.maxCharacters ?? Infinity)) return false;
      if (first > 0 && after?.test(characters[first - 1] ?? '') === true) return false;
      if (last < characters.length && before?.test(characters[last] ?? '') === true) return false;
      return whole.test(piece) && (source.accept?.(piece) ?? true);
    });
    if (pattern >= 0) return { pattern, last };
  }
  return { pattern: -1, last: first + 1 };
}
