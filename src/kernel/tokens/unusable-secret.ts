import { SluiceError } from '../errors.ts';
import type { Secret } from '../schema.ts';

/**
 * Refuses a definition, when it is loaded, for what one of its secrets holds. The message begins with the field of the
 * config, such as `client.privateKey`, and names the secret; nothing of its text is in it.
 */
export class UnusableSecret extends TypeError {
  constructor(field: string, secret: Secret, reason: string, hint?: string) {
    super(`${field}: ${secret.name}: ${reason}${hint === undefined ? '' : `; ${hint}`}`);
  }
}

/**
 * Uses a secret as a request would, and refuses the definition where that ends in TOKEN_INVALID. One that can't be read just
 * now is no matter here: whether it is there is judged by whoever resolves it.
 */
export function checkUse(
  field: string,
  secret: Secret,
  use: () => unknown,
  hintFor: (reason: string) => string | undefined,
): void {
  try {
    use();
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    if (error.code !== 'TOKEN_INVALID') return;
    const { reason, field: missing } = error.context;
    const words = `${String(reason)}${typeof missing === 'string' ? ` (${missing})` : ''}`;
    throw new UnusableSecret(field, secret, words, hintFor(String(reason)));
  }
}
