import { mergeUsage, type UsageFold } from '../answer.ts';
import type { EventOfType } from '../event.ts';
import { countOf, presentCounts } from '../json/json-counts.ts';
import { isObject, sameJson, type JsonObject } from '../json/json-value.ts';

type Usage = EventOfType<'usage'>;

const countFields = [
  'promptTokenCount',
  'toolUsePromptTokenCount',
  'candidatesTokenCount',
  'thoughtsTokenCount',
  'cachedContentTokenCount',
] as const;

/**
 * The `usageMetadata` of the Gemini format as an event. Its prompt tokens include what was read from a cache but not the
 * prompts of the provider's own tools; its candidates' tokens do not include the thoughts. A count that is not there is
 * not invented. `earlier` is what was said before: a sum needs the parts that are not restated.
 */
export function readUsage(usage: JsonObject, final: boolean, earlier: JsonObject = {}): Usage {
  const whole = mergeMetadata(earlier, usage);
  const total = sum(countOf(whole, 'promptTokenCount'), countOf(whole, 'toolUsePromptTokenCount'));
  const cacheRead = countOf(whole, 'cachedContentTokenCount');
  const input = presentCounts({
    total,
    noCache: total !== undefined && cacheRead !== undefined ? Math.max(0, total - cacheRead) : undefined,
    cacheRead,
    audio: ofModality(whole['promptTokensDetails'], 'AUDIO'),
    image: ofModality(whole['promptTokensDetails'], 'IMAGE'),
  });
  const candidates = countOf(whole, 'candidatesTokenCount');
  const reasoning = countOf(whole, 'thoughtsTokenCount');
  const output = presentCounts({
    total: sum(candidates, reasoning),
    text: ofModality(whole['candidatesTokensDetails'], 'TEXT'),
    reasoning,
    audio: ofModality(whole['candidatesTokensDetails'], 'AUDIO'),
  });
  return {
    type: 'usage',
    ...(input && { input }),
    ...(output && { output }),
    ...presentCounts({ total: countOf(whole, 'totalTokenCount') }),
    ...(final && { final }),
    raw: usage,
  };
}

/**
 * Usage in the form of the Gemini format. `own` says that the provider speaks this format: then its own object is the
 * base, so that its further fields stay.
 */
export function writeUsage(usage: UsageFold, own: boolean): Record<string, unknown> {
  const { input = {}, output = {}, raw } = usage;
  const base = own && isObject(raw) ? raw : {};
  if (own && isObject(raw) && saysTheSame(raw, usage)) return { ...raw };
  const toolUse = countOf(base, 'toolUsePromptTokenCount') ?? 0;
  const inputTotal = input.total ?? 0;
  const outputTotal = output.total ?? 0;
  const reasoning = output.reasoning;
  return {
    ...base,
    promptTokenCount: Math.max(0, inputTotal - toolUse),
    candidatesTokenCount: Math.max(0, outputTotal - (reasoning ?? 0)),
    totalTokenCount: usage.total ?? inputTotal + outputTotal,
    ...presentCounts({ thoughtsTokenCount: reasoning, cachedContentTokenCount: input.cacheRead }),
    ...(!own && {
      ...details('promptTokensDetails', { AUDIO: input.audio, IMAGE: input.image }),
      ...details('candidatesTokensDetails', { TEXT: output.text, AUDIO: output.audio }),
    }),
  };
}

/** The counts of an answer after another `usageMetadata`: a part that is not restated stays. */
export function mergeMetadata(earlier: JsonObject, usage: JsonObject): JsonObject {
  return { ...(isComplete(usage) ? zeroed(earlier) : earlier), ...usage };
}

/** True where the total is that of the parts which are there: then the others are 0, which the format leaves out. */
function isComplete(usage: JsonObject): boolean {
  const [prompt, toolUse, candidates, thoughts] = countFields.map((name) => countOf(usage, name) ?? 0);
  const total = countOf(usage, 'totalTokenCount');
  return total !== undefined && total === (prompt ?? 0) + (toolUse ?? 0) + (candidates ?? 0) + (thoughts ?? 0);
}

function zeroed(earlier: JsonObject): JsonObject {
  return Object.fromEntries(
    countFields.filter((name) => countOf(earlier, name) !== undefined).map((name) => [name, 0]),
  );
}

/** True where nobody changed the counts that the provider's object gives. */
function saysTheSame(raw: JsonObject, usage: UsageFold): boolean {
  const merged = mergeUsage(usage, readUsage(raw, false));
  return (
    sameJson(merged.input, usage.input) &&
    sameJson(merged.output, usage.output) &&
    merged.total === usage.total &&
    (usage.input?.total === undefined || countOf(raw, 'promptTokenCount') !== undefined) &&
    (usage.output?.total === undefined ||
      countOf(raw, 'candidatesTokenCount') !== undefined ||
      countOf(raw, 'thoughtsTokenCount') !== undefined)
  );
}

function details(field: string, counts: Readonly<Record<string, number | undefined>>): JsonObject {
  const list = Object.entries(counts).flatMap(([modality, tokenCount]) =>
    tokenCount === undefined ? [] : [{ modality, tokenCount }],
  );
  return list.length === 0 ? {} : { [field]: list };
}

function ofModality(list: unknown, modality: string): number | undefined {
  if (!Array.isArray(list)) return undefined;
  const entry: unknown = list.find((item: unknown) => isObject(item) && item['modality'] === modality);
  return isObject(entry) ? countOf(entry, 'tokenCount') : undefined;
}

function sum(left: number | undefined, right: number | undefined): number | undefined {
  return left === undefined && right === undefined ? undefined : (left ?? 0) + (right ?? 0);
}
