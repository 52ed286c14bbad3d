import { isDigit } from '../unit-classes.ts';

/*
 * Numbers, `true`, `false` and `null`, read unit by unit. A state is a number: 1 to 8 inside of a number, from `firstWord`
 * on inside of a word, 0 for none.
 */

const minus = 1;
const zero = 2;
const integer = 3;
const point = 4;
const fraction = 5;
const exponentMark = 6;
const exponentSign = 7;
const exponent = 8;

const words = ['true', 'false', 'null'] as const;
const firstWord = 16;
const wordSize = 8;

/** The state behind the first unit of a value that is no text, list or object; 0 where no such value begins so. */
export function openScalar(unit: number): number {
  if (unit === 0x2d) return minus;
  if (unit === 0x30) return zero;
  if (isDigit(unit)) return integer;
  const word = words.findIndex((candidate) => candidate.charCodeAt(0) === unit);
  return word === -1 ? 0 : firstWord + word * wordSize + 1;
}

/** The state behind one more unit; 0 where the value does not go on with it. */
export function nextScalar(state: number, unit: number): number {
  if (state >= firstWord) {
    const word = words[((state - firstWord) / wordSize) | 0] ?? '';
    const read = (state - firstWord) % wordSize;
    return word.charCodeAt(read) === unit ? state + 1 : 0;
  }
  const digit = isDigit(unit);
  switch (state) {
    case minus:
      if (unit === 0x30) return zero;
      return digit ? integer : 0;
    case zero:
      return behindInteger(unit);
    case integer:
      return digit ? integer : behindInteger(unit);
    case point:
      return digit ? fraction : 0;
    case fraction:
      return digit ? fraction : markOf(unit);
    case exponentMark:
      if (unit === 0x2b || unit === 0x2d) return exponentSign;
      return digit ? exponent : 0;
    default:
      return digit ? exponent : 0;
  }
}

/** True where the value may end here. */
export function isWholeScalar(state: number): boolean {
  if (state >= firstWord) {
    const word = words[((state - firstWord) / wordSize) | 0] ?? '';
    return (state - firstWord) % wordSize === word.length;
  }
  return state === zero || state === integer || state === fraction || state === exponent;
}

function behindInteger(unit: number): number {
  return unit === 0x2e ? point : markOf(unit);
}

function markOf(unit: number): number {
  return unit === 0x65 || unit === 0x45 ? exponentMark : 0;
}
