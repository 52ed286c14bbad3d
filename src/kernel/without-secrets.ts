import type { SluiceError } from './errors.ts';
import { hideSpelled } from './hide-spelled.ts';

/** What a provider's own words say in place of a credential. */
const redacted = '[redacted]';
/** Shorter words, and shorter parts of longer ones, are found by chance. */
const shortestSecret = 8;

/**
 * The same error, without the credentials that went out with the request: a provider may repeat them in its own words,
 * which go to the log and, for a request that it rejects, to the client. `sent` are the header values.
 */
export function withoutSecrets(error: SluiceError, sent: readonly string[]): SluiceError {
  // A value such as "Bearer abc" is often repeated without its first word.
  const words = sent.flatMap((value) => [value, value.replace(/^\S+\s+/, ''), ...value.split(/\s+/)]);
  const secrets = [...new Set(words.filter(isLong).flatMap(formsOf))].filter(isLong).toSorted(byLength);
  const details = clean<number>(error.details, secrets);
  const context = clean<number | boolean>(error.context, secrets);
  return details === error.details && context === error.context ? error : error.with({ details, context });
}

function isLong(word: string): boolean {
  return word.length >= shortestSecret;
}

/** The longest first, so that nothing is left of those that hold others. */
function byLength(one: string, other: string): number {
  return other.length - one.length;
}

/** As it was sent; base64 without its padding; in hex; in base64 for itself, and as a part of whatever is encoded as a whole. */
function formsOf(word: string): string[] {
  const forms = [word, word.replace(/=+$/, '')];
  // Headers are bytes, and are often taken for UTF-8.
  for (const bytes of [Buffer.from(word, 'latin1'), Buffer.from(word)]) {
    const hex = bytes.toString('hex');
    forms.push(hex, hex.toUpperCase(), bytes.toString('base64'), bytes.toString('base64url'));
    for (const before of [0, 1, 2]) forms.push(...coreOf(bytes, before));
  }
  return forms;
}

/**
 * The characters of base64, in both alphabets, that are the same whatever stands around the bytes; `before` is how many
 * bytes of a group of three are not theirs. Those at the ends belong to a neighbour too: what they hold is 4 bits each.
 */
function coreOf(bytes: Buffer, before: number): readonly [string, string] {
  const shifted = Buffer.concat([Buffer.alloc(before), bytes]);
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor((shifted.length * 8) / 6);
  return [shifted.toString('base64').slice(first, end), shifted.toString('base64url').slice(first, end)];
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

/** As it is, and with its characters escaped as addresses, JSON and pages do it. */
function hide(text: string, secret: string): string {
  return hideSpelled(text.replaceAll(secret, redacted), secret, { shown: redacted, shortest: shortestSecret });
}
