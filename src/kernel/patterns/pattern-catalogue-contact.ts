import { digitsOf } from './luhn.ts';
import type { KindSource, PatternKind } from './pattern-kind.ts';

/*
 * Full-width forms of ASCII count as ASCII where people type them: in e-mail addresses and phone numbers. Letters of an
 * e-mail address are Latin, Greek and Cyrillic: scripts that are written without spaces would take the words beside an
 * address for parts of it.
 */

const digit = '[0-9\\uFF10-\\uFF19]';
const letters = 'A-Za-z\\u00C0-\\u024F\\u0370-\\u03FF\\u0400-\\u052F\\uFF21-\\uFF3A\\uFF41-\\uFF5A';
const lettersAndDigits = `${letters}0-9\\uFF10-\\uFF19`;
const local = `[${lettersAndDigits}._%+\\-\\uFF0E\\uFF3F]`;
const dot = '[.\\uFF0E]';

/** Longest address that mail servers take (RFC 5321). */
const maxAddress = 254;

export const email: PatternKind = {
  name: 'email',
  samples: ['ann.lee@example.com', 'a+tag@mail.example.co.uk', 'jörg@münchen.de', 'ａｎｎ＠ｅｘａｍｐｌｅ．ｃｏｍ'],
  sources: [
    {
      source: `${local}{1,64}[@\\uFF20](?:[${lettersAndDigits}\\-]+${dot})+(?:[${letters}]{2}[${letters}]*|xn--[a-z0-9\\-]+)`,
      maxCharacters: maxAddress,
      notAfter: local,
      accept: isAddress,
    },
  ],
  canonical: (match) => match.normalize('NFKC').toLowerCase(),
};

/** Rejects a part before the "@" without a letter or digit, and file names such as `logo@2x.png`, also up to `.pn`. */
function isAddress(match: string): boolean {
  const end = match.search(/[@\uFF20]/);
  const isFile = /^[1-4]x\.(?:png?|jpe?g?|gif?|web?p?|svg?)$/i.test(match.slice(end + 1));
  return !isFile && /[\p{L}\p{N}]/u.test(match.slice(0, end));
}

/** What may stand between the digits of a number: blanks, dashes, dots, strokes, brackets. */
const separators = ' .\\-/()\\u00A0\\u2010\\u2011\\u2013\\u202F\\u3000\\uFF08\\uFF09\\uFF0D';
const gap = '[ .\\-\\u00A0\\u2010\\u2011\\u2013\\u202F\\u3000\\uFF0D]';
const touching = '[\\p{L}\\p{N}_]';
/** A number behind a point or a comma is the rest of a decimal. */
const touchingOrPoint = '[\\p{L}\\p{N}_.,]';

/** A digit from `low` to `high`, of either width. */
const from = (low: number, high: number): string =>
  `[${low}-${high}${String.fromCharCode(0xff10 + low)}-${String.fromCharCode(0xff10 + high)}]`;
const zero = from(0, 0);
const one = from(1, 1);
const digits = (count: string): string => `${digit}{${count}}`;
const areaCode = `${zero}${from(1, 9)}${digits('1,4')}`;
const groups = `(?:[ \\-\\u00A0\\u2011\\u2013]${digits('2,5')}){0,3}`;
const upTo15 = `(?:[${separators}]{0,3}${digit}){7,14}`;

const national = (source: string, accept?: KindSource['accept']): KindSource => ({
  source,
  notAfter: touchingOrPoint,
  notBefore: touching,
  ...(accept !== undefined && { accept }),
});

export const phone: PatternKind = {
  name: 'phone',
  samples: [
    '+49 30 1234567',
    '+1 (555) 123-4567',
    '0049 (0)30 1234-567',
    '(212) 555-0123',
    '212-555-0123',
    '020 7946 0958',
    '030/1234567',
    '07700900123',
    '06 12 34 56 78',
    '98765 43210',
    '13800138000',
    '138-0013-8000',
    '(11) 91234-5678',
  ],
  sources: [
    {
      source: `[+\\uFF0B]${from(1, 9)}${upTo15}`,
      notAfter: '[\\p{L}\\p{N}_+\\uFF0B]',
      notBefore: touching,
      accept: isInternational,
    },
    // With 00 in place of +. One without any separator is too often some other number.
    national(`${zero}{2}${from(1, 9)}${upTo15}`, hasSeparator),
    // North America: three, three and four digits.
    national(`(?:${one}${gap})?\\(${from(2, 9)}${digits('2')}\\) ?${from(2, 9)}${digits('2')}${gap}${digits('4')}`),
    national(`(?:${one}${gap})?(?:${from(2, 9)}${digits('2')}${gap}){2}${digits('4')}`),
    // A trunk zero, and a separator behind the area code: most of Europe, Japan, Australia.
    national(
      `(?:${areaCode}[ \\-/\\u00A0\\u2011\\u2013]|\\(${areaCode}\\) ?)${digits('2,9')}${groups}`,
      hasNationalLength,
    ),
    // Five pairs, as in France.
    national(`${zero}${from(1, 9)}(?:[ .\\-\\u00A0]${digits('2')}){4}`),
    // A trunk zero and no separator.
    national(`${zero}${from(1, 9)}${digits('8,9')}`),
    national(`${zero}${one}${from(5, 7)}${digits('9')}`),
    // Mobile numbers of China and India.
    national(`${one}${from(3, 9)}${digits('9')}`),
    national(`${one}${from(3, 9)}${digit}${gap}${digits('4')}${gap}${digits('4')}`),
    national(`${from(6, 9)}${digits('4')}[ \\-]${digits('5')}`),
    // Brazil.
    national(`\\(${digits('2')}\\) ?${from(9, 9)}?${digits('4')}-${digits('4')}`),
  ],
  canonical: (match) => {
    const number = digitsOf(match);
    if (/^[+\uFF0B]/.test(match)) return `+${number}`;
    return number.startsWith('00') ? `+${number.slice(2)}` : number;
  },
};

/** Rejects a decimal with its sign, in digits of either width: a number with one separator, a point, has at least ten. */
function isInternational(match: string): boolean {
  const count = digitsOf(match).length;
  return count <= 15 && (count >= 10 || !/^.[0-9\uFF10-\uFF19]+\.[0-9\uFF10-\uFF19]+$/.test(match));
}

function hasSeparator(match: string): boolean {
  return digitsOf(match).length < match.length;
}

/** With its trunk zero. Dates and short codes have fewer digits. */
function hasNationalLength(match: string): boolean {
  const { length } = digitsOf(match);
  return length >= 9 && length <= 12;
}
