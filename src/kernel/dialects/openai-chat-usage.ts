import type { UsageFold } from '../answer.ts';
import type { EventOfType } from '../event.ts';
import { countOf, presentCounts } from '../json/json-counts.ts';
import { isObject, level, type JsonObject } from '../json/json-value.ts';

type Usage = EventOfType<'usage'>;

/**
 * The `usage` object of the OpenAI chat completions format as an event. Its prompt tokens include what was read from a
 * cache, its completion tokens include reasoning. A count that is not there is not invented.
 */
export function readUsage(usage: JsonObject, final: boolean): Usage {
  const prompt = level(usage, 'prompt_tokens_details');
  const completion = level(usage, 'completion_tokens_details');
  const total = countOf(usage, 'prompt_tokens');
  const cacheRead = countOf(prompt, 'cached_tokens') ?? countOf(usage, 'prompt_cache_hit_tokens');
  const cacheWrite = countOf(prompt, 'cache_write_tokens');
  const noCache =
    countOf(usage, 'prompt_cache_miss_tokens') ??
    (total !== undefined && cacheRead !== undefined ? Math.max(0, total - cacheRead - (cacheWrite ?? 0)) : undefined);
  const input = presentCounts({
    total,
    noCache,
    cacheRead,
    cacheWrite,
    audio: countOf(prompt, 'audio_tokens'),
    image: countOf(prompt, 'image_tokens'),
  });
  const reasoning = countOf(completion, 'reasoning_tokens');
  const output = presentCounts({
    total: readOutput(usage, reasoning),
    text: countOf(completion, 'text_tokens'),
    reasoning,
    audio: countOf(completion, 'audio_tokens'),
  });
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...presentCounts({
      total: countOf(usage, 'total_tokens'),
      cost: countOf(usage, 'cost') ?? countOf(level(usage, 'cost'), 'total_cost'),
    }),
    ...(final && { final }),
    raw: usage,
  };
}

/** Where the sum of the provider holds only with its reasoning added (xAI), the completion tokens are without it. */
function readOutput(usage: JsonObject, reasoning = 0): number | undefined {
  const completion = countOf(usage, 'completion_tokens');
  if (completion === undefined || reasoning === 0) return completion;
  const apart = (countOf(usage, 'prompt_tokens') ?? 0) + completion + reasoning;
  return countOf(usage, 'total_tokens') === apart ? completion + reasoning : completion;
}

/**
 * Usage in the form of the OpenAI chat completions format. `own` says that the provider speaks this format: then its own
 * object is the base, so that its further fields stay.
 */
export function writeUsage(usage: UsageFold, own: boolean): Record<string, unknown> {
  const { input = {}, output = {}, raw } = usage;
  if (own && isObject(raw)) {
    const said = countOf(raw, 'completion_tokens');
    const reasoning = countOf(level(raw, 'completion_tokens_details'), 'reasoning_tokens');
    const isSaid = readOutput(raw, reasoning) === output.total;
    return {
      ...raw,
      ...presentCounts({
        prompt_tokens: input.total,
        completion_tokens: isSaid ? said : output.total,
        total_tokens: usage.total,
      }),
    };
  }
  const prompt = presentCounts({
    cached_tokens: input.cacheRead,
    cache_write_tokens: input.cacheWrite,
    audio_tokens: input.audio,
    image_tokens: input.image,
  });
  const completion = presentCounts({
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
