import { detach } from '../detach.ts';
import { escapeJson } from './json-text.ts';
import { isHighSurrogate, isLowSurrogate } from '../words/text-folding.ts';

/** What a rewriter does to one text; the part of `TextRewriter` that is needed here. */
export interface LeafRewriter {
  text(chunk: string): string;
  flush(): string;
}

/** Text that a rewriter holds keeps its spelling up to this length; what leaves later of a longer one is spelled anew. */
const maxOwedUnits = 1_024;

const noHigh = 0;
const rawHigh = 1;
const newHigh = 2;

/**
 * One string of a JSON text on its way through a rewriter, with the way it is spelled: what the rewriter leaves as it was
 * keeps its escapes, anything else is escaped anew.
 */
export class JsonSpelling {
  readonly #rewriter: LeafRewriter;
  /** Text that came and did not leave, and its spelling; kept as long as all that left was what came. */
  #owedText = '';
  #owedJson = '';
  #isAligned = true;
  /** Half a surrogate pair left last: as it came, or escaped by us. Its other half is spelled like it. */
  #high = noHigh;

  constructor(rewriter: LeafRewriter) {
    this.#rewriter = rewriter;
  }

  /** `json` is how `text` was spelled; the very same string where it is to stay. */
  push(text: string, json: string): string {
    const left = this.#rewriter.text(text);
    if (left === text && this.#owedText === '') {
      this.#isAligned = true;
      return this.#keep(json);
    }
    return this.#spell(left, text, json);
  }

  flush(): string {
    return this.#spell(this.#rewriter.flush(), '', '');
  }

  #spell(left: string, text: string, json: string): string {
    if (!this.#isAligned) return this.#respell(left);
    const owedText = this.#owedText + text;
    const owedJson = this.#owedJson + json;
    const same = owedText.startsWith(left) ? left.length : commonLength(owedText, left);
    const kept = spelledLength(owedText, owedJson, same);
    if (same === left.length && owedText.length - same <= maxOwedUnits) {
      this.#owedText = detach(owedText.slice(same));
      this.#owedJson = detach(owedJson.slice(kept));
    } else {
      this.#isAligned = false;
      this.#owedText = '';
      this.#owedJson = '';
    }
    return this.#keep(owedJson.slice(0, kept)) + this.#respell(left.slice(same));
  }

  #keep(json: string): string {
    if (json === '') return json;
    const joins = this.#high === newHigh && isLowSurrogate(json.charCodeAt(0));
    this.#high = isHighSurrogate(json.charCodeAt(json.length - 1)) ? rawHigh : noHigh;
    return joins ? `\\u${json.charCodeAt(0).toString(16)}${json.slice(1)}` : json;
  }

  #respell(text: string): string {
    if (text === '') return text;
    const joins = this.#high === rawHigh && isLowSurrogate(text.charCodeAt(0));
    this.#high = isHighSurrogate(text.charCodeAt(text.length - 1)) ? newHigh : noHigh;
    return joins ? text.charAt(0) + escapeJson(text.slice(1)) : escapeJson(text);
  }
}

/** How much of `json` spells the first `units` of the text. */
function spelledLength(text: string, json: string, units: number): number {
  if (text.length === json.length) return units;
  let at = 0;
  for (let unit = 0; unit < units; unit += 1) {
    if (json.charCodeAt(at) !== 0x5c) at += 1;
    else at += json.charCodeAt(at + 1) === 0x75 ? 6 : 2;
  }
  return at;
}

function commonLength(one: string, other: string): number {
  let length = 0;
  while (length < one.length && one.charCodeAt(length) === other.charCodeAt(length)) length += 1;
  return length;
}
