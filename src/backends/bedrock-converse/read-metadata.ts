import type { AnswerEvent, EventOfType } from '../../kernel/event.ts';
import { presentCounts } from '../../kernel/json/json-counts.ts';
import { filledString, isObject, orNothing, otherFields, type JsonObject } from '../../kernel/json/json-value.ts';
import { bedrockConverse } from './converse-fields.ts';

const readFields: ReadonlySet<string> = new Set(['usage', 'trace', 'p']);

/** The events of `metadata`: usage, and what a guardrail found. */
export function readMetadata(metadata: JsonObject): AnswerEvent[] {
  const { usage, trace } = metadata;
  const { guardrail, ...otherTraces } = isObject(trace) ? trace : {};
  const unknown = {
    ...otherFields(metadata, readFields),
    ...(orNothing(otherTraces) && { trace: otherTraces }),
  };
  return [
    ...(isObject(guardrail) ? readGuardrail(guardrail) : []),
    ...(isObject(usage)
      ? [{ ...readUsage(usage), ...(orNothing(unknown) && { ext: { [bedrockConverse]: unknown } }) }]
      : []),
  ];
}

/** `inputTokens` does not hold what was read from a cache or written to one. */
function readUsage(usage: JsonObject): EventOfType<'usage'> {
  const noCache = count(usage['inputTokens']);
  const cacheRead = count(usage['cacheReadInputTokens']);
  const cacheWrite = count(usage['cacheWriteInputTokens']);
  const inputTotal = noCache === undefined ? undefined : noCache + (cacheRead ?? 0) + (cacheWrite ?? 0);
  const outputTotal = count(usage['outputTokens']);
  const input = presentCounts({
    total: inputTotal,
    noCache,
    cacheRead,
    cacheWrite,
    ...readCacheDetails(usage['cacheDetails']),
  });
  const output = presentCounts({ total: outputTotal });
  const total =
    inputTotal !== undefined && outputTotal !== undefined ? inputTotal + outputTotal : count(usage['totalTokens']);
  const serverTools = readServerTools(usage['serverToolUsage']);
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...(total !== undefined && { total }),
    ...(serverTools && { serverTools }),
    final: true,
    raw: usage,
  };
}

function readCacheDetails(details: unknown): { cacheWrite5m?: number | undefined; cacheWrite1h?: number | undefined } {
  if (!Array.isArray(details)) return {};
  const written = (ttl: RegExp): number | undefined => {
    const counts = (details as unknown[])
      .filter((detail) => isObject(detail) && ttl.test(String(detail['ttl'])))
      .map((detail) => count((detail as JsonObject)['inputTokens']) ?? 0);
    return counts.length === 0 ? undefined : counts.reduce((sum, each) => sum + each, 0);
  };
  return { cacheWrite5m: written(/5m/i), cacheWrite1h: written(/1h/i) };
}

function readServerTools(usage: unknown): Record<string, number> | undefined {
  if (!isObject(usage)) return undefined;
  return orNothing(
    Object.fromEntries(
      Object.entries(usage).flatMap(([name, value]) => {
        const calls = count(value);
        return calls === undefined ? [] : [[name, calls] as const];
      }),
    ),
  );
}

/**
 * The verdicts on prompt and completion. What the guardrail has hidden stands in its trace in clear, so neither the
 * original output nor the words that were found leave this place.
 */
function readGuardrail(guardrail: JsonObject): EventOfType<'safety'>[] {
  const { inputAssessment, outputAssessments, actionReason } = guardrail;
  const reason = filledString(actionReason);
  const found = [
    ['prompt', assessmentsOf(inputAssessment)],
    ['completion', assessmentsOf(outputAssessments)],
  ] as const;
  return found
    .filter(([, verdicts]) => verdicts.length > 0)
    .map(([scope, verdicts]) => ({
      type: 'safety',
      scope,
      verdicts,
      blocked: verdicts.some(isBlocked),
      ...(reason !== undefined && { reason }),
    }));
}

/** By the id of the guardrail: one assessment, or a list of them. */
function assessmentsOf(byGuardrail: unknown): unknown[] {
  return isObject(byGuardrail) ? Object.values(byGuardrail).flat().map(withoutMatches) : [];
}

function withoutMatches(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMatches);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => name !== 'match')
      .map(([name, item]) => [name, withoutMatches(item)]),
  );
}

function isBlocked(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(isBlocked);
  if (!isObject(value)) return false;
  return value['action'] === 'BLOCKED' || Object.values(value).some(isBlocked);
}

function count(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : undefined;
}
