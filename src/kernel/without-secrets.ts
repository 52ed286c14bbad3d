import { SluiceError } from './errors.ts';

/** What a provider's own words say in place of a credential. */
const redacted = '[redacted]';
/** Shorter words are found by chance. */
const shortestSecret = 8;

/**
 * The same error, without the credentials that went out with the request: a provider may repeat them in its own words,
 * which go to the log and, for a request that it rejects, to the client. `sent` are the header values.
 */
export function withoutSecrets(error: SluiceError, sent: readonly string[]): SluiceError {
  // A value such as "Bearer abc" is often repeated without its first word.
  const words = sent.flatMap((value) => [value, ...value.split(/\s+/)]);
  const secrets = words.flatMap(formsOf).filter((word) => word.length >= shortestSecret);
  const details = clean<number>(error.details, secrets);
  const context = clean<number | boolean>(error.context, secrets);
  if (details === error.details && context === error.context) return error;
  const { code, status, retryAfterSeconds, cause } = error;
  return new SluiceError(code, {
    status,
    details,
    context,
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(cause !== undefined && { cause }),
  });
}

/** As it was sent, as it stands in an address, and base64 without its padding. */
function formsOf(word: string): string[] {
  return [...new Set([word, encodeURIComponent(word), word.replace(/=+$/, '')])];
}

/** The very object where there is nothing to hide. */
function clean<V>(fields: Readonly<Record<string, V | string>>, secrets: readonly string[]): typeof fields {
  const cleaned: Record<string, V | string> = {};
  let changed = false;
  for (const [name, value] of Object.entries(fields)) {
    const text = typeof value === 'string' ? secrets.reduce(hide, value) : value;
    changed ||= text !== value;
    cleaned[name] = text;
  }
  return changed ? cleaned : fields;
}

function hide(text: string, secret: string): string {
  const hidden = text.replaceAll(secret, redacted);
  // Long words of a provider are cut, maybe inside of the secret.
  for (let length = Math.min(secret.length - 1, hidden.length); length >= shortestSecret; length -= 1) {
    if (hidden.endsWith(secret.slice(0, length))) return hidden.slice(0, -length) + redacted;
  }
  return hidden;
}
