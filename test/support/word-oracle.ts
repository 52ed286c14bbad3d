/*
 * The word mask said again, slowly and without a line of the engine's code: every place of the text is compared with
 * every word.
 */

export interface OracleRules {
  readonly words: readonly string[];
  readonly wholeWords: boolean;
  /** One unit to one unit. */
  readonly fold: (text: string) => string;
  readonly mask: (match: string) => string;
}

export interface OracleResult {
  /** The masked text, as far as it is decided whatever comes next. */
  readonly decided: string;
  /** How many units at the end are not. */
  readonly held: number;
  readonly matches: number;
}

/** `isComplete` says that nothing follows the text. */
export function maskSlowly(text: string, isComplete: boolean, rules: OracleRules): OracleResult {
  const folded = rules.fold(text);
  const words = rules.words.map(rules.fold);
  let decided = '';
  let matches = 0;
  let place = 0;
  while (place < text.length) {
    const rest = folded.slice(place);
    const mayBegin = !rules.wholeWords || !isLetter([...folded.slice(0, place)].at(-1));
    const found = mayBegin ? words.filter((word) => rest.startsWith(word)) : [];
    if (!isComplete && mayBegin && words.some((word) => word.length > rest.length && word.startsWith(rest))) break;
    if (!isComplete && rules.wholeWords && found.some((word) => isUnknown(rest.slice(word.length)))) break;
    const valid = found.filter((word) => !rules.wholeWords || !isLetter([...rest.slice(word.length)].at(0)));
    const longest = Math.max(0, ...valid.map((word) => word.length));
    const end = place + Math.max(1, longest);
    const piece = text.slice(place, end);
    decided += longest > 0 ? rules.mask(piece) : piece;
    matches += longest > 0 ? 1 : 0;
    place = end;
  }
  return { decided, held: text.length - place, matches };
}

/** Whether the first code point of what follows a word is still unknown. */
function isUnknown(after: string): boolean {
  return after === '' || /^[\ud800-\udbff]$/.test(after);
}

function isLetter(character: string | undefined): boolean {
  return character !== undefined && /[\p{L}\p{N}_]/u.test(character);
}
