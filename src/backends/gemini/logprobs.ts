import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';

/**
 * The `logprobsResult` of a candidate in the form that logprobs have in events, one entry per token, with the original
 * beside it for clients of this format. Undefined where there is none.
 */
export function readLogprobs(result: unknown): JsonObject | undefined {
  if (!isObject(result) || !Array.isArray(result['chosenCandidates'])) return undefined;
  const tops: readonly unknown[] = Array.isArray(result['topCandidates']) ? result['topCandidates'] : [];
  const content = (result['chosenCandidates'] as unknown[]).map((token, index) => ({
    ...readToken(token),
    top_logprobs: readTop(tops[index]),
  }));
  return { content, logprobsResult: result };
}

function readTop(entry: unknown): readonly JsonObject[] {
  return isObject(entry) && Array.isArray(entry['candidates']) ? (entry['candidates'] as unknown[]).map(readToken) : [];
}

function readToken(token: unknown): JsonObject {
  const { token: text, logProbability: logprob } = isObject(token) ? token : {};
  return {
    token: typeof text === 'string' ? text : '',
    logprob: typeof logprob === 'number' ? logprob : 0,
    bytes: null,
  };
}
