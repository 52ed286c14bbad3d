/** Types and codes, in lower case, that say it whatever the status is; `insufficient_quota` mostly comes with 429. */
const codes: ReadonlySet<string> = new Set([
  // OpenAI, and those who speak its dialect.
  'insufficient_quota',
  'billing_hard_limit_reached',
  'billing_not_active',
  'insufficient_balance',
  'insufficient_credits',
  // Anthropic
  'billing_error',
  // Moonshot
  'exceeded_current_quota_error',
  // Alibaba
  'arrearage',
]);

/** Beginnings of messages, for providers whose code says no more than that something is wrong. */
const sentences: readonly RegExp[] = [
  // Anthropic: 400 invalid_request_error
  /^your credit balance is too low/i,
  /^you have reached your specified (?:workspace )?api usage limits/i,
  // OpenRouter: 403
  /^key limit exceeded/i,
  // xAI: 403
  /^your (?:newly created )?team\b.{0,80}(?:used all available credits|monthly spending limit|doesn't have any credits)/i,
  // Cohere: 429 for a trial key, as for its calls per minute
  /^you are using a trial key, which is limited to \d{1,9} api calls \/ month/i,
  // Bedrock: 429, as for tokens per minute
  /^too many tokens per day/i,
];

/** What a 429 is about, more loosely: money rather than a rate. */
const aboutMoney = /billing|credit/;

/**
 * True where waiting a little does not help because the account has nothing left to spend. `words` are the type and the code
 * in lower case. A message counts from its beginning: further behind it may repeat what a client wrote, who could have the
 * key of everybody left out by it.
 */
export function isSpent(words: string, message: string, status: number | undefined): boolean {
  if (status === 402) return true;
  if (status !== undefined && status >= 500) return false;
  if (words.split(' ').some((word) => codes.has(word)) || (status === 429 && aboutMoney.test(words))) return true;
  const beginning = message.trimStart().slice(0, 200);
  return sentences.some((sentence) => sentence.test(beginning));
}
