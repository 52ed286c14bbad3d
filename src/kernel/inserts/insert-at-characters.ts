import type { TextRewriter } from '../modifier.ts';
import { GraphemeCounter } from '../grapheme-counter.ts';
import type { Recurrence } from './insert-count.ts';
import { isHighSurrogate } from '../words/text-folding.ts';

export interface CharacterPlaces extends Recurrence {
  readonly text: string;
}

/**
 * Puts a text behind every so many characters, where another character follows. A character is what readers take for one
 * (see grapheme-counter.ts), so the place is known when the next one begins. Held is half of a pair, and only at a place.
 */
export function insertAtCharacters(places: CharacterPlaces): () => TextRewriter {
  return () => new CharacterInsertion(places);
}

class CharacterInsertion implements TextRewriter {
  matches = 0;
  readonly #places: CharacterPlaces;
  #counter = new GraphemeCounter();
  /** A high surrogate that ended the text so far, and is not counted. */
  #half = '';
  #isHeld = false;

  constructor(places: CharacterPlaces) {
    this.#places = places;
  }

  text(chunk: string): string {
    const { every, times, text } = this.#places;
    if (chunk === '' || this.matches >= times) return chunk;
    const wasHeld = this.#isHeld;
    const reading = this.#half + chunk;
    const end = isHighSurrogate(reading.charCodeAt(reading.length - 1)) ? reading.length - 1 : reading.length;
    let output = '';
    let copied = wasHeld ? 0 : this.#half.length;
    for (let index = 0; index < end && this.matches < times;) {
      index = this.#counter.read(reading, index, end, every);
      if (this.#counter.count <= every) break;
      output += reading.slice(copied, index) + text;
      copied = index;
      this.matches += 1;
      // A character begins here, so nothing of what was before matters.
      this.#counter = new GraphemeCounter();
    }
    this.#half = reading.slice(end);
    this.#isHeld = this.#half !== '' && this.#counter.count === every && this.matches < times;
    if (output === '' && !wasHeld && !this.#isHeld) return chunk;
    return output + reading.slice(copied, this.#isHeld ? end : reading.length);
  }

  /** Half of a pair that stays alone is a character of its own. */
  flush(): string {
    const half = this.#half;
    this.#half = '';
    if (!this.#isHeld) return '';
    this.#isHeld = false;
    this.matches += 1;
    return this.#places.text + half;
  }
}
