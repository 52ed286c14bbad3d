import type { ReplacementRule } from '../../src/kernel/patterns/replacement-rules.ts';

/*
 * Replacement said again, slowly and without a line of the engine's code: at every place of the text, every end is tried
 * with every rule, on native regular expressions.
 */

const letter = /^[\p{L}\p{N}_]$/u;

export interface SlowReplacer {
  (text: string): string;
}

/** `fold` makes texts equal that are the same to a rule with `find` and `ignoreCase`. */
export function replaceSlowly(rules: readonly ReplacementRule[], fold: (text: string) => string): SlowReplacer {
  const judges = rules.map((rule) => judgeOf(rule, fold));
  return (text) => {
    let left = '';
    let place = 0;
    while (place < text.length) {
      const found = longestAt(text, place, rules, judges);
      left += found?.text ?? text.charAt(place);
      place = found?.end ?? place + 1;
    }
    return left;
  };
}

type Judge = (match: string) => boolean;

function judgeOf(
  { find, pattern, ignoreCase = false, maxCharacters = Infinity }: ReplacementRule,
  fold: (text: string) => string,
): Judge {
  if (find !== undefined) return (match) => (ignoreCase ? fold(match) === fold(find) : match === find);
  const whole = new RegExp(`^(?:${pattern})$`, ignoreCase ? 'iu' : 'u');
  return (match) => match.length <= maxCharacters && whole.test(match);
}

function longestAt(
  text: string,
  start: number,
  rules: readonly ReplacementRule[],
  judges: readonly Judge[],
): { end: number; text: string } | undefined {
  if (splitsPair(text, start)) return undefined;
  for (let end = text.length; end > start; end -= 1) {
    if (splitsPair(text, end)) continue;
    const match = text.slice(start, end);
    const number = judges.findIndex((judge, index) => {
      const isTouched = isLetter([...text.slice(0, start)].at(-1)) || isLetter([...text.slice(end)].at(0));
      return judge(match) && !(rules[index]?.wholeWords === true && isTouched);
    });
    const rule = rules[number];
    if (rule !== undefined) return { end, text: newText(rule, match) };
  }
  return undefined;
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && letter.test(character);
}

function splitsPair(text: string, place: number): boolean {
  return /[\ud800-\udbff]$/.test(text.slice(0, place)) && /^[\udc00-\udfff]/.test(text.slice(place));
}

/** The native templates are those of the modifier. */
function newText({ find, pattern, ignoreCase = false, with: template }: ReplacementRule, match: string): string {
  if (find !== undefined) return template;
  return match.replace(new RegExp(`^(?:${pattern})$`, ignoreCase ? 'iu' : 'u'), template);
}
