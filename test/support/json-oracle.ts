/*
 * Slow and simple rules about JSON in a text, for tests of what works on pieces. They look at whole texts only.
 */

/** True where some document begins with the text. */
export function isJsonPrefix(text: string): boolean {
  const rest = value(text.replace(blanks, ''));
  return rest === 'cut' || (rest !== 'wrong' && rest.replace(blanks, '') === '');
}

/** How many units of the text some document begins with. */
export function prefixLength(text: string, isPrefix: (prefix: string) => boolean): number {
  for (let length = 1; length <= text.length; length += 1) if (!isPrefix(text.slice(0, length))) return length - 1;
  return text.length;
}

export function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const blanks = /^[ \t\r\n]*/;
const number = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/;
const numberCut = /^-?(?:(?:0|[1-9][0-9]*)(?:\.|(?:\.[0-9]+)?[eE][+-]?))?$/;
const string = /^"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*"/;
const stringCut = /^"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*(?:\\(?:u[0-9a-fA-F]{0,3})?)?$/;

/** The text behind a value; `cut` where it ends within one. */
function value(text: string): string {
  if (text === '') return 'cut';
  if (text.startsWith('{')) return list(text.slice(1), '}', member);
  if (text.startsWith('[')) return list(text.slice(1), ']', value);
  if (text.startsWith('"')) return token(text, string, stringCut);
  for (const word of ['true', 'false', 'null']) {
    if (text.startsWith(word)) return text.slice(word.length);
    if (word.startsWith(text)) return 'cut';
  }
  return token(text, number, numberCut);
}

function token(text: string, whole: RegExp, cutOff: RegExp): string {
  if (cutOff.test(text)) return 'cut';
  const found = whole.exec(text);
  return found === null ? 'wrong' : text.slice(found[0].length);
}

function member(text: string): string {
  if (text === '') return 'cut';
  if (!text.startsWith('"')) return 'wrong';
  const key = token(text, string, stringCut);
  if (key === 'cut' || key === 'wrong') return key;
  const behind = key.replace(blanks, '');
  if (behind === '') return 'cut';
  return behind.startsWith(':') ? value(behind.slice(1).replace(blanks, '')) : 'wrong';
}

function list(text: string, end: string, item: (text: string) => string): string {
  let rest = text.replace(blanks, '');
  if (rest.startsWith(end)) return rest.slice(1);
  for (;;) {
    rest = item(rest);
    if (rest === 'cut' || rest === 'wrong') return rest;
    rest = rest.replace(blanks, '');
    if (rest === '') return 'cut';
    if (rest.startsWith(end)) return rest.slice(1);
    if (!rest.startsWith(',')) return 'wrong';
    rest = rest.slice(1).replace(blanks, '');
  }
}

const ends = ['', '"', 'rue', 'ue', 'e', 'alse', 'lse', 'se', 'ull', 'll', 'l'];

/** The longest part of a document that broke off which is a document again when brackets, a string and a word are closed. */
export function repaired(text: string): string {
  if (isJson(text) || !isJsonPrefix(text)) return text;
  for (let length = text.length; length > 0; length -= 1) {
    const kept = text.slice(0, length);
    for (const end of ends) {
      const document = kept + end + closers(kept);
      if (isJson(document)) return document;
    }
  }
  return text.replace(/-$/, '');
}

function closers(text: string): string {
  const open: string[] = [];
  for (const [mark] of text.matchAll(/"(?:[^"\\]|\\.)*"?|[{}[\]]/g)) {
    if (mark === '{') open.unshift('}');
    if (mark === '[') open.unshift(']');
    if (mark === '}' || mark === ']') open.shift();
  }
  return open.join('');
}

const opener =
  /^(?:\{[ \t\r\n]{0,64}(?:["}]|$)|\[[ \t\r\n]{0,64}(?:[\]{["\-0-9]|true|false|null|$|t$|tr$|tru$|f$|fa$|fal$|fals$|n$|nu$|nul$))/;
const scalar = /^(?:["]|true|false|null|t$|tr$|tru$|f$|fa$|fal$|fals$|n$|nu$|nul$)/;

/** What is left of a text with words around a document: an object or an array, or also a string or a word. */
export function extracted(text: string, scalars: boolean): string {
  for (let place = 0; place < text.length; place += 1) {
    const rest = text.slice(place);
    if (!opener.test(rest) && !(scalars && scalar.test(rest) && isOwnPlace(text.slice(0, place)))) continue;
    for (let end = 1; end <= rest.length; end += 1) if (isJson(rest.slice(0, end))) return rest.slice(0, end);
    return rest;
  }
  return '';
}

function isOwnPlace(before: string): boolean {
  return /^[ \t\r\n]*$/.test(before) || /(?:^|\n)[ \t\r]*```[^\n]*\n[ \t\r\n]*$/.test(before);
}
