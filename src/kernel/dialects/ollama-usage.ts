import type { UsageFold } from '../answer.ts';
import type { EventOfType } from '../event.ts';
import { isObject, type JsonObject } from '../json/json-value.ts';

/** Fields of the last line that say what the answer cost. Durations are nanoseconds. */
export const metricNames: readonly string[] = [
  'total_duration',
  'load_duration',
  'prompt_eval_count',
  'prompt_eval_duration',
  'eval_count',
  'eval_duration',
];

/** The counts of the last line as an event, or undefined where it has none. */
export function readUsage(line: JsonObject): EventOfType<'usage'> | undefined {
  const raw = Object.fromEntries(metricNames.filter((name) => name in line).map((name) => [name, line[name]]));
  if (Object.keys(raw).length === 0) return undefined;
  const input = count(line['prompt_eval_count']);
  const output = count(line['eval_count']);
  return {
    type: 'usage',
    ...(input !== undefined && { input: { total: input } }),
    ...(output !== undefined && { output: { total: output } }),
    ...(input !== undefined && output !== undefined && { total: input + output }),
    final: true,
    raw,
  };
}

/** How long the parts of an answer took here, in nanoseconds; for answers of providers that do not say it. */
export interface Durations {
  readonly total: number;
  readonly untilContent: number;
}

/**
 * The metrics of the last line. `own` says that the provider speaks this format: then its own figures are the base. A
 * count that nobody gave is not invented.
 */
export function writeUsage(usage: UsageFold | undefined, own: boolean, durations: Durations): JsonObject {
  const { input = {}, output = {}, raw } = usage ?? {};
  const base = own && isObject(raw) ? raw : undefined;
  return {
    total_duration: base?.['total_duration'] ?? durations.total,
    load_duration: base?.['load_duration'] ?? 0,
    ...(input.total !== undefined && { prompt_eval_count: input.total }),
    prompt_eval_duration: base?.['prompt_eval_duration'] ?? durations.untilContent,
    ...(output.total !== undefined && { eval_count: output.total }),
    eval_duration: base?.['eval_duration'] ?? Math.max(0, durations.total - durations.untilContent),
  };
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
