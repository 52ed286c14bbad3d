import { createPatternReplacer } from '../src/kernel/patterns/pattern-replacer.ts';
import { choosePatterns, type ChosenPatterns } from '../src/kernel/patterns/pattern-options.ts';
import { patternKinds } from '../src/kernel/patterns/pattern-set.ts';
import { prose } from './prose.ts';
import { cutText, textSpeed } from './text-speed.ts';

/** Speed of the pattern set over ordinary prose. MB/s counts UTF-8 bytes of text that goes through a replacer. */
export interface PatternSetFigure {
  /** What is looked for: all built-in kinds, or one. */
  readonly patterns: string;
  readonly buildMilliseconds: number;
  /** MB/s in pieces of 64 Ki units. */
  readonly plain: number;
  /** The same in pieces of 24 units. */
  readonly plainDeltas: number;
  /** MB/s in pieces of 64 Ki units, with a sample of a kind about every 40th word. */
  readonly matching: number;
}

const proseUnits = 1_048_576;

/** The prose with something to find in it. */
function withSamples(text: string, samples: readonly string[]): string {
  let words = 0;
  return text.replaceAll(' ', () => {
    words += 1;
    return words % 40 === 0 ? ` ${samples[(words / 40) % samples.length] ?? ''} ` : ' ';
  });
}

function measureSet(patterns: readonly string[], label: string, milliseconds: number): PatternSetFigure {
  const plain = prose(proseUnits, 11);
  const kinds = patternKinds.filter(({ name }) => patterns.includes(name));
  const matching = withSamples(
    plain,
    kinds.map(({ samples: [sample] }) => sample),
  );
  const started = performance.now();
  const chosen: ChosenPatterns = choosePatterns({ patterns: [...patterns], unbounded: 'refuse' });
  const buildMilliseconds = performance.now() - started;
  const speed = (text: string, units: number): number =>
    textSpeed(() => createPatternReplacer(chosen.automaton, () => '***'), cutText(text, units), milliseconds);
  return {
    patterns: label,
    buildMilliseconds,
    plain: speed(plain, 64 * 1024),
    plainDeltas: speed(plain, 24),
    matching: speed(matching, 64 * 1024),
  };
}

/** All built-in kinds together, then each alone. `milliseconds` is the least time for each figure. */
export function measurePatternSet(milliseconds: number, eachKind: boolean): PatternSetFigure[] {
  const names = patternKinds.map(({ name }) => name);
  const all = measureSet(names, 'all kinds', milliseconds);
  return [all, ...(eachKind ? names.map((name) => measureSet([name], name, milliseconds)) : [])];
}
