/**
 * Seconds after which to ask again: `retry-after-ms` in milliseconds, else `retry-after` as seconds or as an HTTP date (RFC
 * 9110 section 10.2.3), for which `wallTime` is milliseconds since 1970. Undefined where there is neither.
 */
export function readRetryAfter(headers: Readonly<Record<string, string>>, wallTime: number): number | undefined {
  const milliseconds = readNumber(headers['retry-after-ms']);
  if (milliseconds !== undefined) return milliseconds / 1_000;
  const text = headers['retry-after'];
  const seconds = readNumber(text);
  if (seconds !== undefined || text === undefined) return seconds;
  // Date.parse finds a date in almost any words; an HTTP date begins with the day of the week.
  const date = /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.max(0, Math.ceil((date - wallTime) / 1_000));
}

function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,9}(?:\.\d{1,9})?\s*$/.test(text) ? Number(text) : undefined;
}
