import { within } from './turn.ts';

/** Things that happen one after another, to look at (`items`) or to await one by one (`next`), early or late. */
export class Arrivals<T> {
  readonly items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];
  #taken = 0;

  push(item: T): void {
    this.items.push(item);
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    this.#taken += 1;
    waiting(item);
  }

  /** The first item that no earlier call got; rejects after some real seconds with `what` it was to be. */
  async next(what: string): Promise<T> {
    if (this.#taken < this.items.length) {
      const item = this.items[this.#taken];
      this.#taken += 1;
      return item as T;
    }
    let waiting: ((item: T) => void) | undefined;
    const arrival = new Promise<T>((resolve) => this.#waiting.push((waiting = resolve)));
    try {
      return await within(arrival, what);
    } catch (error) {
      this.#waiting.splice(
        this.#waiting.findIndex((entry) => entry === waiting),
        1,
      );
      throw error;
    }
  }
}
