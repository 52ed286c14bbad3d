import type { UsageFold } from '../answer.ts';
import type { EventOfType } from '../event.ts';
import { countOf, presentCounts } from '../json/json-counts.ts';
import { isObject, level, type JsonObject } from '../json/json-value.ts';

type Usage = EventOfType<'usage'>;

/** `cost_in_usd_ticks` of xAI in one US dollar. */
const ticksPerDollar = 10_000_000_000;

/**
 * The `usage` object of the OpenAI Responses format as an event. Its input tokens include what was read from a cache, its
 * output tokens include reasoning. A count that is not there is not invented.
 */
export function readUsage(usage: JsonObject, final: boolean): Usage {
  const inputParts = level(usage, 'input_tokens_details');
  const outputParts = level(usage, 'output_tokens_details');
  const total = countOf(usage, 'input_tokens');
  const cacheRead = countOf(inputParts, 'cached_tokens');
  const cacheWrite = countOf(inputParts, 'cache_write_tokens');
  const noCache =
    total !== undefined && cacheRead !== undefined ? Math.max(0, total - cacheRead - (cacheWrite ?? 0)) : undefined;
  const input = presentCounts({
    total,
    noCache,
    cacheRead,
    cacheWrite,
    audio: countOf(inputParts, 'audio_tokens'),
    image: countOf(inputParts, 'image_tokens'),
  });
  const output = presentCounts({
    total: countOf(usage, 'output_tokens'),
    text: countOf(outputParts, 'text_tokens'),
    reasoning: countOf(outputParts, 'reasoning_tokens'),
    audio: countOf(outputParts, 'audio_tokens'),
  });
  const ticks = countOf(usage, 'cost_in_usd_ticks');
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...presentCounts({
      total: countOf(usage, 'total_tokens'),
      cost: countOf(usage, 'cost') ?? (ticks === undefined ? undefined : ticks / ticksPerDollar),
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
  const inputTotal = input.total ?? countOf(base, 'input_tokens') ?? 0;
  const outputTotal = output.total ?? countOf(base, 'output_tokens') ?? 0;
  return {
    ...base,
    input_tokens: inputTotal,
    input_tokens_details: {
      cached_tokens: 0,
      ...level(base, 'input_tokens_details'),
      ...presentCounts({
        cached_tokens: input.cacheRead,
        cache_write_tokens: input.cacheWrite,
        audio_tokens: input.audio,
        image_tokens: input.image,
      }),
    },
    output_tokens: outputTotal,
    output_tokens_details: {
      reasoning_tokens: 0,
      ...level(base, 'output_tokens_details'),
      ...presentCounts({ reasoning_tokens: output.reasoning, audio_tokens: output.audio, text_tokens: output.text }),
    },
    total_tokens: usage.total ?? countOf(base, 'total_tokens') ?? inputTotal + outputTotal,
  };
}
