import type { UsageFold } from '../answer.ts';
import type { EventOfType } from '../event.ts';
import { countOf, isCount, presentCounts } from '../json/json-counts.ts';
import { isObject, level, type JsonObject } from '../json/json-value.ts';

type Usage = EventOfType<'usage'>;

/**
 * Puts a later `usage` object over an earlier one of the same answer: counts are cumulative, so what is restated
 * replaces, and null or absence keeps. The sums of `readUsage` need all parts, so it is given the result.
 */
export function overlayUsage(earlier: JsonObject | undefined, later: JsonObject): JsonObject {
  if (earlier === undefined) return later;
  const stated = Object.entries(later).filter(([name, value]) => value !== null || !Object.hasOwn(earlier, name));
  return { ...earlier, ...Object.fromEntries(stated) };
}

/**
 * The `usage` object of the Anthropic messages format as an event. Its input tokens exclude what was read from a cache
 * or written to one, so the total is the sum of the three; its output tokens include thinking. A count that is not there
 * is not invented.
 */
export function readUsage(usage: JsonObject, final: boolean): Usage {
  const noCache = countOf(usage, 'input_tokens');
  const cacheRead = countOf(usage, 'cache_read_input_tokens');
  const byLifetime = level(usage, 'cache_creation');
  const cacheWrite5m = countOf(byLifetime, 'ephemeral_5m_input_tokens');
  const cacheWrite1h = countOf(byLifetime, 'ephemeral_1h_input_tokens');
  const cacheWrite =
    countOf(usage, 'cache_creation_input_tokens') ??
    (byLifetime === undefined ? undefined : (cacheWrite5m ?? 0) + (cacheWrite1h ?? 0));
  const input = presentCounts({
    total: noCache === undefined ? undefined : noCache + (cacheRead ?? 0) + (cacheWrite ?? 0),
    noCache,
    cacheRead,
    cacheWrite,
    cacheWrite5m,
    cacheWrite1h,
  });
  const output = presentCounts({
    total: countOf(usage, 'output_tokens'),
    reasoning: countOf(level(usage, 'output_tokens_details'), 'thinking_tokens'),
  });
  const serverTools = countsIn(level(usage, 'server_tool_use'));
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...(serverTools && { serverTools }),
    ...(final && { final }),
    raw: usage,
  };
}

/**
 * Usage in the form of the Anthropic messages format, complete: counts that nobody told are 0. `own` says that the
 * provider speaks this format: then its own object is the base, so that its further fields stay.
 */
export function writeUsage(usage: UsageFold | undefined, own: boolean): Record<string, unknown> {
  const { input = {}, output = {}, serverTools, raw } = usage ?? {};
  const { total = 0, cacheWrite, cacheWrite5m, cacheWrite1h } = input;
  // Clients add the three. Grok on Azure counts more from the cache than its whole prompt has.
  const cacheRead = Math.min(input.cacheRead ?? 0, Math.max(0, (input.total ?? Infinity) - (cacheWrite ?? 0)));
  const known = {
    input_tokens: input.noCache ?? Math.max(0, total - cacheRead - (cacheWrite ?? 0)),
    cache_creation_input_tokens: cacheWrite ?? 0,
    cache_read_input_tokens: cacheRead,
    output_tokens: output.total ?? 0,
  };
  if (own && isObject(raw)) {
    // The object may be an earlier one: what was restated behind it was withheld.
    const restated = presentCounts({
      input_tokens: input.noCache,
      cache_creation_input_tokens: cacheWrite,
      cache_read_input_tokens: input.cacheRead,
      output_tokens: output.total,
    });
    return { ...known, ...raw, ...restated, ...restatedParts(raw, usage ?? {}) };
  }
  return {
    ...known,
    ...((cacheWrite5m !== undefined || cacheWrite1h !== undefined) && {
      cache_creation: {
        ephemeral_5m_input_tokens: cacheWrite5m ?? 0,
        ephemeral_1h_input_tokens: cacheWrite1h ?? 0,
      },
    }),
    ...(output.reasoning !== undefined && { output_tokens_details: { thinking_tokens: output.reasoning } }),
    ...(own && serverTools !== undefined && { server_tool_use: serverTools }),
  };
}

/** Counts that stand in objects of their own; what the provider said beside them stays. */
function restatedParts(raw: JsonObject, { input = {}, output = {}, serverTools }: UsageFold): JsonObject {
  const parts = {
    cache_creation: presentCounts({
      ephemeral_5m_input_tokens: input.cacheWrite5m,
      ephemeral_1h_input_tokens: input.cacheWrite1h,
    }),
    output_tokens_details: presentCounts({ thinking_tokens: output.reasoning }),
    server_tool_use: serverTools,
  };
  const restated = Object.entries(parts).filter(([, counts]) => counts !== undefined);
  return Object.fromEntries(restated.map(([name, counts]) => [name, { ...level(raw, name), ...counts }]));
}

function countsIn(object: JsonObject | undefined): Record<string, number> | undefined {
  const counts = Object.entries(object ?? {}).filter((entry): entry is [string, number] => isCount(entry[1]));
  return counts.length > 0 ? Object.fromEntries(counts) : undefined;
}
