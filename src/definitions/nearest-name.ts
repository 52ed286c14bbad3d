/** Longer names are not compared: the table grows with the square of the length. */
const maxComparedLength = 64;

/**
 * The one of `candidates` that was probably meant by `name`, or undefined. At most a third of the letters may differ;
 * of equally near ones the first wins.
 */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > maxComparedLength) return undefined;
  const wanted = name.toLowerCase();
  let nearest: string | undefined;
  let smallest = Math.max(1, Math.floor(name.length / 3)) + 1;
  for (const candidate of candidates) {
    if (candidate.length > maxComparedLength || Math.abs(candidate.length - name.length) >= smallest) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

/** Letters to insert, delete, replace or swap with their neighbour, to make one text of the other. */
export function editDistance(one: string, other: string): number {
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let row = 1; row <= one.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= other.length; column += 1) {
      const same = one[row - 1] === other[column - 1];
      let best = Math.min(
        (previous[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (previous[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && one[row - 1] === other[column - 2] && one[row - 2] === other[column - 1];
      if (swapped) best = Math.min(best, (beforePrevious[column - 2] ?? 0) + 1);
      current.push(best);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[other.length] ?? 0;
}
