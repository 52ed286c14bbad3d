import { describe, expect, it } from '@jest/globals';
import { buildStopSequences, SequenceFinder } from '../../../src/kernel/stops/stop-sequences.ts';

describe('SequenceFinder', () => {
  it('tells what was found, as its author wrote it, and what is undecided', () => {
    const finder = new SequenceFinder(buildStopSequences(['Stop', 'STOP', 'top!'], false));
    expect([finder.read('do not st'), finder.undecided]).toEqual([-1, 2]);
    expect([finder.read('amp, stO'), finder.undecided]).toEqual([-1, 3]);
    expect([finder.read('p!'), finder.found]).toEqual([1, { sequence: 'Stop', length: 4 }]);
  });

  it('does not wait for a sequence that another one ends before', () => {
    const finder = new SequenceFinder(buildStopSequences(['abcd', 'bc'], true));
    expect([finder.read('a'), finder.undecided]).toEqual([-1, 0]);
    expect([finder.read('b'), finder.undecided]).toEqual([-1, 1]);
  });

  it.each([[['a', '']], [['\ud83d']]])('refuses %j', (sequences) => {
    expect(() => buildStopSequences(sequences, true)).toThrow(
      /^sequence \d is empty or holds half of a surrogate pair$/,
    );
  });
});
