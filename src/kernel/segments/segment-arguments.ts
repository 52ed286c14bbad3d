/**
 * Reads the strings out of JSON text that comes in fragments, decoded, names of fields too, each followed by a line
 * break. JSON that is not valid is read as far as it goes: what looks like a string is given.
 */
export class ArgumentStrings {
  #state: 'outside' | 'string' | 'escape' | 'unicode' = 'outside';
  #digits = '';

  push(json: string): string {
    let text = '';
    for (let place = 0; place < json.length; place += 1) {
      const character = json.charAt(place);
      switch (this.#state) {
        case 'outside':
          if (character === '"') this.#state = 'string';
          break;
        case 'string': {
          const end = plainEnd(json, place);
          text += json.slice(place, end);
          place = end;
          if (end === json.length) break;
          if (json.charAt(end) === '"') {
            text += '\n';
            this.#state = 'outside';
          } else {
            this.#state = 'escape';
          }
          break;
        }
        case 'escape':
          this.#state = character === 'u' ? 'unicode' : 'string';
          this.#digits = '';
          if (character !== 'u') text += escapes.get(character) ?? character;
          break;
        case 'unicode':
          text += this.#unicode(character);
      }
    }
    return text;
  }

  #unicode(character: string): string {
    this.#digits += character;
    if (this.#digits.length < 4) return '';
    this.#state = 'string';
    return String.fromCharCode(Number.parseInt(this.#digits, 16) || 0xfffd);
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['b', '\b'],
  ['f', '\f'],
]);

/** The place of the quote or the backslash that ends a plain run, or the length of the fragment. */
function plainEnd(json: string, start: number): number {
  for (let place = start; place < json.length; place += 1) {
    const code = json.charCodeAt(place);
    if (code === 0x22 || code === 0x5c) return place;
  }
  return json.length;
}
