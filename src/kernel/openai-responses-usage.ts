import type { UsageFold } from './answer.ts';
import type { EventOfType } from './event.ts';
import { isObject, type JsonObject } from './json-value.ts';

type Usage = EventOfType<'usage'>;

/** `cost_in_usd_ticks` of xAI in one US dollar. */
const ticksPerDollar = 10_000_000_000;

/**
 * The `usage` object of the OpenAI Responses format as an event. Its input tokens include what was read from a cache, its
 * output tokens include reasoning. A count that is not there is not invented.
 */
export function readUsage(usage: JsonObject, final: boolean): Usage {
  const inputParts = part(usage, 'input_tokens_details');
  const outputParts = part(usage, 'output_tokens_details');
  const total = count(usage, 'input_tokens');
  const cacheRead = count(inputParts, 'cached_tokens');
  const cacheWrite = count(inputParts, 'cache_write_tokens');
  const noCache =
    total !== undefined && cacheRead !== undefined ? Math.max(0, total - cacheRead - (cacheWrite ?? 0)) : undefined;
  const input = present({
    total,
    noCache,
    cacheRead,
    cacheWrite,
    audio: count(inputParts, 'audio_tokens'),
    image: count(inputParts, 'image_tokens'),
  });
  const output = present({
    total: count(usage, 'output_tokens'),
    text: count(outputParts, 'text_tokens'),
    reasoning: count(outputParts, 'reasoning_tokens'),
    audio: count(outputParts, 'audio_tokens'),
  });
  const ticks = count(usage, 'cost_in_usd_ticks');
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...present({
      total: count(usage, 'total_tokens'),
      cost: count(usage, 'cost') ?? (ticks === undefined ? undefined : ticks / ticksPerDollar),
    }),
    ...(final && { final }),
    raw: usage,
  };
}

/**
 * Usage in the form of the OpenAI Responses format, with every field that its clients require. `own` says that the provider
 * speaks this format: then its own object is the base, so that its further fields stay.
 */
export function writeUsage(usage: UsageFold, own: boolean): Record<string, unknown> {
  const { input = {}, output = {}, raw } = usage;
  const base = own && isObject(raw) ? raw : {};
  const inputTotal = input.total ?? count(base, 'input_tokens') ?? 0;
  const outputTotal = output.total ?? count(base, 'output_tokens') ?? 0;
  return {
    ...base,
    input_tokens: inputTotal,
    input_tokens_details: {
      cached_tokens: 0,
      ...part(base, 'input_tokens_details'),
      ...present({
        cached_tokens: input.cacheRead,
        cache_write_tokens: input.cacheWrite,
        audio_tokens: input.audio,
        image_tokens: input.image,
      }),
    },
    output_tokens: outputTotal,
    output_tokens_details: {
      reasoning_tokens: 0,
      ...part(base, 'output_tokens_details'),
      ...present({ reasoning_tokens: output.reasoning, audio_tokens: output.audio, text_tokens: output.text }),
    },
    total_tokens: usage.total ?? count(base, 'total_tokens') ?? inputTotal + outputTotal,
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
