/** The middle value, or the mean of the two middle ones; undefined for no values. */
export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? undefined : (upper + lower) / 2;
}

/** The value that `share` (0 to 1) of the sorted values do not exceed. */
export function percentile(sorted: ArrayLike<number>, share: number): number | undefined {
  const position = Math.max(0, Math.ceil(sorted.length * share) - 1);
  return sorted[position];
}

/** How far the rounds lie apart: (highest - lowest) / median; 0 for fewer than two. */
export function spread(values: readonly number[]): number {
  const middle = median(values);
  if (middle === undefined || middle === 0 || values.length < 2) return 0;
  return (Math.max(...values) - Math.min(...values)) / middle;
}

export function ratio(value: number | undefined, base: number | undefined): number | undefined {
  if (value === undefined || base === undefined || base <= 0) return undefined;
  return value / base;
}
