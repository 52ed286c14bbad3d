/** What takes a text in pieces and lets it out again. */
interface Rewriter {
  text(piece: string): string;
  flush(): string;
}

/** The text in pieces of `size` units, each a string of its own, as it would be from a socket. */
export function cutText(text: string, size: number): string[] {
  const pieces: string[] = [];
  for (let start = 0; start < text.length; start += size)
    pieces.push(Buffer.from(text.slice(start, start + size)).toString());
  return pieces;
}

/** MB/s of UTF-8 in the best of several rounds, each through a rewriter of its own, in time of the processor. */
export function textSpeed(open: () => Rewriter, pieces: readonly string[], milliseconds: number): number {
  const bytes = pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0);
  let best = Infinity;
  let units = 0;
  const started = performance.now();
  for (let round = 0; round < 3 || performance.now() - started < milliseconds; round += 1) {
    const rewriter = open();
    // Time of the processor, so that a neighbour on a shared machine does not count.
    const begun = process.cpuUsage();
    for (const piece of pieces) units += rewriter.text(piece).length;
    units += rewriter.flush().length;
    const { user, system } = process.cpuUsage(begun);
    best = Math.min(best, user + system);
  }
  if (units === 0) throw new Error('nothing came out');
  return bytes / best;
}
