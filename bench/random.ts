/** A number of at least 0 and below 1. */
export type Random = () => number;

/** Small seeded generator (multiply with carry); good enough for made-up text. */
export function seeded(seed: number): Random {
  let low = seed + 0x9e37;
  let high = seed ^ 0x5bd1e995;
  return () => {
    low = (18_030 * (low & 0xffff) + (low >>> 16)) >>> 0;
    high = (30_903 * (high & 0xffff) + (high >>> 16)) >>> 0;
    return (((high << 16) + (low & 0xffff)) >>> 0) / 0x1_0000_0000;
  };
}

/** One of the choices, the first ones more often. */
export function skewed<T>(choices: readonly T[], random: Random): T {
  const choice = choices[Math.floor(random() ** 2 * choices.length)];
  if (choice === undefined) throw new RangeError('no choices');
  return choice;
}
