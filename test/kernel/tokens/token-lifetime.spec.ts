import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  askedAt,
  earlierExpiry,
  expiryAfter,
  expiryOfJwt,
  expiryOn,
} from '../../../src/kernel/tokens/token-lifetime.ts';
import { TestClock } from '../../support/test-clock.ts';

const asked = { now: 5_000, wallTime: Date.UTC(2026, 0, 1) };
const epoch = asked.wallTime / 1_000;
const tenYears = 315_360_000;
const invalid = expect.objectContaining({ code: 'TOKEN_INVALID' });
const jwt = (payload: string): string => `${encode('{"alg":"none"}')}.${encode(payload)}.sig`;
const encode = (text: string): string => Buffer.from(text).toString('base64url');

it('a token is asked for at both times of the clock', () => {
  const clock = new TestClock({ start: 42, wallTime: 1_000_000 });
  expect(askedAt(clock)).toEqual({ now: 42, wallTime: 1_000_000 });
});

describe('seconds that a token lives', () => {
  it.each([
    [3600, 3_605_000],
    ['3600', 3_605_000],
    [' 3599 ', 3_604_000],
    ['59.5', 64_500],
    [0.5, 5_500],
    [tenYears, tenYears * 1_000 + 5_000],
    [undefined, undefined],
    [null, undefined],
  ])('%j end at %j', (seconds, end) => {
    expect(expiryAfter(seconds, asked)).toBe(end);
  });

  it.each([
    [0],
    [-1],
    ['0'],
    ['-3600'],
    [1e12],
    ['1000000000000'],
    [tenYears + 1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
    [''],
    ['soon'],
    ['1e3'],
    ['0x10'],
    ['3600s'],
    [true],
    [[3600]],
    [{ seconds: 3600 }],
  ])('can not be %j', (seconds) => {
    expect(() => expiryAfter(seconds, asked)).toThrow(invalid);
  });

  it('are the same as a number and as digits', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: tenYears }), (seconds) => {
        expect(expiryAfter(String(seconds), asked)).toBe(expiryAfter(seconds, asked));
        expect(expiryAfter(seconds, asked)).toBe(asked.now + seconds * 1_000);
      }),
    );
  });

  it('are no time before the one of asking, or an error, or unknown, whatever is said', () => {
    fc.assert(
      fc.property(fc.anything(), (said) => {
        for (const read of [expiryAfter, expiryOn]) {
          try {
            const end = read(said, asked);
            if (end === undefined) expect(said ?? undefined).toBeUndefined();
            else expect(end >= asked.now && end <= asked.now + tenYears * 1_000).toBe(true);
          } catch (error) {
            expect(error).toEqual(invalid);
          }
        }
      }),
    );
  });
});

describe('the date at which a token ends', () => {
  it.each([
    [epoch + 60, 65_000],
    [String(epoch + 60), 65_000],
    ['2026-01-01T01:00:00Z', 3_605_000],
    ['2026-01-01t01:00:00z', 3_605_000],
    ['2026-01-01T01:00:00.500Z', 3_605_500],
    ['2026-01-01T01:00:00.123456789Z', 3_605_123],
    ['2026-01-01T01:00:00+00:00', 3_605_000],
    ['2026-01-01T03:30:00+02:30', 3_605_000],
    ['2026-01-01T03:30:00+0230', 3_605_000],
    ['2025-12-31T20:00:00-05:00', 3_605_000],
    ['2026-01-01T01:00:00', 3_605_000],
    ['2026-01-01 01:00:00 +00:00', 3_605_000],
    [undefined, undefined],
    [null, undefined],
  ])('%j is %j in monotonic time', (date, end) => {
    if (end === undefined) expect(expiryOn(date, asked)).toBeUndefined();
    else expect(expiryOn(date, asked)).toBeCloseTo(end, 0);
  });

  it.each([
    [epoch],
    [epoch - 1],
    [0],
    ['2025-12-31T23:59:59Z'],
    ['2036-12-31T23:59:59Z'],
    [(epoch + 60) * 1_000],
    ['2026-13-01T00:00:00Z'],
    ['2026-01-01T25:00:00Z'],
    ['2026-01-01'],
    ['2026-01-01T01:00:00Z (canary)'],
    ['tomorrow'],
    ['6/20/2027 02:57:58 +00:00'],
    [''],
    [true],
    [{}],
  ])('can not be %j', (date) => {
    expect(() => expiryOn(date, asked)).toThrow(invalid);
  });

  it('is the same in every spelling', () => {
    const span = { min: new Date(asked.wallTime + 1_000), max: new Date(asked.wallTime + 9 * 365 * 86_400_000) };
    fc.assert(
      fc.property(fc.date({ ...span, noInvalidDate: true }), (date) => {
        const seconds = Math.ceil(date.getTime() / 1_000);
        const text = new Date(seconds * 1_000).toISOString();
        const expected = asked.now + seconds * 1_000 - asked.wallTime;
        for (const spelling of [seconds, String(seconds), text, text.replace('.000Z', ''), text.replace('Z', '+00:00')])
          expect(expiryOn(spelling, asked)).toBeCloseTo(expected, 3);
      }),
    );
  });
});

describe('the end that a JSON Web Token says itself', () => {
  it.each([
    [jwt(`{"exp":${epoch + 60}}`), 65_000],
    [`${encode('{}')}.${encode(`{"exp":${epoch + 60}}`)}.`, 65_000],
    [jwt('{"sub":"a"}'), undefined],
    [jwt(`{"exp":"${epoch + 60}"}`), undefined],
    [jwt('null'), undefined],
    [jwt('[1]'), undefined],
    [jwt('{"exp":'), undefined],
    ['an-opaque-token', undefined],
    ['a.b', undefined],
    ['a.b.c', undefined],
    ['', undefined],
    ['..', undefined],
    // Encrypted ones have five parts and say nothing.
    [`a.${encode(`{"exp":${epoch + 60}}`)}.c.d.e`, undefined],
    [`a.${encode('[').repeat(30_000)}.c`, undefined],
    [`a.${encode('['.repeat(40_000))}.c`, undefined],
  ])('%#', (token, end) => {
    expect(expiryOfJwt(token, asked)).toBe(end);
  });

  it.each([0, epoch - 60, epoch - 3_600, 1e12, -1])('can not be %j', (exp) => {
    expect(() => expiryOfJwt(jwt(JSON.stringify({ exp })), asked)).toThrow(invalid);
  });

  it.each([
    [epoch, 65_000],
    [epoch - 1, 64_000],
    [epoch - 59, 6_000],
  ])('may be over by less than a minute, by which the clocks may differ: %j is over then', (exp, end) => {
    expect(expiryOfJwt(jwt(JSON.stringify({ exp })), asked)).toBe(end);
  });

  it('is unknown for any text that is none', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.string(), (one, two, three) => {
        expect(expiryOfJwt(`${one}.${two}.${three}`, asked)).toBeUndefined();
      }),
    );
  });
});

describe('the end that the token server says, where the token has one of its own', () => {
  const hour = 3_605_000;
  it.each([
    ['the same', hour, epoch + 3_600, hour],
    ['later', hour, epoch + 7_200, hour],
    ['later, in milliseconds', hour, (epoch + 3_600) * 1_000, hour],
    ['later than any date', hour, 1e300, hour],
    ['earlier by less than a minute', hour, epoch + 3_541, hour],
    ['earlier by a minute', hour, epoch + 3_540, 3_545_000],
    ['earlier', hour, epoch + 300, 305_000],
    ['soon', hour, epoch + 1, 6_000],
    ['over by less than a minute', hour, epoch - 10, 55_000],
    ['over, where the token is short and the clocks may differ', 35_000, epoch - 29, 35_000],
    ['fractional', hour, epoch + 300.5, 305_500],
    ['no number', hour, `${epoch + 300}`, hour],
    ['no date', hour, null, hour],
    ['the only one', undefined, epoch + 300, 305_000],
  ])('is the earlier one (its own is %s)', (_what, told, exp, end) => {
    expect(earlierExpiry(told, jwt(JSON.stringify({ exp })), asked)).toBe(end);
  });

  it.each([0, -1, epoch - 60, epoch - 3_600])('can not be beside one of %j', (exp) => {
    expect(() => earlierExpiry(hour, jwt(JSON.stringify({ exp })), asked)).toThrow(invalid);
  });

  it('is the one that was told where the token says none', () => {
    expect(earlierExpiry(hour, 'an-opaque-token', asked)).toBe(hour);
    expect(earlierExpiry(undefined, 'an-opaque-token', asked)).toBeUndefined();
  });

  it('is never changed by clocks that differ by less than a minute, whatever the lifetime', () => {
    const lifetimes = fc.integer({ min: 1, max: tenYears });
    fc.assert(
      fc.property(lifetimes, fc.integer({ min: -59, max: 59 }), (seconds, error) => {
        const told = expiryAfter(seconds, asked);
        expect(earlierExpiry(told, jwt(JSON.stringify({ exp: epoch + seconds + error })), asked)).toBe(told);
      }),
    );
  });
});
