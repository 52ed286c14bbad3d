import { isHighSurrogate } from '../words/text-folding.ts';

/*
 * Finds text that runs away: the same unit of at least `minUnit` and at most `maxUnit` code units, `times` times in a
 * row, as the end of what was read. Exactly: the text repeats behind p code units when, for some length L of a unit, the
 * last `times * L` of them are so that each equals the one L before it, where there is one among them. Not judged is a
 * place behind a high surrogate, which may be the middle of a character.
 *
 * A unit that repeats makes a run: places in a row at which the text equals itself L earlier; `times - 1` units of it are
 * looked for. Every run that is long enough covers `step` places in a row before a multiple of `step`, so only at those
 * multiples all lengths are tried, and a run that was found is followed to its end.
 */

/** The most code units between two looks for new runs. */
const maxStep = 64;
/** Code units that are read before the older ones are thrown away. */
const slack = 256;

export interface RepetitionRule {
  /** Code units, at least 1. */
  readonly minUnit: number;
  readonly maxUnit: number;
  /** At least 2. */
  readonly times: number;
}

/** Reads one text; keeps about `2 * maxUnit` bytes of it. */
export class RepetitionDetector {
  readonly #rule: RepetitionRule;
  readonly #step: number;
  readonly #kept: number;
  readonly #units: Uint16Array;
  #end = 0;
  #untilLook: number;
  /** The runs that are followed: lengths of their units, and how many places each still has to last. */
  readonly #lengths: number[] = [];
  readonly #missing: number[] = [];

  constructor(rule: RepetitionRule) {
    const shortestRun = (rule.times - 1) * rule.minUnit;
    this.#rule = rule;
    this.#step = Math.min(maxStep, Math.floor((shortestRun + 1) / 2));
    this.#kept = rule.maxUnit + 2 * this.#step;
    this.#units = new Uint16Array(this.#kept + slack);
    this.#untilLook = this.#step;
  }

  /** The index behind the repetition that is complete first, or -1. */
  read(chunk: string, to: number): number {
    const units = this.#units;
    let index = 0;
    while (index < to) {
      if (this.#end === units.length) this.#forget();
      let stop = Math.min(to, index + this.#untilLook, index + units.length - this.#end);
      // A run has to be followed unit by unit.
      if (this.#lengths.length > 0) stop = index + 1;
      this.#untilLook -= stop - index;
      let end = this.#end;
      for (; index < stop; index += 1, end += 1) units[end] = chunk.charCodeAt(index);
      this.#end = end;
      let isRepeated = this.#lengths.length > 0 && this.#follow();
      if (this.#untilLook === 0) isRepeated = this.#look() || isRepeated;
      if (isRepeated && !isHighSurrogate(units[this.#end - 1] ?? 0)) return index;
    }
    return -1;
  }

  #forget(): void {
    this.#units.copyWithin(0, this.#end - this.#kept, this.#end);
    this.#end = this.#kept;
  }

  /** Goes on with each run by the last unit. True when one has lasted long enough. */
  #follow(): boolean {
    const units = this.#units;
    const last = this.#end - 1;
    const unit = units[last];
    let isRepeated = false;
    let kept = 0;
    for (let run = 0; run < this.#lengths.length; run += 1) {
      const length = this.#lengths[run] ?? 0;
      if (units[last - length] !== unit) continue;
      const missing = (this.#missing[run] ?? 0) - 1;
      this.#lengths[kept] = length;
      this.#missing[kept] = missing;
      kept += 1;
      if (missing <= 0) isRepeated = true;
    }
    this.#lengths.length = kept;
    this.#missing.length = kept;
    return isRepeated;
  }

  /** Finds the runs that began since the look before the last. True when one has lasted long enough already. */
  #look(): boolean {
    const { minUnit, maxUnit, times } = this.#rule;
    const units = this.#units;
    const last = this.#end - 1;
    const unit = units[last];
    let isRepeated = false;
    this.#untilLook = this.#step;
    for (let length = minUnit, longest = Math.min(maxUnit, last); length <= longest; length += 1) {
      if (units[last - length] !== unit) continue;
      const lasted = this.#lasted(length);
      // A longer one is followed already.
      if (lasted < this.#step || lasted >= 2 * this.#step) continue;
      const missing = (times - 1) * length - lasted;
      this.#lengths.push(length);
      this.#missing.push(missing);
      if (missing <= 0) isRepeated = true;
    }
    return isRepeated;
  }

  /** How many places the run of a length has lasted; not counted further than it matters. */
  #lasted(length: number): number {
    const units = this.#units;
    const end = this.#end;
    const most = Math.min(2 * this.#step, end - length);
    let places = 1;
    while (places < most && units[end - 1 - places] === units[end - 1 - places - length]) places += 1;
    return places;
  }
}
