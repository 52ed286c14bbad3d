/** A turn of the wheel is one interval; each slot is written on its own millisecond, so events come one by one. */
export interface WheelEntry {
  /** Called once per turn; false takes the entry off the wheel. */
  tick(): boolean;
}

/**
 * Calls many entries once per `slots` milliseconds, spread evenly over the turn, with one timer for all. When the
 * process is late, slots are caught up, but never more than one whole turn: then the rate falls, which shows.
 */
export class EventWheel {
  readonly #slots: Set<WheelEntry>[];
  #nextSlot = 0;
  #served = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, () => new Set());
  }

  /** The first call comes a whole turn from now. */
  add(entry: WheelEntry): void {
    this.#start();
    this.#slots[(this.#served + this.#slots.length - 1) % this.#slots.length]?.add(entry);
  }

  #start(): void {
    if (this.#timer !== undefined) return;
    this.#nextSlot = performance.now();
    this.#timer = setInterval(() => this.#advance(), 1);
    this.#timer.unref();
  }

  #advance(): void {
    const now = performance.now();
    if (now - this.#nextSlot > this.#slots.length) this.#nextSlot = now - this.#slots.length;
    while (this.#nextSlot <= now) {
      this.#serve(this.#slots[this.#served % this.#slots.length]);
      this.#served++;
      this.#nextSlot++;
    }
  }

  #serve(slot: Set<WheelEntry> | undefined): void {
    if (slot === undefined) return;
    for (const entry of slot) {
      if (!entry.tick()) slot.delete(entry);
    }
  }
}
