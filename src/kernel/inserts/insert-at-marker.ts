import type { TextRewriter } from '../modifier.ts';
import { PlaceCount, type Recurrence } from './insert-count.ts';

export interface MarkerPlaces extends Recurrence {
  readonly text: string;
  /** Compared exactly. Occurrences are counted from the left and do not overlap. */
  readonly marker: string;
  readonly side: 'before' | 'after';
}

/**
 * Puts a text before or after a marker. Behind a marker it can be put as soon as the marker is there, so nothing is held;
 * before one, held is what may be its beginning, at most all but its last unit.
 */
export function insertAtMarker(places: MarkerPlaces): () => TextRewriter {
  const borders = bordersOf(places.marker);
  return () => new MarkerInsertion(places, borders);
}

/** For each beginning of the marker, the length of its longest proper end that is a beginning too (Knuth, Morris, Pratt). */
function bordersOf(marker: string): Uint16Array {
  const borders = new Uint16Array(marker.length + 1);
  for (let length = 2, border = 0; length <= marker.length; length += 1) {
    const unit = marker.charCodeAt(length - 1);
    while (border > 0 && marker.charCodeAt(border) !== unit) border = borders[border] ?? 0;
    if (marker.charCodeAt(border) === unit) border += 1;
    borders[length] = border;
  }
  return borders;
}

class MarkerInsertion implements TextRewriter {
  readonly #places: MarkerPlaces;
  readonly #borders: Uint16Array;
  readonly #count: PlaceCount;
  /** So many units of the marker are at the end of the text so far. */
  #found = 0;

  constructor(places: MarkerPlaces, borders: Uint16Array) {
    this.#places = places;
    this.#borders = borders;
    this.#count = new PlaceCount(places);
  }

  get matches(): number {
    return this.#count.taken;
  }

  text(chunk: string): string {
    if (this.#count.isOver) return chunk;
    const { marker, side, text } = this.#places;
    // What is held is a beginning of the marker, so it need not be kept.
    const wasHeld = this.#held();
    const reading = wasHeld === 0 ? chunk : marker.slice(0, wasHeld) + chunk;
    let output = '';
    let copied = 0;
    for (let index = this.#find(chunk, 0); index !== -1; index = this.#find(chunk, index)) {
      if (!this.#count.take()) continue;
      const place = wasHeld + index - (side === 'before' ? marker.length : 0);
      output += reading.slice(copied, place) + text;
      copied = place;
      if (this.#count.isOver) break;
    }
    const end = reading.length - this.#held();
    return output === '' && end === chunk.length && wasHeld === 0 ? chunk : output + reading.slice(copied, end);
  }

  flush(): string {
    const held = this.#places.marker.slice(0, this.#held());
    this.#found = 0;
    return held;
  }

  #held(): number {
    return this.#places.side === 'before' && this.#count.isDue ? this.#found : 0;
  }

  /** The index behind the next marker that ends in the chunk, or -1. */
  #find(chunk: string, from: number): number {
    const { marker } = this.#places;
    const borders = this.#borders;
    const first = marker.charAt(0);
    let found = this.#found;
    for (let index = from; index < chunk.length; index += 1) {
      if (found === 0) {
        index = chunk.indexOf(first, index);
        if (index === -1) break;
      }
      const unit = chunk.charCodeAt(index);
      while (found > 0 && marker.charCodeAt(found) !== unit) found = borders[found] ?? 0;
      if (marker.charCodeAt(found) === unit) found += 1;
      if (found === marker.length) {
        this.#found = 0;
        return index + 1;
      }
    }
    this.#found = found;
    return -1;
  }
}
