import { isObject, type JsonObject } from '../../kernel/json/json-value.ts';

/**
 * Log probabilities in the form of the Gemini format: its own object where the provider gave one, else one made of the
 * list of tokens. Undefined where there is neither.
 */
export function writeLogprobs(logprobs: unknown): unknown {
  if (!isObject(logprobs)) return undefined;
  const { logprobsResult, content } = logprobs;
  if (logprobsResult !== undefined) return logprobsResult;
  const tokens = objects(content);
  if (tokens.length === 0) return undefined;
  return {
    chosenCandidates: tokens.map(writeToken),
    topCandidates: tokens.map((token) => ({ candidates: objects(token['top_logprobs']).map(writeToken) })),
  };
}

function writeToken({ token, logprob }: JsonObject): JsonObject {
  return { token, logProbability: logprob };
}

function objects(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
