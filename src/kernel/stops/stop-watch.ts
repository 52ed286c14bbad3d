import type { AnswerEnding, TextRewriter } from '../modifier.ts';
import { detach } from '../detach.ts';
import { GraphemeCounter } from '../grapheme-counter.ts';
import { RepetitionDetector, type RepetitionRule } from './repetition-detector.ts';
import { SequenceFinder, type StopSequences } from './stop-sequences.ts';
import { TextMeasure, type TextCounts } from './text-measure.ts';

/** Why an answer ends and what is said then; the rules without one do not apply. */
export interface StopRules {
  /** The text before the sequence leaves, with `include` the sequence too. */
  readonly sequences?: { readonly find: StopSequences; readonly include: boolean; readonly ending: AnswerEnding };
  /** So many characters leave; the answer ends where the next one begins, so not when there is none. */
  readonly maxCharacters?: { readonly limit: number; readonly ending: AnswerEnding };
  /** The text leaves up to the end of the last repetition. */
  readonly repetition?: RepetitionRule & { readonly ending: AnswerEnding };
  /** Asked at the places with one of the bits `at`; the text before the place leaves. */
  readonly condition?: {
    readonly isMet: (counts: TextCounts) => boolean;
    readonly at: number;
    readonly ending: AnswerEnding;
  };
}

/** The end that was found: how much of the chunk leaves (negative: not even all that was held) and what is said. */
interface Found {
  readonly cut: number;
  readonly ending: AnswerEnding;
}

/** A longer chunk is not kept alive for the few characters held back of it. */
const detachAbove = 256;

/**
 * Ends the answer where the first of the rules says so. Each rule tells how much of the text it has to see; the one that
 * has to see least wins. At the same place a sequence goes before a repetition, then come the condition and the limit.
 */
export class StopWatch implements TextRewriter {
  readonly #rules: StopRules;
  readonly #counts: TextCounts;
  readonly #stop: (ending: AnswerEnding) => void;
  readonly #finder: SequenceFinder | undefined;
  readonly #detector: RepetitionDetector | undefined;
  readonly #measure: TextMeasure | undefined;
  readonly #graphemes: GraphemeCounter | undefined;
  readonly #limit: number;
  #held = '';
  #isOver = false;

  /** `counts` go on from the earlier texts of the answer; `stop` is told the ending in the call that cuts the text. */
  constructor(rules: StopRules, counts: TextCounts, stop: (ending: AnswerEnding) => void) {
    const { sequences, maxCharacters, repetition, condition } = rules;
    this.#rules = rules;
    this.#counts = counts;
    this.#stop = stop;
    this.#limit = maxCharacters?.limit ?? Number.POSITIVE_INFINITY;
    if (sequences !== undefined) this.#finder = new SequenceFinder(sequences.find);
    if (repetition !== undefined) this.#detector = new RepetitionDetector(repetition);
    if (condition !== undefined) this.#measure = new TextMeasure(counts);
    if (maxCharacters !== undefined || condition !== undefined) this.#graphemes = new GraphemeCounter();
  }

  /** Answers that were ended. */
  get matches(): number {
    return this.#isOver ? 1 : 0;
  }

  text(chunk: string): string {
    if (this.#isOver || chunk === '') return '';
    const found = this.#read(chunk);
    const held = this.#held;
    if (found !== undefined) {
      this.#held = '';
      this.#isOver = true;
      this.#stop(found.ending);
      return (held + chunk).slice(0, held.length + found.cut);
    }
    const undecided = this.#undecided();
    if (undecided === 0 && held === '') return chunk;
    const text = held + chunk;
    const end = text.length - undecided;
    this.#held = text.length > detachAbove ? detach(text.slice(end)) : text.slice(end);
    return text.slice(0, end);
  }

  flush(): string {
    const held = this.#held;
    this.#held = '';
    this.#measure?.end();
    return held;
  }

  #read(chunk: string): Found | undefined {
    const { sequences, repetition } = this.#rules;
    let found: Found | undefined;
    let end = chunk.length;
    const sequenceEnd = this.#finder?.read(chunk) ?? -1;
    if (sequences !== undefined && sequenceEnd >= 0) {
      found = this.#cutSequence(sequences, sequenceEnd);
      end = sequenceEnd;
    }
    const repeatEnd = this.#detector?.read(chunk, end) ?? -1;
    if (repetition !== undefined && repeatEnd >= 0 && (found === undefined || repeatEnd < end)) {
      found = { cut: repeatEnd, ending: repetition.ending };
      end = repeatEnd;
    }
    return this.#count(chunk, end) ?? found;
  }

  #cutSequence({ include, ending }: NonNullable<StopRules['sequences']>, end: number): Found | undefined {
    const { sequence = '', length = 0 } = this.#finder?.found ?? {};
    // Only a plain stop is a stop by the sequence; a client of another ending is not told of one.
    const named = ending.reason === 'stop' ? { ...ending, stopSequence: sequence } : ending;
    return { cut: include ? end : end - length, ending: named };
  }

  /** Asks the condition and the limit about the text up to `end`. */
  #count(chunk: string, end: number): Found | undefined {
    const graphemes = this.#graphemes;
    if (graphemes === undefined) return undefined;
    // Texts of one answer may be open side by side.
    graphemes.count = this.#counts.characters;
    const met = this.#askCondition(graphemes, chunk, end);
    this.#counts.characters = graphemes.count;
    return met;
  }

  #askCondition(graphemes: GraphemeCounter, chunk: string, end: number): Found | undefined {
    const { condition } = this.#rules;
    const measure = this.#measure;
    let counted = 0;
    if (condition !== undefined && measure !== undefined) {
      for (let place = measure.next(chunk, 0, end); place >= 0; place = measure.next(chunk, place + 1, end)) {
        if ((measure.ends & condition.at) === 0) continue;
        const over = this.#askLimit(graphemes, chunk, counted, place);
        if (over !== undefined) return over;
        counted = place;
        this.#counts.characters = graphemes.count;
        if (condition.isMet(this.#counts)) return { cut: place, ending: condition.ending };
      }
    }
    return this.#askLimit(graphemes, chunk, counted, end);
  }

  #askLimit(graphemes: GraphemeCounter, chunk: string, from: number, to: number): Found | undefined {
    const cut = graphemes.read(chunk, from, to, this.#limit);
    const { maxCharacters } = this.#rules;
    if (maxCharacters === undefined || graphemes.count <= maxCharacters.limit) return undefined;
    return { cut, ending: maxCharacters.ending };
  }

  /** How many units at the end of the text may still not leave. */
  #undecided(): number {
    const { sequences } = this.#rules;
    const begun = sequences === undefined || sequences.include ? 0 : (this.#finder?.undecided ?? 0);
    const isHalf = this.#graphemes?.awaitsHalf === true && this.#graphemes.count >= this.#limit;
    return isHalf ? Math.max(begun, 1) : begun;
  }
}
