import type { TextRewriter } from '../modifier.ts';
import { PlaceCount, type Recurrence } from './insert-count.ts';
import { SentenceEnds } from '../sentence-ends.ts';

export interface SentencePlaces extends Recurrence {
  readonly text: string;
  /** Without the full stop, at most `maxAbbreviation` units each. */
  readonly abbreviations: readonly string[];
}

/** Puts a text behind sentences, when what follows has come; the end of the text ends a sentence too. Nothing is held. */
export function insertAtSentences(places: SentencePlaces): () => TextRewriter {
  const abbreviations = new Set(places.abbreviations.map((word) => word.toLowerCase()));
  return () => new SentenceInsertion(places, abbreviations);
}

class SentenceInsertion implements TextRewriter {
  readonly #text: string;
  readonly #count: PlaceCount;
  readonly #ends: SentenceEnds;

  constructor(places: SentencePlaces, abbreviations: ReadonlySet<string>) {
    this.#text = places.text;
    this.#count = new PlaceCount(places);
    this.#ends = new SentenceEnds(abbreviations);
  }

  get matches(): number {
    return this.#count.taken;
  }

  text(chunk: string): string {
    if (this.#count.isOver) return chunk;
    let output = '';
    let copied = 0;
    for (let place = this.#ends.next(chunk, 0); place >= 0; place = this.#ends.next(chunk, place + 1)) {
      if (!this.#count.take()) continue;
      output += chunk.slice(copied, place) + this.#text;
      copied = place;
    }
    this.#ends.leave(chunk, chunk.length);
    return output === '' ? chunk : output + chunk.slice(copied);
  }

  flush(): string {
    return this.#ends.end() && this.#count.take() ? this.#text : '';
  }
}
