import type { TextModifier, TextRewriter } from '../modifier.ts';

/** Puts a text before the first text of its channel in an answer. It comes with it, so an empty answer stays empty. */
export function insertAtStart(text: string): TextModifier['open'] {
  return (_run, { first }) => new StartInsertion(first ? text : '');
}

/** Puts a text behind the last text of an answer, where it is known why the answer ends. */
export function insertAtEnd(text: string): TextModifier['open'] {
  return () => new EndInsertion(text);
}

class StartInsertion implements TextRewriter {
  matches = 0;
  #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  text(chunk: string): string {
    if (this.#text === '' || chunk === '') return chunk;
    const text = this.#text + chunk;
    this.#text = '';
    this.matches = 1;
    return text;
  }

  flush(): string {
    return '';
  }
}

class EndInsertion implements TextRewriter {
  matches = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  text(chunk: string): string {
    return chunk;
  }

  flush(): string {
    return '';
  }

  close(): string {
    this.matches += 1;
    return this.#text;
  }
}
