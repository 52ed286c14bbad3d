import { seeded, skewed, type Random } from './random.ts';

/*
 * Ordinary English prose, made up and the same in each run: sentences with names, numbers, prices, years and quotes, in
 * paragraphs. Nothing in it is personal data, and nothing repeats.
 */

const words = (
  'the of and a to in is that it for was on with as be at by this had not are but from or have an they which one you ' +
  'were all her she there would their we him been has when who will no more if out so up said what its about than into ' +
  'them can only other time new some could these two may first then do any like my now over such our man me even most ' +
  'made after also did many off before must well back through years much where your way down should because long each ' +
  'just state people those too mr how little good world make very year still see own work men day get here old life ' +
  'both between being under three never know same last another while us might great go come since against right came ' +
  'take used himself few house American use place during high without again home around small however found part school ' +
  'once general upon every left public number course war until always away something fact water though less put think ' +
  'almost hand enough far took head yet government system better set told nothing night end why called eyes find going ' +
  'look asked later knew point next program city business give group toward young days let room word side social ' +
  'face possible present given order several national important large children often rather second power early case'
).split(' ');
const names = ['Anna', 'Berlin', 'Carver', 'Delphi', 'Evans', 'Monday', 'Oslo', 'Peru', 'Quentin', 'Thames'];
const stops = ['.', '.', '.', '.', '?', '!', ';', ':'];

function number(random: Random): string {
  const kind = Math.floor(random() * 5);
  const value = Math.floor(random() * 1_000);
  if (kind === 0) return String(1_800 + (value % 230));
  if (kind === 1) return `$${value}.${10 + (value % 90)}`;
  if (kind === 2) return `${value % 24}:${10 + (value % 50)}`;
  if (kind === 3) return `${value % 100} %`;
  return String(value);
}

function word(random: Random): string {
  const kind = random();
  if (kind < 0.03) return number(random);
  if (kind < 0.07) return skewed(names, random);
  const plain = skewed(words, random);
  if (kind < 0.09) return `"${plain}"`;
  if (kind < 0.1) return `${plain}-${skewed(words, random)}`;
  return kind < 0.16 ? `${plain},` : plain;
}

function sentence(random: Random): string {
  const length = 4 + Math.floor(random() * 18);
  const text = Array.from({ length }, () => word(random)).join(' ');
  return text.charAt(0).toUpperCase() + text.slice(1).replace(/,$/, '') + skewed(stops, random);
}

/** At least `units` of prose. */
export function prose(units: number, seed: number): string {
  const random = seeded(seed);
  const parts: string[] = [];
  for (let length = 0; length < units;) {
    const part = sentence(random) + (random() < 0.2 ? '\n\n' : ' ');
    parts.push(part);
    length += part.length;
  }
  return parts.join('');
}

/** Exactly `count` pieces of prose as a model sends them: mostly a word with the space before it. */
export function proseTokens(count: number, seed: number): string[] {
  const pieces = prose(count * 8, seed).match(/ ?[\p{L}\p{N}]{1,8}|\s+|[^\s\p{L}\p{N}]+/gu) ?? [];
  if (pieces.length < count) throw new RangeError('the prose is too short');
  return pieces.slice(0, count);
}
