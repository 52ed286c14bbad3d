const space = 0x20;
const rareSpaces: ReadonlySet<number> = new Set([0x2028, 0x2029, 0x202f, 0x205f, 0x3000]);

/** What JavaScript calls white space, by code unit; no white space is longer than one. */
export function isSpace(unit: number): boolean {
  if (unit < 0x80) return unit === space || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0x1680) return unit === 0xa0;
  if (unit < 0x2000) return unit === 0x1680;
  if (unit <= 0x3000) return unit <= 0x200a || rareSpaces.has(unit);
  return unit === 0xfeff;
}

/** White space within a line of Markdown; a carriage return stands before the line feed. */
export function isBlank(unit: number): boolean {
  return unit === space || unit === 0x09 || unit === 0x0d;
}

export function isJsonSpace(unit: number): boolean {
  return isBlank(unit) || unit === 0x0a;
}

export function isDigit(unit: number): boolean {
  return unit >= 0x30 && unit <= 0x39;
}
