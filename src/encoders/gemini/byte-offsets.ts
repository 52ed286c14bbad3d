import type { EventOfType } from '../../kernel/event.ts';

type Unit = EventOfType<'annotation'>['unit'];

/** Tells offsets into a text in bytes of UTF-8. One pass over the text serves all of them. */
export class ByteOffsets {
  readonly bytes: Buffer;
  readonly #text: string;
  readonly #tables = new Map<Unit, Uint32Array>();

  constructor(text: string) {
    this.#text = text;
    this.bytes = Buffer.from(text);
  }

  /** Undefined where the text is shorter. UTF-16 code units are meant where the unit is not known. */
  of(offset: number, unit: Unit): number | undefined {
    if (unit === 'byte' || this.bytes.length === this.#text.length)
      return offset <= this.bytes.length ? offset : undefined;
    return this.#table(unit)[offset];
  }

  #table(unit: Unit): Uint32Array {
    let table = this.#tables.get(unit);
    if (table === undefined) {
      table = unit === 'codepoint' ? byCodePoint(this.#text) : byCodeUnit(this.#text);
      this.#tables.set(unit, table);
    }
    return table;
  }
}

/** The offset in the middle of a character is that of its end. */
function byCodeUnit(text: string): Uint32Array {
  const table = new Uint32Array(text.length + 1);
  let at = 0;
  let bytes = 0;
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    for (let unit = 0; unit < character.length; unit += 1) table[++at] = bytes;
  }
  return table;
}

function byCodePoint(text: string): Uint32Array {
  const table = [0];
  let bytes = 0;
  for (const character of text) table.push((bytes += Buffer.byteLength(character)));
  return Uint32Array.from(table);
}
