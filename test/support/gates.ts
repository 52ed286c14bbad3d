import { within } from './turn.ts';

interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
  readonly reached: Promise<void>;
  readonly reach: () => void;
}

/** Named places at which a scenario waits until the test lets it go on. A gate that was opened stays open. */
export class Gates {
  readonly #gates = new Map<string, Gate>();

  /** Resolves when `release` was called for this name, before or after. */
  async pass(name: string): Promise<void> {
    const gate = this.#gate(name);
    gate.reach();
    await gate.opened;
  }

  release(name: string): void {
    this.#gate(name).open();
  }

  /** Resolves as soon as a scenario stands at the gate, or has stood there. */
  async reached(name: string): Promise<void> {
    await within(this.#gate(name).reached, `a scenario to come to the gate "${name}"`);
  }

  #gate(name: string): Gate {
    const known = this.#gates.get(name);
    if (known !== undefined) return known;
    const opened = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const gate = { opened: opened.promise, open: opened.resolve, reached: reached.promise, reach: reached.resolve };
    this.#gates.set(name, gate);
    return gate;
  }
}
