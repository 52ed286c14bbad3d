import type { UsageFold } from './answer.ts';
import type { EventOfType } from './event.ts';
import { isObject, type JsonObject } from './json-value.ts';

type Usage = EventOfType<'usage'>;

/**
 * The `usage` object of the OpenAI chat completions format as an event. Its prompt tokens include what was read from a
 * cache, its completion tokens include reasoning. A count that is not there is not invented.
 */
export function readUsage(usage: JsonObject, final: boolean): Usage {
  const prompt = part(usage, 'prompt_tokens_details');
  const completion = part(usage, 'completion_tokens_details');
  const total = count(usage, 'prompt_tokens');
  const cacheRead = count(prompt, 'cached_tokens') ?? count(usage, 'prompt_cache_hit_tokens');
  const cacheWrite = count(prompt, 'cache_write_tokens');
  const noCache =
    count(usage, 'prompt_cache_miss_tokens') ??
    (total !== undefined && cacheRead !== undefined ? Math.max(0, total - cacheRead - (cacheWrite ?? 0)) : undefined);
  const input = present({
    total,
    noCache,
    cacheRead,
    cacheWrite,
    audio: count(prompt, 'audio_tokens'),
    image: count(prompt, 'image_tokens'),
  });
  const output = present({
    total: count(usage, 'completion_tokens'),
    text: count(completion, 'text_tokens'),
    reasoning: count(completion, 'reasoning_tokens'),
    audio: count(completion, 'audio_tokens'),
  });
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...present({
      total: count(usage, 'total_tokens'),
      cost: count(usage, 'cost') ?? count(part(usage, 'cost'), 'total_cost'),
    }),
    ...(final && { final }),
    raw: usage,
  };
}

/**
 * Usage in the form of the OpenAI chat completions format. `own` says that the provider speaks this format: then its own
 * object is the base, so that its further fields stay.
 */
export function writeUsage(usage: UsageFold, own: boolean): Record<string, unknown> {
  const { input = {}, output = {}, raw } = usage;
  if (own && isObject(raw)) {
    return {
      ...raw,
      ...present({ prompt_tokens: input.total, completion_tokens: output.total, total_tokens: usage.total }),
    };
  }
  const prompt = present({
    cached_tokens: input.cacheRead,
    cache_write_tokens: input.cacheWrite,
    audio_tokens: input.audio,
    image_tokens: input.image,
  });
  const completion = present({
    reasoning_tokens: output.reasoning,
    audio_tokens: output.audio,
    text_tokens: output.text,
  });
  const inputTotal = input.total ?? 0;
  const outputTotal = output.total ?? 0;
  return {
    prompt_tokens: inputTotal,
    completion_tokens: outputTotal,
    total_tokens: usage.total ?? inputTotal + outputTotal,
    ...(prompt && { prompt_tokens_details: prompt }),
    ...(completion && { completion_tokens_details: completion }),
  };
}

function part(object: JsonObject | undefined, name: string): JsonObject | undefined {
  const value = object?.[name];
  return isObject(value) ? value : undefined;
}

function count(object: JsonObject | undefined, name: string): number | undefined {
  const value = object?.[name];
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}

function present<T extends Record<string, number | undefined>>(counts: T): { [K in keyof T]?: number } | undefined {
  const entries = Object.entries(counts).filter(([, value]) => value !== undefined);
  return entries.length === 0 ? undefined : (Object.fromEntries(entries) as { [K in keyof T]?: number });
}
