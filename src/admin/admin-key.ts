import { createHash, timingSafeEqual } from 'node:crypto';

/** Compares keys in a time that tells nothing about them. */
export class AdminKey {
  readonly #current: () => string | undefined;

  /** `current` gives the key as it is now; undefined where there is none, and then nobody is let in. */
  constructor(current: () => string | undefined) {
    this.#current = current;
  }

  /** `authorization` as the request has it, once for each header of that name. */
  admits(authorization: readonly string[] | undefined): boolean {
    const [only = '', ...others] = authorization ?? [];
    const [, given = ''] = /^Bearer ([\x21-\x7e]+)$/i.exec(only) ?? [];
    const key = this.#current() ?? '';
    const isSame = timingSafeEqual(digestOf(given), digestOf(key));
    return isSame && key !== '' && others.length === 0;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
