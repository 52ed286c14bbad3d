/*
 * Fingerprints of JSON values of 53 bits, in two lanes, so that repeats are found without keeping the values. Values that
 * are equal have the same one, whatever their spelling and the order of their keys.
 */

const bits = new Float64Array(1);
const words = new Uint32Array(bits.buffer);

export const firstSeed = 0x2c1b3c6d;
export const secondSeed = 0x297a2d39;

/** Puts a word behind others in a lane. */
export function mixFirst(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}

export function mixSecond(lane: number, word: number): number {
  const mixed = Math.imul((lane << 5) ^ (lane >>> 27) ^ word, 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

/** Both lanes in one number. */
export function joinLanes(first: number, second: number): number {
  return (first >>> 0) * 0x200000 + (second >>> 11);
}

/** Two words that are the same for equal numbers, so for both zeros. */
export function numberWords(value: number): readonly [number, number] {
  bits[0] = value === 0 ? 0 : value;
  return [words[0] ?? 0, words[1] ?? 0];
}
