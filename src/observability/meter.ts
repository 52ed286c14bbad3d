import type { Meter } from '../kernel/run.ts';

/** Names come from the code, so there are few; a name made from data would otherwise grow without end. */
const MAX_NAMES = 1_024;
/** Counts what was dropped because of too many names. */
const DROPPED = 'meter_names_dropped';

/** The meter of the process: plain numbers, read by the health and metrics pages. */
export class NumberMeter implements Meter {
  readonly #counts = new Map<string, number>();

  count(name: string, amount = 1): void {
    const before = this.#counts.get(name);
    if (before === undefined && this.#counts.size >= MAX_NAMES) {
      this.#counts.set(DROPPED, this.value(DROPPED) + 1);
      return;
    }
    this.#counts.set(name, (before ?? 0) + amount);
  }

  /** 0 for a name that was never counted. */
  value(name: string): number {
    return this.#counts.get(name) ?? 0;
  }

  /** All numbers by name, in the order of the names; a copy that stays as it is. */
  snapshot(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort(([one], [other]) => (one < other ? -1 : 1)));
  }
}
