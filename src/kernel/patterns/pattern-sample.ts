import { contains, type CharacterSet } from './pattern-characters.ts';
import { parsePattern, type PatternTree } from './pattern-parse.ts';

/** Characters that a sample is made of where they match, so that it can be read. */
const readable = 'abcxyzABCXYZ0123456789-_ @.,';
/** Longer samples are cut off, and match nothing then. */
const maxSample = 128;

/** A short text that an expression matches. The expression has been checked by `buildPatternAutomaton`. */
export function patternSample(source: string, ignoreCase = false): string {
  const tree = parsePattern('sample', source, ignoreCase);
  return sampleOf(tree, 0) || sampleOf(tree, 1);
}

/** `more` is how often something is repeated that need not be there. */
function sampleOf(tree: PatternTree, more: number): string {
  switch (tree.kind) {
    case 'set':
      return memberOf(tree.set);
    case 'choice':
      return tree.parts.map((part) => sampleOf(part, more)).find((text) => text !== '') ?? '';
    case 'sequence':
      return tree.parts.reduce((text, part) => (text + sampleOf(part, more)).slice(0, maxSample), '');
    case 'repeat': {
      const times = Math.min(maxSample, Math.max(tree.min, Math.min(tree.max, more)));
      return sampleOf(tree.part, more).repeat(times).slice(0, maxSample);
    }
  }
}

function memberOf(set: CharacterSet): string {
  for (const character of readable) if (contains(set, character.charCodeAt(0))) return character;
  const [first] = set;
  return first === undefined ? '' : String.fromCodePoint(first);
}
