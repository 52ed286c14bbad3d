import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { compileNameGlobs } from '../../../src/kernel/tools/name-globs.ts';

/** Decides by trying every split; slow, and right. */
function matchesSlowly(glob: string, name: string): boolean {
  if (glob === '') return name === '';
  const rest = glob.slice(1);
  if (glob.startsWith('*')) return matchesSlowly(rest, name) || (name !== '' && matchesSlowly(glob, name.slice(1)));
  return name.startsWith(glob.charAt(0)) && matchesSlowly(rest, name.slice(1));
}

describe('name globs', () => {
  it('stand for what they say', () => {
    const text = (...units: string[]): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom(...units), maxLength: 6 });
    fc.assert(
      fc.property(fc.array(text('a', 'b', '*'), { maxLength: 3 }), text('a', 'b'), (globs, name) => {
        expect(compileNameGlobs(globs)(name)).toBe(globs.some((glob) => matchesSlowly(glob, name)));
      }),
      { numRuns: 5_000 },
    );
  });

  it('take a long name and many stars', () => {
    expect(compileNameGlobs([`${'*a'.repeat(100)}*b`])('a'.repeat(100_000))).toBe(false);
  });
});
