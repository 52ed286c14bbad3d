import { describe, expect, it } from '@jest/globals';
import { assertHostAllowed, isAddressAllowed } from '../../src/forward/egress-guard.ts';
import { HttpCalls } from '../../src/forward/http-calls.ts';
import { TestClock } from '../support/test-clock.ts';

const blocked = expect.objectContaining({ code: 'EGRESS_BLOCKED' });

describe('the platform profile', () => {
  const linkLocal = ['169.254.128.0', '169.254.129.4', '169.254.131.2', '169.254.169.254', '169.254.255.2'];
  it.each([...linkLocal, '127.0.0.1', '10.0.0.1', '192.168.1.1', '100.64.0.1', '::1', 'fd12:3456::1'])(
    'opens %p',
    (address) => {
      expect(isAddressAllowed(address, 'platform')).toBe(true);
    },
  );

  it.each(linkLocal)('opens %p, which is closed to backends', (address) => {
    expect([isAddressAllowed(address, 'private'), isAddressAllowed(address, 'public')]).toEqual([false, false]);
  });

  it.each([
    '1.1.1.1',
    '93.184.216.34',
    '2606:4700::1111',
    '169.254.0.1',
    '169.254.127.255',
    '100.100.100.200',
    '168.63.129.16',
    '0.0.0.0',
    '224.0.0.1',
    '::',
    '::ffff:169.254.129.4',
    '::ffff:127.0.0.1',
    '64:ff9b::a9fe:8104',
    'fe80::1',
    'fd00:ec2::254',
    '169.254.129.4%eth0',
    '',
  ])('keeps %p closed', (address) => {
    expect(isAddressAllowed(address, 'platform')).toBe(false);
  });

  it.each([
    ['localhost', true],
    ['169.254.129.4', true],
    ['93.184.216.34', false],
    ['metadata.google.internal', false],
  ])('takes the host %p: %p', (host, allowed) => {
    const take = (): void => assertHostAllowed(host, 'platform');
    if (allowed) expect(take).not.toThrow();
    else expect(take).toThrow(blocked);
  });

  it('takes no name to the public internet', async () => {
    const calls = new HttpCalls(new TestClock(), async () => [{ address: '93.184.216.34', family: 4 }]);
    const call = { method: 'GET', url: 'http://evil.test/msi', headers: {}, network: 'platform' } as const;
    const answer = calls.call({ ...call, timeoutMilliseconds: 5_000, maxBytes: 1_000 }, new AbortController());
    await expect(answer).rejects.toEqual(blocked);
    await calls.close();
  });
});
