import type { PatternSource } from './pattern-automaton.ts';

/** A pattern as its source says it; the name is that of the kind. */
export type KindSource = Omit<PatternSource, 'name'>;

/** Something that Sluice knows to find. */
export interface PatternKind {
  /** Lower kebab case; what a config calls it. */
  readonly name: string;
  /** The forms it has. No form can begin inside of a run that failed, so no text costs more than one look per character. */
  readonly sources: readonly KindSource[];
  /** Texts that are found as a whole; the first one is shown in documents and plans. */
  readonly samples: readonly [string, ...string[]];
  /** The spelling that all ways to write one thing share: what is hashed. */
  readonly canonical?: (match: string) => string;
}
