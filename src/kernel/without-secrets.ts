import { SluiceError } from './errors.ts';

/** What a provider's own words say in place of a credential. */
const redacted = '[redacted]';
/** Shorter words are found by chance. */
const shortestSecret = 8;

type Fields = Readonly<Record<string, string | number | boolean>>;

/**
 * The same error, without the credentials that went out with the request: a provider may repeat them in its own words,
 * which go to the log and, for a request that it rejects, to the client. `sent` are the header values.
 */
export function withoutSecrets(error: SluiceError, sent: readonly string[]): SluiceError {
  // A value such as "Bearer abc" is often repeated without its first word.
  const secrets = sent.flatMap((value) => [value, ...value.split(/\s+/)]).filter((word) => word.length >= shortestSecret);
  const holdsSecret = (fields: Fields): boolean =>
    Object.values(fields).some((text) => typeof text === 'string' && secrets.some((secret) => text.includes(secret)));
  if (!holdsSecret(error.details) && !holdsSecret(error.context)) return error;
  const { code, status, retryAfterSeconds, cause, details, context } = error;
  return new SluiceError(code, {
    status,
    details: clean(details, secrets),
    context: clean(context, secrets),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
    ...(cause !== undefined && { cause }),
  });
}

function clean<F extends Fields>(fields: F, secrets: readonly string[]): F {
  const entries = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === 'string' ? secrets.reduce((text, secret) => text.replaceAll(secret, redacted), value) : value,
  ]);
  return Object.fromEntries(entries) as F;
}
