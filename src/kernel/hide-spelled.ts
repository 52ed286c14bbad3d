/** Characters with which an escaped character begins; a form has `+` for a blank. */
const escapeMarks = '%\\&+';
const neverEscaped = /[A-Za-z0-9]/;
const namesInPages: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&apos;'],
]);
const none: readonly number[] = [];

export interface Hiding {
  /** What stands in place of the secret. */
  readonly shown: string;
  /** So many characters of the secret at the end of a text count as the secret, which was cut with the text. */
  readonly shortest: number;
}

/**
 * Hides a secret in a text, whichever of its characters are escaped: as in an address or a form (`%2B`), in JSON (`\"`,
 * `\u002b`), or in a page (`&#43;`, `&amp;`). Letters and digits stand for themselves. The very text where it is not in it.
 */
export function hideSpelled(text: string, secret: string, { shown, shortest }: Hiding): string {
  const first = secret.charAt(0);
  let result = '';
  let from = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (character !== first && !escapeMarks.includes(character)) continue;
    const end = endOfSecret(text, at, secret, shortest);
    if (end === undefined) continue;
    result += text.slice(from, at) + shown;
    from = end;
    at = end - 1;
  }
  return from === 0 ? text : result + text.slice(from);
}

/** Where the secret that begins at `start` ends, or undefined where none does. */
function endOfSecret(text: string, start: number, secret: string, shortest: number): number | undefined {
  let places: readonly number[] = [start];
  for (let index = 0; index < secret.length; index += 1) {
    if (index >= shortest && places.includes(text.length)) return text.length;
    places = behind(text, places, secret.charAt(index));
    if (places.length === 0) return undefined;
  }
  return Math.max(...places);
}

/** Where the next character may begin: two places where one spelling begins as the other one ends, such as `%` and `%25`. */
function behind(text: string, places: readonly number[], character: string): readonly number[] {
  const [place] = places;
  if (place !== undefined && places.length === 1) return behindOne(text, place, character);
  return [...new Set(places.flatMap((each) => behindOne(text, each, character)))];
}

function behindOne(text: string, at: number, character: string): readonly number[] {
  const plain = text.startsWith(character, at) ? [at + character.length] : none;
  if (neverEscaped.test(character) || at >= text.length || !escapeMarks.includes(text.charAt(at))) return plain;
  const escaped = spellingsOf(character).flatMap((spelling) => {
    // At the end of the text a part of it is enough: it was cut there.
    const part = text.slice(at, at + spelling.length).toLowerCase();
    return spelling.startsWith(part) ? at + part.length : [];
  });
  return escaped.length === 0 ? plain : [...plain, ...escaped];
}

/** In small letters. */
function spellingsOf(character: string): readonly string[] {
  const code = character.charCodeAt(0);
  const hex = code.toString(16);
  const named = namesInPages.get(character);
  return [
    Buffer.from(character).toString('hex').replace(/../g, '%$&'),
    `%${hex.padStart(2, '0')}`,
    `\\u${hex.padStart(4, '0')}`,
    `\\${character}`,
    `&#${code};`,
    `&#x${hex};`,
    ...(named === undefined ? [] : [named]),
    ...(character === ' ' ? ['+'] : []),
  ];
}
