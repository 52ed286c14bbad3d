import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../../../src/kernel/errors.ts';
import { failureOfAll } from '../../../../src/kernel/tokens/choice/link-failures.ts';
import { tokenUnavailable } from '../../../../src/kernel/tokens/token-failure.ts';

const missing = new SluiceError('CALLER_KEY_MISSING', { details: { headers: 'x-key' } });
const refused = new SluiceError('CALLER_KEY_REFUSED');
const down = tokenUnavailable('down');

describe('several links of which none has a credential', () => {
  it.each([
    ['the key of the caller, which one refused and the other misses', [refused, missing], 'CALLER_KEY_REFUSED', 401],
    ['the key of the caller, which both refused', [refused, refused], 'CALLER_KEY_REFUSED', 401],
    ['the key of the caller, which both miss', [missing, missing], 'CALLER_KEY_MISSING', 401],
    ['not the caller alone', [refused, down], 'TOKEN_UNAVAILABLE', 503],
  ])('fail because of %s', (_why, errors, code, status) => {
    const failures = errors.map((error, index) => ({ name: `link-${index}`, error }));
    expect(failureOfAll(failures, 'none')).toMatchObject({ code, status });
  });
});
