import { ibanCountries, isIban } from './iban.ts';
import { isIpV6 } from './ip-address.ts';
import { digitsOf, hasLuhnCheck } from './luhn.ts';
import type { PatternKind } from './pattern-kind.ts';

const digit = '[0-9\\uFF10-\\uFF19]';
/** Between groups of digits: a blank or a dash of any width. */
const gap = '[ \\-\\u00A0\\u2010\\u2011\\u2013\\u202F\\u3000\\uFF0D]';
const touching = '[\\p{L}\\p{N}_]';

export const creditCard: PatternKind = {
  name: 'credit-card',
  samples: ['4111 1111 1111 1111', '378282246310005', '5555-5555-5555-4444', '４１１１　１１１１　１１１１　１１１１'],
  sources: [
    {
      source: `[2-689\\uFF12-\\uFF16\\uFF18\\uFF19](?:${gap}?${digit}){12,18}`,
      // Behind a point they are the digits of a fraction.
      notAfter: '[\\p{L}\\p{N}_.,]',
      notBefore: touching,
      accept: isCardNumber,
    },
  ],
  canonical: digitsOf,
};

/** Numbers that card networks give out, with their check digit. */
const issued = /^(?:[3-6]|2[12-7]|81|9792)/;

function isCardNumber(match: string): boolean {
  const digits = digitsOf(match);
  return issued.test(digits) && hasLuhnCheck(digits);
}

/** One branch for each length, so that a candidate is decided as soon as its country allows. */
const ibanSource = ibanCountries
  .map(
    ([length, countries]) =>
      `(?:${countries.replaceAll(' ', '|')})[0-9]{2}(?:[ \\-\\u00A0\\u202F]?[A-Z0-9]){${length - 4}}`,
  )
  .join('|');

export const iban: PatternKind = {
  name: 'iban',
  samples: ['DE89 3704 0044 0532 0130 00', 'GB29NWBK60161331926819', 'fr14 2004 1010 0505 0001 3m02 606'],
  sources: [{ source: ibanSource, ignoreCase: true, notAfter: touching, notBefore: touching, accept: isIban }],
  canonical: (match) => match.replaceAll(/[^A-Za-z0-9]/g, '').toUpperCase(),
};

const octet = '(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const group = '[0-9A-Fa-f]{0,4}';

const wordOfColons = { notAfter: '[\\p{L}\\p{N}_.:]', notBefore: touching, accept: isShownIpV6 };

export const ip: PatternKind = {
  name: 'ip',
  samples: ['192.168.10.254', '2001:db8::8a2e:370:7334', '::1', '::ffff:203.0.113.7'],
  sources: [
    { source: `${octet}(?:\\.${octet}){3}`, notAfter: '[\\p{L}\\p{N}_.]', notBefore: touching },
    { source: `${group}(?::${group}){2,8}`, maxCharacters: 39, ...wordOfColons },
    { source: `(?:${group}:){2,7}${octet}(?:\\.${octet}){3}`, maxCharacters: 45, ...wordOfColons },
  ],
  canonical: (match) => match.toLowerCase(),
};

/** Names of programs such as `a::b` are addresses too, so one with few groups must have a digit. */
function isShownIpV6(match: string): boolean {
  return isIpV6(match) && (/[0-9]/.test(match) || match.split(':').length > 4);
}
