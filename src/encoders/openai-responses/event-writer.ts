import { toLatin1 } from '../../kernel/json/json-text.ts';
import { orNothing, type JsonObject } from '../../kernel/json/json-value.ts';
import { sseFrame } from '../../kernel/sse-frame.ts';
import type { Growing } from './output-item.ts';

/** Writes the events of one stream and numbers them. */
export class EventWriter {
  /** The number of the next event. */
  #sequence = 0;

  /** True for the number that the next event will have. */
  isNext(sequence: unknown): boolean {
    return sequence === this.#sequence;
  }

  /** An event of the provider went out with its own bytes. */
  skip(): void {
    this.#sequence += 1;
  }

  event(type: string, fields: JsonObject): string {
    const data = { type, sequence_number: this.#sequence, ...fields };
    this.#sequence += 1;
    return sseFrame(JSON.stringify(data), type);
  }

  /**
   * A piece of text, given as it stands in a frame: the same bytes as `event` would make, without making the same JSON
   * again for every piece. `address` says where it belongs; it is asked once.
   */
  delta(type: string, growing: Growing, json: string, address: () => JsonObject, further: JsonObject): string {
    growing.json += json;
    growing.frame ??= frameOf(type, address());
    const { before, address: middle } = growing.frame;
    const sequence = this.#sequence;
    this.#sequence += 1;
    const rest = orNothing(further) === undefined ? '' : `,${toLatin1(JSON.stringify(further)).slice(1, -1)}`;
    return `${before}${sequence}${middle}${json}"${rest}}\n\n`;
  }
}

/** The type is one of ours; what the address holds may be a provider's. */
function frameOf(type: string, address: JsonObject): { readonly before: string; readonly address: string } {
  return {
    before: `event: ${type}\ndata: {"type":"${type}","sequence_number":`,
    address: `,${toLatin1(JSON.stringify(address)).slice(1, -1)},"delta":"`,
  };
}
