import { createHash } from 'node:crypto';
import { buildWordAutomaton, type WordAutomaton, type WordAutomatonOptions } from './word-automaton.ts';

// Weak, so that a list which no pipeline uses any more leaves nothing but a key, and that is removed with it.
const known = new Map<string, WeakRef<WordAutomaton>>();
const forgotten = new FinalizationRegistry<string>((key) => {
  if (known.get(key)?.deref() === undefined) known.delete(key);
});

/**
 * The automaton of a list, built once for all pipelines and generations that use the same words in the same way. An
 * edit elsewhere in a definition so costs no new build. Throws as `buildWordAutomaton` does.
 */
export function sharedWordAutomaton(words: readonly string[], options: WordAutomatonOptions): WordAutomaton {
  const key = keyOf(words, options);
  const shared = known.get(key)?.deref();
  if (shared !== undefined) return shared;
  const automaton = buildWordAutomaton(words, options);
  known.set(key, new WeakRef(automaton));
  forgotten.register(automaton, key);
  return automaton;
}

function keyOf(words: readonly string[], options: WordAutomatonOptions): string {
  const hash = createHash('sha256').update(
    JSON.stringify([options.match ?? 'substring', options.caseSensitive ?? false, options.startsOnly ?? false]),
  );
  return hash.update(JSON.stringify(words)).digest('base64');
}
