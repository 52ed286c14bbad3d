/** The same list on each machine and in each run: a small linear congruential generator. */
function numbers(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 0x1_0000_0000) * below);
  };
}

const onsets = [
  'b',
  'br',
  'c',
  'd',
  'dr',
  'f',
  'g',
  'gr',
  'h',
  'j',
  'k',
  'l',
  'm',
  'n',
  'p',
  'pr',
  'qu',
  'r',
  's',
  'st',
  't',
  'tr',
  'v',
  'w',
  'z',
];
const vowels = ['a', 'e', 'i', 'o', 'u', 'au', 'ei', 'ou'];
const codas = ['', 'l', 'n', 'r', 's', 'x', 'nd', 'rk'];

const pick = (from: readonly string[], next: (below: number) => number): string => from[next(from.length)] ?? '';

function madeUpWord(next: (below: number) => number): string {
  const syllables = 2 + next(3);
  let word = '';
  for (let index = 0; index < syllables; index++) word += pick(onsets, next) + pick(vowels, next) + pick(codas, next);
  // No text of the bench has two x in a row: the word begins like real ones, so text is held back, but never matches.
  return `${word}xx`;
}

/** `count` different made-up words that read like a language. */
export function wordList(count: number, seed: number): string[] {
  const next = numbers(seed);
  const words = new Set<string>();
  for (let tries = 0; words.size < count && tries < count * 10; tries++) words.add(madeUpWord(next));
  return [...words];
}
