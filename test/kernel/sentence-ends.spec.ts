import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { commonAbbreviations, SentenceEnds } from '../../src/kernel/sentence-ends.ts';
import { oracleAbbreviations, sentenceEnds } from '../support/sentence-oracle.ts';
import { cut, lawCases } from '../support/law.ts';

/** The ends of a text that comes in pieces. */
function endsOf(pieces: readonly string[]): number[] {
  const ends = new SentenceEnds();
  const places: number[] = [];
  let read = 0;
  for (const piece of pieces) {
    for (let place = ends.next(piece, 0); place >= 0; place = ends.next(piece, place + 1)) places.push(read + place);
    ends.leave(piece, piece.length);
    read += piece.length;
  }
  return ends.end() ? [...places, read] : places;
}

describe('sentences', () => {
  it.each<[string, string]>([
    ['end before white space', 'One.| Two!| Three?|\nFour|'.slice(0, -1)],
    ['end with all their marks', 'Well...| Hm…| What?!| No!!|'],
    ['end behind what closes them', 'He said "No."| (Twice!)| **Yes.**| “So.”| [End.]|'],
    ['end behind German and English quotes', '„Gut.“| Dann “so.”| Nun ‚ja.‘|'],
    ['end without white space in Chinese and Japanese', '你好。|再见！|「行？」|好。|“是。”|他说｡|3个'],
    ['end with emoji of marks', 'Wow‼\ufe0f| Really⁉\ufe0f|'],
    ['end in other scripts', 'هل هذا؟| نعم۔| अच्छा।| ሰላም።| այո։|'],
    ['do not end within numbers and names', 'v1.2 of a.b@c.de is 3.14 or ３．１４ in file.txt'],
    ['do not end at abbreviations', 'Dr. No and PROF. X vs. Y, bzw. Z, etc. xdr.| End'],
    ['do not end at initials', 'J. S. Bach, e.g. in the U.S. or z. B. here, Ph.D. too, (a. o.) ƍ. _É. Zola_'],
    ['end at letters without a case and at digits', '我.| 7 of 8.| x9.| 𠀀e.| Y'],
    [
      'do not end at the numbers of a list',
      '1. One.|\n  22. Two.|\n> 3. Three in 1999.|\n**4.** Four\n## 5. Five 6.| x',
    ],
    ['do not end within an accented mark', '好。\u0301|好.\u0301|'],
    ['never begin at the start', ' ) " a'],
  ])('%s', (_name, marked) => {
    const text = marked.replaceAll('|', '');
    const places = marked.split('|').slice(0, -1);
    const expected = places.map((_part, index) => places.slice(0, index + 1).join('').length);
    expect(endsOf([text])).toEqual(expected);
    expect(endsOf(text.split(''))).toEqual(expected);
    expect(sentenceEnds(text)).toEqual(expected);
  });

  const parts = [...commonAbbreviations.slice(0, 4), ...'Ja 12 . . ! … 。 ！ ． " “ ’ ) * _ - > # \u0301 x'.split(' ')];
  const texts = fc
    .array(fc.constantFrom(...parts, ' ', '\n', '. ', '😀', '\ud83d', ' '.repeat(12), '1234567890', 'x'.repeat(22)), {
      maxLength: 14,
    })
    .map((all) => all.join(''));

  it('are the same whatever the cuts', () => {
    fc.assert(
      fc.property(texts, fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 6 }), (text, lengths) => {
        expect(endsOf(cut(text, lengths))).toEqual(sentenceEnds(text));
      }),
      { numRuns: Math.ceil(lawCases / 10) },
    );
  });

  it('know the same abbreviations as their oracle', () => {
    expect(commonAbbreviations).toEqual(oracleAbbreviations);
  });

  it('are found in hostile texts, fast', () => {
    for (const part of ['.', '。', 'a.', '1', ' ', '"', '.“', '。“'])
      expect(endsOf([part.repeat(1_000_000 / part.length)]).length).toBeLessThanOrEqual(500_000);
  });
});
