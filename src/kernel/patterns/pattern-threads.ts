import { noLabel } from './pattern-alphabet.ts';
import type { PatternAutomaton } from './pattern-automaton.ts';
import type { PatternState } from './pattern-states.ts';

/** Who is told of matches. Places are those in the text that is being read: what was held and the chunk. */
export interface MatchListener {
  /** Called in the order of the text; matches never overlap. */
  found(start: number, end: number, pattern: number): void;
}

/** One or several threads in the same state: what is read leads them on together. */
interface Strand {
  /** Null where there was no way on. */
  state: PatternState | null;
  /** Where its threads went when it met another strand. */
  into: Strand | undefined;
  /** How many threads it leads; none are left when it is 0. */
  size: number;
  /** The round in which its first thread was met. */
  claimedIn: number;
}

/** What is a match unless the thread that it stands behind becomes one. */
interface Conditional {
  readonly start: number;
  readonly end: number;
  readonly pattern: number;
  next: Conditional | undefined;
}

/** A start that may become a match. Places are counted from the beginning of the text. */
interface Thread {
  readonly start: number;
  strand: Strand;
  /** End and pattern of the longest candidate so far; -1 for none. */
  best: number;
  pattern: number;
  /** Matches behind its best, of threads that are over: a chain, from the first to the last. */
  first: Conditional | undefined;
  last: Conditional | undefined;
}

/** Strands that are led on without a look for useless ones. */
const fewStrands = 8;
/** The character behind a candidate is not known. */
const unknownLabel = -1;

/**
 * The starts that may become matches, side by side. A candidate of one ends all later ones, which began inside of it; so
 * of the threads in one state only the first that is short enough counts, and one step leads all of them on.
 */
export class PatternThreads {
  readonly #automaton: PatternAutomaton;
  readonly #listener: MatchListener;
  /** In ascending order of starts; the first is alive. */
  readonly #threads: Thread[] = [];
  /** In different states, which are not null. */
  #strands: Strand[] = [];
  /** Some state has candidates that depend on the next character. */
  #waits = false;
  /** Threads that can no longer be the first of their strand; counted so that they are taken out in time. */
  #idle = 0;
  /** More strands than this are looked through for those of which only comes what comes of others. */
  #thinAbove = fewStrands;
  #reading = '';
  /** Place of the first unit of the text that is being read. */
  #base = 0;

  constructor(automaton: PatternAutomaton, listener: MatchListener) {
    this.#automaton = automaton;
    this.#listener = listener;
  }

  /** Text in which places are, for those who judge a match. */
  set reading(text: string) {
    this.#reading = text;
  }

  /** Start of the first thread, or undefined when there is none. */
  get front(): number | undefined {
    const [front] = this.#threads;
    return front === undefined ? undefined : front.start - this.#base;
  }

  /** The text before `by` is let go. */
  shift(by: number): void {
    this.#base += by;
  }

  begin(start: number, state: PatternState): void {
    this.#add(this.#base + start, state);
  }

  /** The state of the one thread, where there is no more to be known of it; undefined where there is. */
  only(): PatternState | undefined {
    const [thread] = this.#threads;
    if (thread === undefined || this.#threads.length > 1 || thread.best >= 0 || thread.first !== undefined)
      return undefined;
    const { state } = rootOf(thread);
    return state !== null && state.ends.length === 0 ? state : undefined;
  }

  clear(): void {
    this.#threads.length = 0;
    this.#strands.length = 0;
    this.#idle = 0;
    this.#waits = false;
    this.#thinAbove = fewStrands;
  }

  /** All read a character from `from` to `to`, and one may begin with it. */
  advance(label: number, context: number, from: number, to: number): void {
    const end = this.#base + to;
    if (this.#waits) this.#resolve(this.#base + from, label);
    const mayEnd = this.#move(label, context, this.#base + from, end);
    if (mayEnd) this.#judge(end);
    this.#settle(end);
    if (this.#idle > 0 && this.#idle * 2 >= this.#threads.length) this.#tidy();
  }

  /** The text ends: what has a candidate is a match. */
  end(end: number): void {
    this.#resolve(this.#base + end, noLabel);
    for (const thread of this.#threads) this.#tell(thread);
    this.clear();
  }

  /**
   * The next character is one of `labels`, of which the first takes one code unit and the others take two: decides what is
   * the same for all of them.
   */
  foresee(labels: readonly number[], relativePosition: number): void {
    const position = this.#base + relativePosition;
    const threads = this.#threads;
    for (let index = 0; index < threads.length; index += 1) {
      const thread = threads[index];
      const state = thread === undefined ? null : rootOf(thread).state;
      if (thread === undefined || state === null) continue;
      const outcomes = state.waits ? labels.map((label) => this.#candidate(thread, state, position, label)) : [-1];
      const [outcome = -1] = outcomes;
      if (outcomes.some((other) => other !== outcome)) continue;
      this.#take(index, position, outcome);
      if (this.mayFollow(state, labels, position - thread.start)) continue;
      rootOf(thread).size -= 1;
      thread.strand = { state: null, into: undefined, size: 1, claimedIn: 0 };
    }
    this.#tidy();
    this.#settle(position);
  }

  /** Whether a thread of `length` may read one of the labels, of which all but the first take two code units. */
  mayFollow(state: PatternState, labels: readonly number[], length: number): boolean {
    return labels.some((label, at) => {
      const next = this.#automaton.states.next(state, label);
      return next !== null && length + (at === 0 ? 1 : 2) <= next.most;
    });
  }

  /** Tells what is certain at the front of the text, which is read up to `end`. */
  #settle(end: number): void {
    const threads = this.#threads;
    for (let front = threads[0]; front !== undefined && !this.#isAlive(front, end); front = threads[0]) {
      this.#tell(front);
      rootOf(front).size -= 1;
      threads.shift();
    }
  }

  #tell({ start, best, pattern, first }: Thread): void {
    const base = this.#base;
    if (best >= 0) this.#listener.found(start - base, best - base, pattern);
    for (let match = first; match !== undefined; match = match.next) {
      this.#listener.found(match.start - base, match.end - base, match.pattern);
    }
  }

  #add(start: number, state: PatternState): void {
    const strand: Strand = { state, into: undefined, size: 1, claimedIn: 0 };
    this.#strands.push(strand);
    this.#threads.push(newThread(start, strand));
  }

  /** Leads the strands on and begins a thread. Returns whether some thread may end behind the character. */
  #move(label: number, context: number, from: number, to: number): boolean {
    const { states, starts } = this.#automaton;
    const strands = this.#strands;
    const step = (states.step += 1);
    states.moves += strands.length;
    let kept = 0;
    let mayEnd = false;
    let waits = false;
    for (let index = 0; index < strands.length; index += 1) {
      const strand = strands[index];
      if (strand === undefined || strand.state === null || strand.size === 0) continue;
      const known = strand.state.next[label];
      const state = known === undefined ? states.next(strand.state, label) : known;
      strand.state = state;
      if (state === null) {
        this.#idle += strand.size;
      } else if (state.seenAt === step) {
        this.#join(strand, strands[state.seenAs], state);
      } else {
        state.seenAt = step;
        state.seenAs = kept;
        strands[kept] = strand;
        kept += 1;
        mayEnd ||= state.ends.length > 0;
        waits ||= state.waits;
      }
    }
    strands.length = kept;
    const start = starts[context];
    const begun = start === undefined ? null : states.next(start, label);
    if (begun !== null && to - from <= begun.most) {
      if (begun.seenAt !== step) {
        this.#add(from, begun);
        mayEnd ||= begun.ends.length > 0;
        waits ||= begun.waits;
      } else if (!begun.mergeable) {
        const strand = strands[begun.seenAs];
        if (strand !== undefined) {
          strand.size += 1;
          this.#threads.push(newThread(from, strand));
        }
      }
    }
    if (strands.length > this.#thinAbove) this.#thin();
    this.#waits = waits;
    return mayEnd;
  }

  #thin(): void {
    const strands = this.#strands;
    const isUseful = this.#automaton.states.findUseful(strands.map(({ state }) => state));
    for (const [index, strand] of strands.entries()) {
      if (isUseful[index] === true) continue;
      strand.state = null;
      this.#idle += strand.size;
    }
    this.#strands = strands.filter(({ state }) => state !== null);
    this.#thinAbove = fewStrands + 2 * this.#strands.length;
  }

  #join(strand: Strand, other: Strand | undefined, { mergeable }: PatternState): void {
    if (other === undefined) return;
    strand.into = other;
    other.size += strand.size;
    if (mergeable) this.#idle += strand.size;
  }

  /** Decides the candidates that end at `end` and waited for what is behind them. */
  #resolve(end: number, label: number): void {
    const threads = this.#threads;
    for (let index = 0; index < threads.length; index += 1) {
      const thread = threads[index];
      const state = thread === undefined ? null : rootOf(thread).state;
      if (thread === undefined || state?.waits !== true) continue;
      if (this.#take(index, end, this.#candidate(thread, state, end, label))) return;
    }
  }

  /** Takes the first candidate that ends at `end`. */
  #judge(end: number): void {
    const threads = this.#threads;
    for (let index = 0; index < threads.length; index += 1) {
      const thread = threads[index];
      const state = thread === undefined ? null : rootOf(thread).state;
      if (thread === undefined || state === null || state.ends.length === 0) continue;
      if (this.#take(index, end, this.#candidate(thread, state, end, unknownLabel))) return;
    }
  }

  /** Keeps a candidate; the threads that began inside of it are over. */
  #take(index: number, end: number, pattern: number): boolean {
    const threads = this.#threads;
    const thread = threads[index];
    if (pattern < 0 || thread === undefined) return false;
    thread.best = end;
    thread.pattern = pattern;
    thread.first = undefined;
    thread.last = undefined;
    for (let over = threads.pop(); over !== undefined; over = threads.pop()) {
      if (over === thread) break;
      rootOf(over).size -= 1;
    }
    threads.push(thread);
    return true;
  }

  /** The first pattern that matches from the start of the thread to `end`, or -1. */
  #candidate(thread: Thread, state: PatternState, end: number, label: number): number {
    for (const pattern of state.ends) {
      const notBefore = this.#automaton.rules[pattern]?.notBefore;
      if (notBefore !== undefined && (label === unknownLabel || notBefore[label] === 1)) continue;
      if (this.#accepts(thread, end, pattern)) return pattern;
    }
    return -1;
  }

  #accepts({ start }: Thread, end: number, pattern: number): boolean {
    const rule = this.#automaton.rules[pattern];
    if (rule === undefined || end - start > rule.limit) return false;
    return rule.accept === undefined || rule.accept(this.#reading.slice(start - this.#base, end - this.#base));
  }

  #isAlive(thread: Thread, end: number): boolean {
    const { state } = rootOf(thread);
    if (state === null) return false;
    return end - thread.start <= state.reach || (state.waits && this.#isOpen(thread, state, end));
  }

  /** Whether the next character may still make a better candidate of what ends at `end`. */
  #isOpen(thread: Thread, state: PatternState, end: number): boolean {
    for (const pattern of state.ends) {
      if (thread.best === end && thread.pattern === pattern) return false;
      if (this.#automaton.rules[pattern]?.notBefore !== undefined && this.#accepts(thread, end, pattern)) return true;
    }
    return false;
  }

  /** Takes out threads that are over: each is looked at once for each that is taken out, or less. */
  #tidy(): void {
    const threads = this.#threads;
    const round = (this.#automaton.states.step += 1);
    let kept = 0;
    for (let index = 0; index < threads.length; index += 1) {
      const thread = threads[index];
      if (thread === undefined) continue;
      const strand = rootOf(thread);
      const isFirst = strand.claimedIn !== round;
      strand.claimedIn = round;
      const before = threads[kept - 1];
      if (before === undefined || (strand.state !== null && (isFirst || !strand.state.mergeable))) {
        threads[kept] = thread;
        kept += 1;
      } else {
        leave(thread, before);
        strand.size -= 1;
      }
    }
    threads.length = kept;
    this.#idle = 0;
  }
}

function newThread(start: number, strand: Strand): Thread {
  return { start, strand, best: -1, pattern: 0, first: undefined, last: undefined };
}

/** Leaves the matches of a thread that is over to the one before it. */
function leave({ start, best, pattern, first, last }: Thread, before: Thread): void {
  const own = best < 0 ? undefined : { start, end: best, pattern, next: first };
  const begin = own ?? first;
  if (begin === undefined) return;
  if (before.last === undefined) before.first = begin;
  else before.last.next = begin;
  before.last = last ?? own;
}

function rootOf(thread: Thread): Strand {
  let strand = thread.strand;
  while (strand.into !== undefined) strand = strand.into;
  thread.strand = strand;
  return strand;
}
