/** Countries by the length of their IBAN: those in the registry of SWIFT, and those that use one without an entry there. */
export const ibanCountries: readonly (readonly [length: number, countries: string])[] = [
  [15, 'NO'],
  [16, 'BE'],
  [18, 'DK FI FK FO GL NL SD'],
  [19, 'MK SI'],
  [20, 'AT BA EE KZ LT LU MN XK'],
  [21, 'CH HR LI LV'],
  [22, 'BG BH CR DE GB GE IE ME RS VA'],
  [23, 'AE GI IL IQ OM SO TL'],
  [24, 'AD CZ ES MD PK RO SA SE SK TN VG'],
  [25, 'AO CV GW LY MZ PT ST'],
  [26, 'DZ IR IS TR'],
  [27, 'BI CF CG CM DJ FR GA GQ GR IT KM MC MG MR SM TD'],
  [28, 'AL AZ BF BJ BY CI CY DO GT HN HU LB MA ML NE NI PL SN TG'],
  [29, 'BR EG PS QA UA'],
  [30, 'JO KW MU YE'],
  [31, 'MT SC'],
  [32, 'LC'],
  [33, 'RU'],
];

const lengths: ReadonlyMap<string, number> = new Map(
  ibanCountries.flatMap(([length, countries]) => countries.split(' ').map((country) => [country, length] as const)),
);

/**
 * True for an IBAN: the length of its country, and 1 as the rest of a division by 97. Case does not matter, and whatever
 * is no letter or digit of ASCII is skipped.
 */
export function isIban(text: string): boolean {
  const code = text.replaceAll(/[^A-Za-z0-9]/g, '').toUpperCase();
  if (lengths.get(code.slice(0, 2)) !== code.length || !/^[A-Z]{2}[0-9]{2}/.test(code)) return false;
  return remainder97(code.slice(4) + code.slice(0, 4)) === 1;
}

/** Letters count as two digits: A is 10, Z is 35. */
function remainder97(code: string): number {
  let rest = 0;
  for (let index = 0; index < code.length; index += 1) {
    const value = Number.parseInt(code.charAt(index), 36);
    rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
  }
  return rest;
}
