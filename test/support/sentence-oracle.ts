/*
 * The ends of the sentences of a whole text, found the slow way: every place is judged by looking at all that is in front
 * of it. It shares nothing with the product but the words of the rule.
 */

const soft = '.!?…‼⁇⁈⁉．։؟۔।॥።။។';
const hard = '。！？｡︒';
const closers = String.raw`"'”’»›)\]}*_${'`'}~」』）】》〉〕］｝｣＂＇\p{M}\p{Grapheme_Extend}\u200d\u0e33\u0eb3`;
const quotes = '“‘';
/** Nothing beyond the basic plane belongs to a mark, or is an initial. */
const basic = String.raw`(?![\u{10000}-\u{10ffff}])`;
const hardEnd = new RegExp(`[${hard}](?:${basic}[${soft}${hard}${closers}])*$`, 'u');
/** What may stand behind a soft mark, where there is no hard one. */
const softTail = new RegExp(`^(?:${basic}[${soft}${closers}${quotes}])*$`, 'u');
const belongsToEnd = new RegExp(`^[${soft}${hard}${closers}]$`, 'u');
const listNumber = /(?:^|[\n\r])[ \t>#*_-]{0,12}[0-9]{1,9}$/;
const singleLetter = new RegExp(String.raw`(?<![\p{L}\p{N}])${basic}[\p{Lu}\p{Ll}]$`, 'u');

export const oracleAbbreviations = 'mr mrs ms dr prof sr jr st vs etc fig eq approx al inc ltd co nr ca bzw usw'.split(
  ' ',
);

/** Each place behind a sentence; the end of the text may be one. */
export function sentenceEnds(text: string, abbreviations: readonly string[] = oracleAbbreviations): number[] {
  const abbreviated = new RegExp(`(?<![\\p{L}\\p{N}])(?:${['$.', ...abbreviations].join('|')})$`, 'iu');
  const isNoEnd = (before: string): boolean =>
    listNumber.test(before) || singleLetter.test(before) || abbreviated.test(before);
  const places: number[] = [];
  /** Places of the soft marks that count. */
  const marks: number[] = [];
  for (let place = 0; place <= text.length; place += 1) {
    const before = text.slice(0, place);
    const next = text.charAt(place);
    const isSpaced = next === '' || /\s/.test(next);
    const isHard = hardEnd.test(before);
    if (isHard ? !belongsToEnd.test(next) : isSpaced && marks.some((mark) => softTail.test(before.slice(mark))))
      places.push(place);
    if (next !== '' && soft.includes(next) && !isHard && !(next === '.' && isNoEnd(before))) marks.push(place);
  }
  return places;
}
