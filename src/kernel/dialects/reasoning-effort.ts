import type { ChatSettings } from '../request.ts';

/*
 * Some providers take reasoning as a word, others as a number of tokens. The steps between are ours: they are the budgets
 * that the big gateways use for the words.
 */
const budgets = [
  ['none', 0],
  ['minimal', 1_024],
  ['low', 2_048],
  ['medium', 8_192],
  ['high', 24_576],
  ['xhigh', 49_152],
] as const;

/** The tokens that may be spent on reasoning, or undefined where the request says nothing or uses a word of one provider. */
export function reasoningBudget({
  reasoningBudget: budget,
  reasoningEffort: effort,
}: ChatSettings): number | undefined {
  if (budget !== undefined) return budget;
  return budgets.find(([word]) => word === effort)?.[1];
}

/** The word for the reasoning that is asked for: the client's own, or the one for the largest budget within its own. */
export function reasoningEffort({
  reasoningEffort: effort,
  reasoningBudget: budget,
}: ChatSettings): string | undefined {
  if (effort !== undefined || budget === undefined) return effort;
  if (budget > 0 && budget < budgets[1][1]) return 'minimal';
  return budgets.findLast(([, tokens]) => tokens <= budget)?.[0];
}
