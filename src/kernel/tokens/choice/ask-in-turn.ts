import type { Clock } from '../../clock.ts';
import { asSluiceError, type SluiceError } from '../../errors.ts';
import { isPromise } from '../../supervise.ts';
import { giveBack } from '../give-back.ts';
import type { LastResort } from './last-resort.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { Credential, TokenLink, TokenRun } from '../token-provider.ts';
import { whileOpen } from '../while-open.ts';

/** A link that takes longer has failed: so the run has still time for the next one. */
const patienceMilliseconds = 20_000;
const inVain = (): SluiceError => tokenUnavailable('the credential did not come in time');

/** One search for a credential among several links. */
export interface Search<S extends { readonly link: TokenLink }> {
  readonly clock: Clock;
  /** The next to ask; undefined when nobody is left. A promise: when it is settled, `next` is called again. */
  next(): S | Promise<void> | undefined;
  /** The link gave this credential. False: it is not to be used, and the search goes on; who said so has given it back or kept it. */
  take(asked: S, credential: Credential): boolean;
  failed(asked: S, error: SluiceError): void;
  /** The run ended while the link was asked, which is nobody's failure. */
  abandoned(asked: S): void;
  /** What `take` kept; given back where the search ends otherwise than by `conclude`. */
  readonly lastResort: LastResort<S>;
  /** Nobody is left. Returns the last resort or throws. */
  conclude(): Credential;
}

/**
 * Asks one link after another, without a promise as long as they answer at once. Ends with the reason of `run.signal` as soon
 * as the run does; a credential that comes later is given back.
 */
export function askInTurn<S extends { readonly link: TokenLink }>(
  run: TokenRun,
  search: Search<S>,
): Credential | Promise<Credential> {
  for (;;) {
    if (run.signal.aborted) throw endOf(run, search);
    const asked = search.next();
    if (asked === undefined) return search.conclude();
    if (!('link' in asked)) return waitAndGoOn(run, search, asked);
    const answer = ask(run, search, asked);
    if (answer === undefined) continue;
    if (isPromise(answer)) return takeLater(run, search, asked, answer);
    if (isTaken(search, asked, answer)) return answer;
  }
}

function ask<S extends { readonly link: TokenLink }>(
  run: TokenRun,
  search: Search<S>,
  asked: S,
): Credential | Promise<Credential> | undefined {
  try {
    return asked.link.getToken(run);
  } catch (error) {
    fail(run, search, asked, error);
    return undefined;
  }
}

async function waitAndGoOn<S extends { readonly link: TokenLink }>(
  run: TokenRun,
  search: Search<S>,
  pause: PromiseLike<void>,
): Promise<Credential> {
  try {
    await whileOpen(pause, run.signal);
  } catch {
    throw endOf(run, search);
  }
  return askInTurn(run, search);
}

async function takeLater<S extends { readonly link: TokenLink }>(
  run: TokenRun,
  search: Search<S>,
  asked: S,
  pending: PromiseLike<Credential>,
): Promise<Credential> {
  let credential: Credential;
  try {
    const patience = { clock: search.clock, milliseconds: patienceMilliseconds, late: inVain };
    credential = await whileOpen(pending, run.signal, patience);
    // It may have ended after the promise was settled.
    run.signal.throwIfAborted();
  } catch (error) {
    giveBack(asked.link, pending);
    fail(run, search, asked, error);
    return askInTurn(run, search);
  }
  return isTaken(search, asked, credential) ? credential : askInTurn(run, search);
}

function isTaken<S extends { readonly link: TokenLink }>(search: Search<S>, asked: S, credential: Credential): boolean {
  if (!search.take(asked, credential)) return false;
  search.lastResort.giveBack();
  return true;
}

function fail<S extends { readonly link: TokenLink }>(
  run: TokenRun,
  search: Search<S>,
  asked: S,
  error: unknown,
): void {
  if (run.signal.aborted) {
    search.abandoned(asked);
    throw endOf(run, search);
  }
  search.failed(asked, asSluiceError(error, 'TOKEN_UNAVAILABLE'));
}

function endOf<S extends { readonly link: TokenLink }>(run: TokenRun, { lastResort }: Search<S>): SluiceError {
  lastResort.giveBack();
  return asSluiceError(run.signal.reason);
}
