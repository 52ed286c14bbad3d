import type { Credential, TokenLink } from './token-provider.ts';

/** Nobody waits for it any more: when it comes all the same, its link hears that it is not used. */
export function giveBack(link: Pick<TokenLink, 'settled'>, pending: PromiseLike<Credential>): void {
  pending.then(
    (credential) => link.settled(credential, 'failed'),
    () => undefined,
  );
}
