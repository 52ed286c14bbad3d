/** White space beyond the basic Latin block; all of it is one unit long. */
const farSpaces = /^\s$/;

/** Whether a code unit is white space, as `\s` of a regular expression has it. */
export function isSpaceUnit(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  return farSpaces.test(String.fromCharCode(unit));
}
