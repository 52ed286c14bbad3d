import fc from 'fast-check';

/** Choices between the ways in which a JSON text may be spelled, used in turn. */
export const spellings = fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 12 });

/** A document as JSON text, oddly spelled: white space anywhere, characters escaped that need not be. */
export function jsonSpellings(document: unknown, choices: readonly number[]): string {
  let turn = 0;
  const next = (): number => choices[turn++ % choices.length] ?? 0;
  const space = (): string => ['', '', '', ' ', '\n', '\t ', '\r\n', ''][next()] ?? '';
  const quoted = (text: string): string =>
    `"${text
      .split('')
      .map((unit) => spellUnit(unit, next()))
      .join('')}"`;
  const write = (value: unknown): string => {
    if (typeof value === 'string') return space() + quoted(value) + space();
    if (Array.isArray(value)) return `${space()}[${space()}${value.map(write).join(',')}]${space()}`;
    if (typeof value !== 'object' || value === null) return space() + JSON.stringify(value) + space();
    const entries = Object.entries(value).map(([key, item]) => `${space()}${quoted(key)}${space()}:${write(item)}`);
    return `${space()}{${space()}${entries.join(',')}}${space()}`;
  };
  return write(document);
}

function spellUnit(unit: string, choice: number): string {
  const hex = unit.charCodeAt(0).toString(16).padStart(4, '0');
  if (choice === 1) return `\\u${hex}`;
  if (choice === 2) return `\\u${hex.toUpperCase()}`;
  if (choice === 3 && unit === '/') return '\\/';
  const escaped = JSON.stringify(unit).slice(1, -1);
  // Halves of pairs stay raw here: together they are a character.
  return escaped.startsWith(String.raw`\ud`) ? unit : escaped;
}

/** The document with every string value replaced. */
export function mapLeaves(document: unknown, map: (leaf: string) => string): unknown {
  if (typeof document === 'string') return map(document);
  if (Array.isArray(document)) return document.map((item) => mapLeaves(item, map));
  if (typeof document !== 'object' || document === null) return document;
  return Object.fromEntries(Object.entries(document).map(([key, item]) => [key, mapLeaves(item, map)]));
}
