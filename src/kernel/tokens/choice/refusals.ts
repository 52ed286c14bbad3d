import type { Credential, Refusal, TokenLink } from '../token-provider.ts';

/** That a credential was refused, and until when it is not to be used again. */
export interface Mark {
  readonly reason: Refusal['reason'];
  /** Monotonic milliseconds. */
  readonly until: number;
}

/**
 * `known`: the credential is older than the last refusal of its link, which tells nothing new. `renewable`: the link may have
 * another one. `spent`: as many in a row were refused as the link can have.
 */
export type Verdict = 'known' | 'renewable' | 'spent';

/**
 * What the provider of the model said about the credentials of one link. Many requests use one credential, and when it is
 * revoked all of them are refused: that counts once. Only a credential that was given after a refusal says something
 * about the link again, be it that it is accepted or that it is refused too.
 */
export class Refusals {
  readonly #link: Pick<TokenLink, 'spares' | 'others'>;
  /** How many refusals had counted when a credential was given last. */
  readonly #countedBefore = new WeakMap<Credential, number>();
  readonly #marks = new WeakMap<Credential, Mark>();
  #counted = 0;
  #inRow = 0;

  constructor(link: Pick<TokenLink, 'spares' | 'others'>) {
    this.#link = link;
  }

  given(credential: Credential): void {
    this.#countedBefore.set(credential, this.#counted);
  }

  refused(credential: Credential, mark: Mark): Verdict {
    if (!this.#isCurrent(credential)) {
      if (!this.#marks.has(credential)) this.#marks.set(credential, mark);
      return 'known';
    }
    this.#marks.set(credential, mark);
    this.#counted += 1;
    this.#inRow += 1;
    // A renewed token of an account that is used too much helps nobody.
    const further = mark.reason === 'rejected' ? this.#link.spares : this.#link.others;
    if (this.#inRow <= further) return 'renewable';
    // It is left out for a while, and then begins anew.
    this.#inRow = 0;
    return 'spent';
  }

  /** False where the credential is older than the last refusal and proves nothing. */
  accepted(credential: Credential): boolean {
    if (!this.#isCurrent(credential)) return false;
    this.#inRow = 0;
    this.#marks.delete(credential);
    return true;
  }

  /** The mark of a credential that is still not to be used. */
  markOf(credential: Credential, now: number): Mark | undefined {
    const mark = this.#marks.get(credential);
    return mark !== undefined && now < mark.until ? mark : undefined;
  }

  /** True where it was given after the last refusal. */
  #isCurrent(credential: Credential): boolean {
    return this.#countedBefore.get(credential) === this.#counted;
  }
}
