/** Which of the places in a text get something put in. */
export interface Recurrence {
  /** At each so many-th place. */
  readonly every: number;
  /** At most so often in one text. */
  readonly times: number;
}

/** Counts the places of one text. */
export class PlaceCount {
  /** How often something was put in. */
  taken = 0;
  readonly #every: number;
  readonly #times: number;
  #untilNext: number;

  constructor({ every, times }: Recurrence) {
    this.#every = every;
    this.#times = times;
    this.#untilNext = every;
  }

  /** Nothing is put in any more. */
  get isOver(): boolean {
    return this.taken >= this.#times;
  }

  /** The next place is one where something is put in. */
  get isDue(): boolean {
    return this.#untilNext === 1 && !this.isOver;
  }

  /** Takes the next place, and tells whether something is put in there. */
  take(): boolean {
    if (this.isOver) return false;
    this.#untilNext -= 1;
    if (this.#untilNext > 0) return false;
    this.#untilNext = this.#every;
    this.taken += 1;
    return true;
  }
}
