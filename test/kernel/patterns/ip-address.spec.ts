import { isIPv4, isIPv6 } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isIpV4, isIpV6 } from '../../../src/kernel/patterns/ip-address.ts';

const part = fc.constantFrom('0', '1', '255', '256', '01', 'a', 'ffff', '12345', 'g', '', ':', '::', '.', '1.2.3.4');
const texts = fc.oneof(
  fc.array(part, { maxLength: 9 }).map((parts) => parts.join(':')),
  fc.array(part, { maxLength: 5 }).map((parts) => parts.join('.')),
  fc.array(part, { maxLength: 9 }).map((parts) => parts.join('')),
  fc.ipV6(),
  fc.ipV4(),
);

describe('an address', () => {
  it('is what Node takes for one', () => {
    fc.assert(
      fc.property(texts, (text) => {
        expect([isIpV4(text), isIpV6(text)]).toEqual([isIPv4(text), isIPv6(text)]);
      }),
      { numRuns: 5_000 },
    );
  });

  it.each<[string, boolean]>([
    ['::', true],
    ['::1', true],
    ['1::', true],
    ['1:2:3:4:5:6:7::', true],
    ['1:2:3:4:5:6:7:8', true],
    ['1:2:3:4:5:6:7:8:9', false],
    ['1:2:3:4:5:6:7', false],
    ['1::2::3', false],
    [':::', false],
    ['::ffff:1.2.3.4', true],
    ['1.2.3.4::', false],
    ['fe80::1%eth0', false],
  ])('%s as version 6: %s', (text, expected) => {
    expect(isIpV6(text)).toBe(expected);
  });
});
