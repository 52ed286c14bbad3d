import { describe, expect, it } from '@jest/globals';
import { ibanCountries, isIban } from '../../../src/kernel/patterns/iban.ts';

describe('isIban', () => {
  it.each([
    'DE89 3704 0044 0532 0130 00',
    'GB29NWBK60161331926819',
    'FR14 2004 1010 0505 0001 3M02 606',
    'NO93 8601 1117 947',
    'CH93-0076-2011-6238-5295-7',
    'MT84 MALT 0110 0001 2345 MTLC AST0 01S',
    'nl91abna0417164300',
    'SA03 8000 0000 6080 1016 7519',
    'BR18 0036 0305 0000 1000 9795 493C 1',
  ])('takes %s', (text) => {
    expect(isIban(text)).toBe(true);
  });

  it.each([
    ['a wrong digit', 'DE89 3704 0044 0532 0130 01'],
    ['swapped digits', 'DE98 3704 0044 0532 0130 00'],
    ['the length of another country', 'DE89 3704 0044 0532 0130 0'],
    ['a country without IBAN', 'US89 3704 0044 0532 0130 00'],
    ['letters for check digits', 'DEAB 3704 0044 0532 0130 00'],
    ['nothing', ''],
    ['a name of every object', 'constructor'],
  ])('refuses %s', (_name, text) => {
    expect(isIban(text)).toBe(false);
  });
});

describe('the table of countries', () => {
  it('names each country once, by two letters', () => {
    const all = ibanCountries.flatMap(([, countries]) => countries.split(' '));
    expect(all.filter((country) => !/^[A-Z]{2}$/.test(country))).toEqual([]);
    expect(new Set(all).size).toBe(all.length);
    expect(ibanCountries.every(([length]) => length >= 15 && length <= 34)).toBe(true);
  });
});
