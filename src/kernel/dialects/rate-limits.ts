/** What a provider says about one of its limits. */
export interface RateLimit {
  readonly limit?: number;
  readonly remaining?: number;
  /** Seconds until the limit is whole again. */
  readonly resetSeconds?: number;
}

/** Limits by what they count: `requests`, `tokens`, `input-tokens`, ... */
export type RateLimits = Readonly<Record<string, RateLimit>>;

/** `x-ratelimit-remaining-requests` of OpenAI and of many others. */
const openAiHeader = /^x-ratelimit-(limit|remaining|reset)-([a-z-]{1,32})$/;
/** `anthropic-ratelimit-requests-remaining`. */
const anthropicHeader = /^anthropic-ratelimit-([a-z-]{1,32})-(limit|remaining|reset)$/;
const wholeNumber = /^\d{1,15}$/;
const durationPart = /(\d{1,9}(?:\.\d{1,9})?)(ms|s|m|h|d)/g;
const secondsOf: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, h: 3_600, d: 86_400 };
const maxLimits = 8;

/** The limits in the headers of an answer, or undefined. `wallTime` is milliseconds since 1970, for dates. */
export function readRateLimits(headers: Readonly<Record<string, string>>, wallTime: number): RateLimits | undefined {
  let limits: Record<string, RateLimit> | undefined;
  for (const name of Object.keys(headers)) {
    if (!name.includes('ratelimit-')) continue;
    const [, openAiField, openAiSubject] = openAiHeader.exec(name) ?? [];
    const [, anthropicSubject, anthropicField] = anthropicHeader.exec(name) ?? [];
    const field = openAiField ?? anthropicField;
    const subject = openAiSubject ?? anthropicSubject;
    if (field === undefined || subject === undefined) continue;
    const read = readField(field, headers[name] ?? '', wallTime);
    if (read === undefined) continue;
    limits ??= {};
    if (limits[subject] === undefined && Object.keys(limits).length >= maxLimits) continue;
    limits[subject] = { ...limits[subject], ...read };
  }
  return limits;
}

/** The headers that OpenAI's clients know, and with them most others. */
export function writeRateLimits(limits: RateLimits): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [subject, { limit, remaining, resetSeconds }] of Object.entries(limits)) {
    if (limit !== undefined) headers[`x-ratelimit-limit-${subject}`] = String(limit);
    if (remaining !== undefined) headers[`x-ratelimit-remaining-${subject}`] = String(remaining);
    if (resetSeconds !== undefined) headers[`x-ratelimit-reset-${subject}`] = `${round(resetSeconds)}s`;
  }
  return headers;
}

/** The headers that Anthropic's clients know. A reset is a date there. */
export function writeAnthropicRateLimits(limits: RateLimits, wallTime: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [subject, { limit, remaining, resetSeconds }] of Object.entries(limits)) {
    const prefix = `anthropic-ratelimit-${subject}`;
    if (limit !== undefined) headers[`${prefix}-limit`] = String(limit);
    if (remaining !== undefined) headers[`${prefix}-remaining`] = String(remaining);
    if (resetSeconds !== undefined)
      headers[`${prefix}-reset`] = `${new Date(wallTime + resetSeconds * 1_000).toISOString().slice(0, 19)}Z`;
  }
  return headers;
}

function readField(field: string, value: string, wallTime: number): RateLimit | undefined {
  if (field === 'reset') {
    const resetSeconds = readReset(value.trim(), wallTime);
    return resetSeconds === undefined ? undefined : { resetSeconds };
  }
  if (!wholeNumber.test(value.trim())) return undefined;
  return field === 'limit' ? { limit: Number(value) } : { remaining: Number(value) };
}

/** `6m0s` and `20ms`, or a date. */
function readReset(value: string, wallTime: number): number | undefined {
  const parts = [...value.matchAll(durationPart)];
  if (parts.length > 0 && parts.map(([whole]) => whole).join('') === value)
    return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (secondsOf[unit ?? ''] ?? 0), 0);
  const date = /^\d{4}-\d{2}-\d{2}T/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? undefined : Math.min(Math.max(0, (date - wallTime) / 1_000), 86_400 * 366);
}

function round(seconds: number): number {
  return Math.round(seconds * 1_000) / 1_000;
}
