import { expect, it } from '@jest/globals';
import { clientFailure } from '../../src/compile/client-failure.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { tokenInvalid, tokenUnavailable } from '../../src/kernel/tokens/token-failure.ts';

it.each<[string, SluiceError, number | undefined]>([
  ['a token that nobody says when to ask for again', tokenUnavailable('down'), 1],
  ['a token that is there again soon', tokenUnavailable('down', { retryAfterSeconds: 7 }), 7],
  ['a token that may be there at once', tokenUnavailable('down', { retryAfterSeconds: 0 }), 0],
  ['a token that is none', tokenInvalid('empty'), 1],
  ['another failure', new SluiceError('UPSTREAM_RESET'), undefined],
])('for want of %s a client hears when to ask again', (_what, error, seconds) => {
  const failure = clientFailure(error, []);
  expect(failure.retryAfterSeconds).toBe(seconds);
  expect(failure).toMatchObject({ code: error.code, status: error.status, context: error.context });
  if (seconds !== 1) expect(failure).toBe(error);
});

it('whatever was thrown is a failure without the credentials that were sent', () => {
  const error = new SluiceError('UPSTREAM_REJECTED', { details: { reason: 'bad key abcdefgh12' } });
  expect(clientFailure(error, ['Bearer abcdefgh12']).details).toEqual({ reason: 'bad key [redacted]' });
  expect(clientFailure(new Error('broken'), []).code).toBe('INTERNAL');
});
