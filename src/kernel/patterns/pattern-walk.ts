import { noLabel } from './pattern-alphabet.ts';
import type { PatternState, PatternStates } from './pattern-states.ts';

/** In a row: the step is not an ordinary one. */
export const stepsAside = -0x8000_0000;
/** Nodes of one walk; what leads beyond them goes on in a new one. */
const maxNodes = 4096;
/** Bytes of all rows. */
const maxRowBytes = 2 * 1024 * 1024;
const firstRows = 16;

/** What is known of the text read so far, where it is no more than one thread which matches nothing yet. */
interface WalkNode {
  /** Number of the context, which says what may begin here. */
  readonly context: number;
  readonly state: PatternState | null;
}

/**
 * Rows for the ordinary run of a text. A place is that of a node's row. What a row says of a label: 0 is not known yet;
 * a positive number is the next place; a negative one is that place too, and a thread begins with this character.
 */
export class PatternWalk {
  readonly width: number;
  /** The place of the beginning of a text. */
  readonly opening: number;
  readonly #states: PatternStates;
  readonly #contexts: Uint16Array;
  readonly #starts: readonly PatternState[];
  readonly #nodes: WalkNode[];
  readonly #places = new Map<PatternState | null, Map<number, number>>();
  readonly #capacity: number;
  rows: Int32Array;

  constructor(states: PatternStates, width: number, contexts: Uint16Array, starts: readonly PatternState[]) {
    this.width = width;
    this.#states = states;
    this.#contexts = contexts;
    this.#starts = starts;
    // No node is at place 0, which a row can't name.
    this.#nodes = [{ context: 0, state: null }];
    this.#capacity = Math.min(maxNodes, Math.max(firstRows, Math.floor(maxRowBytes / 4 / width)));
    this.rows = new Int32Array(firstRows * width);
    this.opening = this.placeOf(0, null);
  }

  /** An empty one, for when this one is full. Texts that are on the way in this one go on in it. */
  renewed(): PatternWalk {
    return new PatternWalk(this.#states, this.width, this.#contexts, this.#starts);
  }

  nodeAt(place: number): WalkNode {
    return this.#nodes[place / this.width] ?? { context: 0, state: null };
  }

  /** The place of a node, or 0 where no more can be made. */
  placeOf(context: number, state: PatternState | null): number {
    let places = this.#places.get(state);
    const known = places?.get(context);
    if (known !== undefined) return known;
    if (this.#nodes.length >= this.#capacity) return 0;
    const place = this.#nodes.length * this.width;
    if (place + this.width > this.rows.length) {
      const rows = new Int32Array(this.rows.length * 2);
      rows.set(this.rows);
      this.rows = rows;
    }
    if (places === undefined) this.#places.set(state, (places = new Map()));
    places.set(context, place);
    this.#nodes.push({ context, state });
    return place;
  }

  /** Finds out what a row says of a label that it does not know. */
  learn(place: number, label: number): void {
    const outcome = this.#outcome(this.nodeAt(place), label);
    this.rows[place + label] = outcome;
  }

  #outcome({ context, state }: WalkNode, label: number): number {
    if (label === noLabel) return stepsAside;
    const start = this.#starts[context];
    const begun = start === undefined ? null : this.#states.next(start, label);
    const moved = state === null ? null : this.#states.next(state, label);
    const other = moved !== null && begun === moved && moved.mergeable ? null : begun;
    if ((moved !== null && other !== null) || endsOrFails(moved) || endsOrFails(other)) return stepsAside;
    const next = this.placeOf(this.#contexts[label] ?? 0, moved ?? other);
    if (next === 0) return stepsAside;
    return other === null ? next : -next;
  }
}

function endsOrFails(state: PatternState | null): boolean {
  return state !== null && (state.ends.length > 0 || state.most < 1);
}
