import { isIPv6 } from 'node:net';

/*
 * The built-in patterns said again: with native regular expressions, which look behind and ahead, and with checks of
 * their own. For every place of a text each finder tells the end of the longest thing that begins there. Slow, and without
 * a line of the engine's code.
 */

/** The end of what begins at a place, or -1. */
type Finder = (text: string, place: number) => number;

/** The longest match of a greedy expression. */
export function greedy(expression: RegExp, isValid: (match: string) => boolean = () => true): Finder {
  const sticky = new RegExp(expression, `${expression.flags}y`);
  return (text, place) => {
    sticky.lastIndex = place;
    const match = sticky.exec(text)?.[0];
    return match !== undefined && isValid(match) ? place + match.length : -1;
  };
}

/** The longest of all texts that begin where `first` does and which `whole` and `isValid` take. */
function longest(first: RegExp, whole: readonly RegExp[], isValid: (match: string) => boolean, after: RegExp): Finder {
  const opening = new RegExp(first, `${first.flags}y`);
  return (text, place) => {
    opening.lastIndex = place;
    if (!opening.test(text)) return -1;
    for (let end = Math.min(text.length, place + 64); end > place; end -= 1) {
      const match = text.slice(place, end);
      if (after.test([...text.slice(end)][0] ?? '')) continue;
      if (whole.some((expression) => expression.test(match)) && isValid(match)) return end;
    }
    return -1;
  };
}

const plain = (text: string): string => text.normalize('NFKC');
const onlyDigits = (text: string): string => plain(text).replaceAll(/[^0-9]/g, '');
const wordCharacter = /^[\p{L}\p{N}_]/u;

const addressLetter = 'A-Za-z\u00c0-\u024f\u0370-\u03ff\u0400-\u052fＡ-Ｚａ-ｚ';
const addressCharacter = `${addressLetter}0-9０-９`;
const localCharacter = `[${addressCharacter}._%+．＿-]`;
const findEmail = greedy(
  new RegExp(
    `(?<!${localCharacter})(?=[^@＠]*[${addressCharacter}][^@＠]*[@＠])${localCharacter}{1,64}[@＠](?:[${addressCharacter}-]+[.．])+(?:xn--[a-z0-9-]+|[${addressLetter}]{2,})`,
  ),
  (match) => !/@[1-4]x\.(?:pn|png|jp|jpe|jpg|jpeg|gi|gif|we|web|webp|sv|svg)$/i.test(match.replace('＠', '@')),
);

function passesLuhn(digits: string): boolean {
  const doubled = ['0', '2', '4', '6', '8', '1', '3', '5', '7', '9'];
  const changed = [...digits]
    .toReversed()
    .map((digit, index) => (index % 2 === 1 ? (doubled[Number(digit)] ?? '') : digit));
  return changed.reduce((sum, digit) => sum + Number(digit), 0) % 10 === 0;
}
const findCard = longest(
  /(?<![\p{L}\p{N}_.,])[0-9０-９]/u,
  [/^[0-9０-９](?:[ \u00a0\u202f\u3000\u2010\u2011\u2013－-]?[0-9０-９]){12,18}$/],
  (match) => {
    const digits = onlyDigits(match);
    return /^(?:2[12-7]|3|4|5|6|81|9792)/.test(digits) && passesLuhn(digits);
  },
  wordCharacter,
);

const countryLengths = new Map([
  ['DE', 22],
  ['GB', 22],
  ['NO', 15],
  ['BE', 16],
  ['FR', 27],
  ['MT', 31],
]);
const findIban = longest(
  /(?<![\p{L}\p{N}_])[A-Za-z]{2}[0-9]{2}/u,
  [/^[A-Z]{2}[0-9]{2}(?:[ \u00a0\u202f-]?[A-Z0-9])+$/i],
  (match) => {
    const code = match.replaceAll(/[ \u00a0\u202f-]/g, '').toUpperCase();
    if (countryLengths.get(code.slice(0, 2)) !== code.length) return false;
    const numbers = [...code.slice(4), ...code.slice(0, 4)].map((sign) => String(Number.parseInt(sign, 36)));
    return BigInt(numbers.join('')) % 97n === 1n;
  },
  wordCharacter,
);

const isV4 = (text: string): boolean =>
  text.split('.').every((part) => Number(part) <= 255 && String(Number(part)) === part);
const findIpV4 = longest(/(?<![\p{L}\p{N}_.])[0-9]/u, [/^[0-9]{1,3}(?:\.[0-9]{1,3}){3}$/], isV4, wordCharacter);
const findIpV6 = longest(
  /(?<![\p{L}\p{N}_.:])[0-9A-Fa-f:]/u,
  [/^[0-9A-Fa-f:.]+$/],
  (match) => isIPv6(match) && (/[0-9]/.test(match) || match.split(':').length >= 5),
  wordCharacter,
);

const between = '[ .\u00a0\u2010\u2011\u2013\u202f\u3000－-]';
const phoneForms = [
  '\\([2-9][0-9]{2}\\) ?[2-9][0-9]{2}S[0-9]{4}',
  '1S\\([2-9][0-9]{2}\\) ?[2-9][0-9]{2}S[0-9]{4}',
  '(?:1S)?[2-9][0-9]{2}S[2-9][0-9]{2}S[0-9]{4}',
  '0[1-9](?:[ .\u00a0-][0-9]{2}){4}',
  '0[1-9][0-9]{8,9}',
  '01[567][0-9]{9}',
  '1[3-9][0-9]{9}',
  '1[3-9][0-9]S[0-9]{4}S[0-9]{4}',
  '[6-9][0-9]{4}[ -][0-9]{5}',
  '\\([0-9]{2}\\) ?9?[0-9]{4}-[0-9]{4}',
].map((form) => new RegExp(`^${form.replaceAll('S', between)}$`));
const trunkForm =
  /^(?:0[1-9][0-9]{1,4}[ /\u00a0\u2011\u2013-]|\(0[1-9][0-9]{1,4}\) ?)[0-9]{2,9}(?:[ \u00a0\u2011\u2013-][0-9]{2,5}){0,3}$/;
const zeroForm = /^00[1-9](?:[ ./()\u00a0\u2010\u2011\u2013\u202f\u3000（）－-]{0,3}[0-9]){7,14}$/;
const plusForm = /^\+[1-9](?:[ ./()\u00a0\u2010\u2011\u2013\u202f\u3000（）－-]{0,3}[0-9]){7,14}$/;
function isPhone(match: string): boolean {
  const text = match.replaceAll(/[０-９＋]/g, plain);
  const count = onlyDigits(match).length;
  if (plusForm.test(text)) return !(count < 10 && /^\+[0-9]*\.[0-9]*$/.test(text));
  if (zeroForm.test(text)) return /[^0-9]/.test(text);
  if (trunkForm.test(text) && count >= 9 && count <= 12) return true;
  return phoneForms.some((form) => form.test(text));
}
const findNational = longest(/(?<![\p{L}\p{N}_.,])[0-9０-９(]/u, [/^[^+＋]/], isPhone, wordCharacter);
const findInternational = longest(/(?<![\p{L}\p{N}_+＋])[+＋]/u, [/^[+＋]/], isPhone, wordCharacter);

const findKeys = [
  greedy(/(?<![A-Za-z0-9_-])sk-[A-Za-z0-9_-]{20,}/, (match) => /[0-9]/.test(match)),
  greedy(/(?<![A-Za-z0-9_-])(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9_-])/),
  greedy(/(?<![A-Za-z0-9_-])AIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])/),
  greedy(/(?<![A-Za-z0-9_-])gh[pousr]_[A-Za-z0-9]{36,}/),
  greedy(/(?<![A-Za-z0-9_-])xox[a-z](?:\.xox[bp])?-[A-Za-z0-9-]{9,}[A-Za-z0-9]/),
  greedy(/(?<![A-Za-z0-9_-])(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,}/),
];
const findTokens = [
  greedy(/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)?/),
  greedy(/(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+){3}/),
];

const blank = '(?:[ \\t\\r\\n]|\\\\[rn])';
const privateKeyOf = (header: string, end: string): Finder =>
  greedy(
    new RegExp(
      `-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:${blank}+[A-Za-z-]+: [A-Za-z0-9,.-]${header})*(?:${blank}+[A-Za-z0-9+/=]{20,})*(?:${blank}*[A-Za-z0-9+/=]*${blank}*-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)${end}`,
    ),
  );
/** A header may end in dashes, or the end of the key may begin with them: the longer one of both counts. */
const findPrivateKey = [privateKeyOf('+', '?'), privateKeyOf('+?', '')];

/** By the name of the kind. Of keys those forms that the generators make. */
export const slowFinders: Readonly<Record<string, readonly Finder[]>> = {
  email: [findEmail],
  'credit-card': [findCard],
  iban: [findIban],
  phone: [findInternational, findNational],
  ip: [findIpV4, findIpV6],
  'api-key': findKeys,
  jwt: findTokens,
  'private-key': findPrivateKey,
};

export interface SlowRule {
  /** In the order of the config; of equally long matches the first one counts. */
  readonly finders: readonly (readonly [name: string, finder: Finder])[];
  /** Undefined ends the text before the first match. */
  readonly mark: (match: string, name: string) => string | undefined;
}

export function replaceSlowly(text: string, { finders, mark }: SlowRule): string {
  let changed = '';
  for (let place = 0; place < text.length;) {
    const isInsidePair = /^[\ud800-\udbff][\udc00-\udfff]/.test(text.slice(Math.max(0, place - 1)));
    const found = (isInsidePair && place > 0 ? [] : finders).map(([name, finder]) => ({
      name,
      end: finder(text, place),
    }));
    const end = Math.max(-1, ...found.map((one) => one.end));
    if (end <= place) {
      changed += text.charAt(place);
      place += 1;
      continue;
    }
    const name = found.find((one) => one.end === end)?.name ?? '';
    const put = mark(text.slice(place, end), name);
    if (put === undefined) return changed;
    changed += put;
    place = end;
  }
  return changed;
}
