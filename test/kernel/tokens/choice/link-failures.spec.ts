import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { failureOfAll } from '../../../../src/kernel/tokens/choice/link-failures.ts';
import { tokenUnavailable } from '../../../../src/kernel/tokens/token-failure.ts';

const missing = new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'x-key' } });
const refused = new SluiceError('CALLER_KEY_REFUSED');
const down = tokenUnavailable('down');
const soon = tokenUnavailable('down', { retryAfterSeconds: 3 });
const limited = new SluiceError('UPSTREAM_RATE_LIMITED', { retryAfterSeconds: 7 });
const spent = new SluiceError('UPSTREAM_ERROR', { context: { exhausted: true } });
const revoked = new SluiceError('UPSTREAM_AUTH');

describe('several links of which none has a credential', () => {
  it.each([
    ['the key of the caller, which one refused and the other misses', [refused, missing], 'CALLER_KEY_REFUSED', 401],
    ['the key of the caller, which both refused', [refused, refused], 'CALLER_KEY_REFUSED', 401],
    ['the key of the caller, which both miss', [missing, missing], 'CALLER_KEY_MISSING', 401],
    ['not the caller alone', [refused, down], 'TOKEN_UNAVAILABLE', 503],
    ['what the caller can not change', [missing, revoked], 'UPSTREAM_AUTH', 502],
    ['refusals', [revoked, revoked], 'UPSTREAM_AUTH', 502],
    ['quotas', [spent, spent], 'UPSTREAM_ERROR', 502],
    ['a quota before a refusal', [revoked, spent], 'UPSTREAM_ERROR', 502],
    ['a rate limit before both', [revoked, spent, limited], 'UPSTREAM_RATE_LIMITED', 429],
    ['what ends first', [revoked, limited, soon], 'TOKEN_UNAVAILABLE', 503],
    ['what may end at any time', [revoked, spent, down], 'TOKEN_UNAVAILABLE', 503],
    ['another error of the provider', [new SluiceError('UPSTREAM_ERROR')], 'TOKEN_UNAVAILABLE', 503],
    ['nothing that is known', [], 'TOKEN_UNAVAILABLE', 503],
  ])('fail because of %s', (_why, errors, code, status) => {
    const failures = errors.map((error, index) => ({ name: `link-${index}`, error }));
    expect(failureOfAll(failures, 'none')).toMatchObject({ code, status });
  });
});
