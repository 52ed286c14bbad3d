import type { Mark } from './refusals.ts';
import type { Credential, TokenLink } from '../token-provider.ts';

interface Kept<S> {
  readonly asked: S;
  readonly credential: Credential;
  readonly order: number;
}

/**
 * Of the credentials that one search came upon and that were refused before: the one that was refused last. It is for a run
 * that finds nothing else, which so sees what it has seen before and gives up. All others are given back.
 */
export class LastResort<S extends { readonly link: TokenLink }> {
  #kept: Kept<S> | undefined;

  offer(asked: S, credential: Credential, { order }: Mark): void {
    if (this.#kept !== undefined && order <= this.#kept.order) {
      asked.link.settled(credential, 'failed');
      return;
    }
    this.giveBack();
    this.#kept = { asked, credential, order };
  }

  /** It is used after all. */
  take(): Kept<S> | undefined {
    const kept = this.#kept;
    this.#kept = undefined;
    return kept;
  }

  /** Nobody needs it any more. */
  giveBack(): void {
    const kept = this.take();
    kept?.asked.link.settled(kept.credential, 'failed');
  }
}
