/** In which pieces an upstream sends its bytes: as they are, byte by byte, or at places that a number decides. */
export type Cut = 'whole' | 'bytes' | number;

/** The same bytes in other pieces. A number always cuts at the same places. */
export function cut(pieces: readonly Buffer[], way: Cut): readonly Buffer[] {
  if (way === 'whole') return pieces;
  const all = Buffer.concat(pieces);
  const next = way === 'bytes' ? () => 1 : sizes(way);
  const parts: Buffer[] = [];
  for (let at = 0; at < all.length;) {
    const size = next();
    parts.push(all.subarray(at, at + size));
    at += size;
  }
  return parts;
}

/** Sizes from 1 to 400, small ones more often. */
function sizes(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const draw = state / 2 ** 32;
    return 1 + Math.floor(draw * draw * 400);
  };
}
