import type { Clock } from '../../clock.ts';
import { asSluiceError, type SluiceError } from '../../errors.ts';
import { isPromise } from '../../supervise.ts';
import { giveBack } from '../give-back.ts';
import { tokenUnavailable } from '../token-failure.ts';
import type { Credential, TokenLink, TokenRun } from '../token-provider.ts';
import { whileOpen } from '../while-open.ts';

/** A link that takes longer has failed: so the run has still time for the next one. */
const patienceMilliseconds = 20_000;
const inVain = (): SluiceError => tokenUnavailable('the credential did not come in time');

interface Asked {
  readonly link: TokenLink;
}

/** One search for a credential among several links. */
export interface Search<A extends Asked> {
  readonly clock: Clock;
  /** The next to ask; undefined when nobody is left. */
  next(): A | undefined;
  /** The link gave this credential. False: it is not to be used, so it is given back and the search goes on. */
  take(asked: A, credential: Credential): boolean;
  failed(asked: A, error: SluiceError): void;
  /** The run ended while the link was asked, which is nobody's failure. */
  abandoned?(asked: A): void;
  /** Nobody is left. */
  failure(): SluiceError;
}

/**
 * Asks one link after another, without a promise and without a look at `run.signal` as long as they answer at once. A wait
 * ends with the reason of the signal as soon as the run does; a credential that comes later is given back.
 */
export function askInTurn<A extends Asked>(run: TokenRun, search: Search<A>): Credential | Promise<Credential> {
  for (;;) {
    const asked = search.next();
    if (asked === undefined) throw search.failure();
    const answer = ask(run, search, asked);
    if (answer === undefined) continue;
    if (isPromise(answer)) return takeLater(run, search, asked, answer);
    if (isTaken(search, asked, answer)) return answer;
  }
}

function ask<A extends Asked>(
  run: TokenRun,
  search: Search<A>,
  asked: A,
): Credential | Promise<Credential> | undefined {
  try {
    return asked.link.getToken(run);
  } catch (error) {
    fail(run, search, asked, error);
    return undefined;
  }
}

async function takeLater<A extends Asked>(
  run: TokenRun,
  search: Search<A>,
  asked: A,
  pending: PromiseLike<Credential>,
): Promise<Credential> {
  let credential: Credential;
  try {
    const patience = { clock: search.clock, milliseconds: patienceMilliseconds, late: inVain };
    credential = await whileOpen(pending, run.signal, patience);
  } catch (error) {
    giveBack(asked.link, pending);
    fail(run, search, asked, error);
    return askInTurn(run, search);
  }
  return isTaken(search, asked, credential) ? credential : askInTurn(run, search);
}

function isTaken<A extends Asked>(search: Search<A>, asked: A, credential: Credential): boolean {
  const isTakenNow = search.take(asked, credential);
  if (!isTakenNow) asked.link.settled(credential, 'failed');
  return isTakenNow;
}

/** Notes that the link failed; throws where it was the run that ended. */
function fail<A extends Asked>(run: TokenRun, search: Search<A>, asked: A, error: unknown): void {
  if (run.signal.aborted) {
    search.abandoned?.(asked);
    throw asSluiceError(run.signal.reason);
  }
  search.failed(asked, asSluiceError(error, 'TOKEN_UNAVAILABLE'));
}
