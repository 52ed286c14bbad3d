import type { JsonObject } from './json-value.ts';

/** A number of things: what a provider counts, and nothing that only looks like it. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** The count under a name, or undefined. A count that is not there is not invented. */
export function countOf(object: JsonObject | undefined, name: string): number | undefined {
  const value = object?.[name];
  return isCount(value) ? value : undefined;
}

/** The counts that are there, or undefined where there are none. */
export function presentCounts<T extends Record<string, number | undefined>>(
  counts: T,
): { [K in keyof T]?: number } | undefined {
  const entries = Object.entries(counts).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as { [K in keyof T]?: number });
}
