/** Characters of a provider's own words that go to a client. */
export const maxReasonLength = 500;
/** Characters of a provider's own words that go to the log. */
export const maxLogLength = 512;
/** What is looked at at all; the patterns below never run over a whole hostile body. */
const maxScanned = 4_096;

/** Keys as the big providers write them, tokens in headers, JSON Web Tokens. */
const credentials: readonly RegExp[] = [
  /\b(?:bearer|basic)\s+[\w.~+/=*-]{4,}/gi,
  /\b(?:sk|pk|rk|gsk|xai|pplx|nvapi|csk|key|hf|r8|fw|tgp)[-_][\w*.-]{6,}/gi,
  /\bAIza[\w*-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{12,}/g,
  /\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g,
  /\b(?:api[-_ ]?key|access[-_ ]?token|token|secret|password)["']?\s*[:=]\s*["']?[\w.~+/=*-]{8,}/gi,
];

/**
 * A provider's own words on one line, fit to be shown: control characters and runs of white space become one space,
 * what looks like a credential becomes `[redacted]`, and the rest is cut at `limit` characters.
 */
export function cleanProviderText(text: string, limit: number = maxReasonLength): string {
  let clean = text
    .slice(0, maxScanned)
    .replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+/g, ' ');
  for (const pattern of credentials) clean = clean.replace(pattern, '[redacted]');
  return clean.trim().slice(0, limit).toWellFormed();
}
