import type { Credential } from '../token-provider.ts';

const shortestWait = 1_000;
const longestWait = 60_000;

/**
 * When a link is looked at again whose credential was refused: it may have another one since, such as the key of a file
 * that was replaced. The credential is left out and not the link, but to look may mean to ask a network, so it is done once
 * a second at most, and half as often each time that another credential was refused too.
 */
export class SecondLooks {
  #wait = shortestWait;
  #last: Credential | undefined;

  /** Milliseconds until the next look. */
  get wait(): number {
    return this.#wait;
  }

  refused(credential: Credential): void {
    if (this.#last !== undefined && this.#last !== credential) this.#wait = Math.min(this.#wait * 2, longestWait);
    this.#last = credential;
  }

  accepted(): void {
    this.#wait = shortestWait;
    this.#last = undefined;
  }
}
