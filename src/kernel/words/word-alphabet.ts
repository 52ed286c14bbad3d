import { foldedUnits, isSurrogate, wordUnits } from './text-folding.ts';

/** A class is a 16-bit number. */
const maxClasses = 0xffff;

// Classes of the units that are in no word.
const plainClass = 0;
const letterClass = 1;
const surrogateClass = 2;
const firstUnitClass = 3;

/** Code units in classes: one for each unit that occurs in words, in the order of units, and three for all others. */
export interface WordAlphabet {
  /** The class of each code unit, folding included. */
  readonly classes: Uint16Array;
  /** By class: 1 for letters, digits and "_". */
  readonly letters: Uint8Array;
  /** By class: the folded code unit, where the class has but one. */
  readonly units: Uint16Array;
  readonly width: number;
}

/** `words` are folded, unless case matters. Throws a RangeError when they use more characters than there are classes. */
export function classifyUnits(words: readonly string[], caseSensitive: boolean): WordAlphabet {
  const letterUnits = wordUnits();
  const classOf = new Uint32Array(letterUnits.length);
  for (const word of words) for (let index = 0; index < word.length; index += 1) classOf[word.charCodeAt(index)] = 1;
  const units: number[] = [0, 0, 0];
  for (let unit = 0; unit < classOf.length; unit += 1) {
    if (classOf[unit] === 1) classOf[unit] = units.push(unit) - 1;
    else classOf[unit] = isSurrogate(unit) ? surrogateClass : letterUnits[unit] === 1 ? letterClass : plainClass;
  }
  if (units.length > maxClasses) throw new RangeError('the words of the list use too many different characters');
  const folds = foldedUnits();
  const classes = new Uint16Array(classOf.length);
  for (let unit = 0; unit < classes.length; unit += 1) {
    classes[unit] = classOf[caseSensitive ? unit : (folds[unit] ?? unit)] ?? plainClass;
  }
  const letters = Uint8Array.from(units, (unit) => letterUnits[unit] ?? 0);
  letters[letterClass] = 1;
  return { classes, letters, units: Uint16Array.from(units), width: units.length };
}

/** Whether units of the class are halves of a pair. */
export function joinsSurrogates({ units }: WordAlphabet, label: number): boolean {
  return label === surrogateClass || (label >= firstUnitClass && isSurrogate(units[label] ?? 0));
}
