import { askInTurn } from './ask-in-turn.ts';
import { ChainLink, type ChainCapabilities } from './chain-link.ts';
import { isPerCaller } from './cooling.ts';
import { Givers } from './givers.ts';
import { failureOfAll, type LinkFailure } from './link-failures.ts';
import { hashOf } from '../hash-of.ts';
import type { Credential, Refusal, TokenDetail, TokenLink, TokenProvider, TokenRun } from '../token-provider.ts';

interface ChainSearch {
  readonly queue: ChainLink[];
  readonly failures: LinkFailure[];
  /** Those that have nothing but a credential which was refused. */
  readonly refused: ChainLink[];
  /** The one of them that is asked again when nobody else has anything. */
  lastResort: ChainLink | undefined;
}

/**
 * Several links in the order of preference. One that fails or whose credentials are refused is asked last for a while: it
 * cools down. A link that tells callers apart never does, since the failure of one is not that of another.
 *
 * When nobody has a credential but refused ones, the link that was refused last is asked once more and its credential
 * given, so that the run sees what it has seen before and gives up with what the provider of the model said.
 */
export class TokenChain implements TokenProvider {
  readonly spares: number;
  readonly others: number;
  readonly subject?: (run: TokenRun) => string;
  readonly #links: readonly ChainLink[];
  readonly #capabilities: ChainCapabilities;
  readonly #givers = new Givers<ChainLink>();
  #lastRefused: ChainLink | undefined;

  /** `coolDown` is in milliseconds. */
  constructor(links: readonly TokenLink[], coolDown: number, capabilities: ChainCapabilities) {
    this.#links = links.map((link) => new ChainLink(link, coolDown, capabilities));
    this.#capabilities = capabilities;
    this.spares = links.reduce((sum, { spares }) => sum + 1 + spares, 0) - 1;
    this.others = links.reduce((sum, { others }) => sum + 1 + others, 0) - 1;
    if (links.some(isPerCaller))
      this.subject = (run) => hashOf('chained', ...links.map((link) => link.subject?.(run) ?? ''));
  }

  getToken(run: TokenRun): Credential | Promise<Credential> {
    const search: ChainSearch = { queue: this.#inOrder(), failures: [], refused: [], lastResort: undefined };
    return askInTurn<ChainLink>(run, {
      clock: this.#capabilities.clock,
      next: () => {
        const next = search.queue.shift() ?? this.#lastResort(search);
        next?.ask();
        return next;
      },
      take: (asked, credential) => this.#take(asked, credential, search),
      failed: (asked, error) => {
        search.failures.push({ name: asked.link.name, error });
        asked.failed(error);
      },
      abandoned: (asked) => asked.abandoned(),
      failure: () => failureOfAll(search.failures, 'no link of the chain has a credential'),
    });
  }

  invalidate(credential: Credential, refusal: Refusal): void {
    const giver = this.#givers.lastOf(credential);
    if (giver === undefined) return;
    giver.link.invalidate(credential, refusal);
    if (refusal.isRepeated === true) return;
    giver.refused(credential, refusal);
    this.#lastRefused = giver;
  }

  accepted(credential: Credential): void {
    const giver = this.#givers.lastOf(credential);
    giver?.link.accepted(credential);
    giver?.accepted(credential);
  }

  settled(credential: Credential, outcome: 'accepted' | 'refused' | 'failed'): void {
    this.#givers.returned(credential)?.link.settled(credential, outcome);
  }

  state(): TokenDetail {
    return { links: this.#links.map((link) => link.state()) };
  }

  /** Those that do not cool down or are looked at again, then the others, first the one that returns first. */
  #inOrder(): ChainLink[] {
    return this.#links.toSorted((one, other) => one.passedOverUntil - other.passedOverUntil);
  }

  #lastResort(search: ChainSearch): ChainLink | undefined {
    if (search.lastResort !== undefined) return undefined;
    const { refused } = search;
    search.lastResort = refused.find((link) => link === this.#lastRefused) ?? refused.at(-1);
    return search.lastResort;
  }

  #take(asked: ChainLink, credential: Credential, { refused, lastResort }: ChainSearch): boolean {
    if (asked !== lastResort && asked.isRefused(credential)) {
      refused.push(asked);
      return false;
    }
    asked.given(credential);
    this.#givers.gave(asked, credential);
    return true;
  }
}
