import { describe, expect, it } from '@jest/globals';
import { lineEnd, sentenceEnd, TextMeasure, wordEnd, type TextCounts } from '../../../src/kernel/stops/text-measure.ts';

/** The text with a mark at each place: w for a word, s for a sentence, l for a line. */
function mark(pieces: readonly string[]): { marked: string; counts: TextCounts } {
  const counts: TextCounts = { characters: 0, words: 0, sentences: 0, lines: 1 };
  const measure = new TextMeasure(counts);
  let marked = '';
  for (const piece of pieces) {
    let done = 0;
    for (
      let place = measure.next(piece, 0, piece.length);
      place >= 0;
      place = measure.next(piece, place + 1, piece.length)
    ) {
      const ends = [
        [wordEnd, 'w'],
        [sentenceEnd, 's'],
        [lineEnd, 'l'],
      ] as const;
      marked += `${piece.slice(done, place)}<${ends.map(([bit, name]) => ((measure.ends & bit) === 0 ? '' : name)).join('')}>`;
      done = place;
    }
    marked += piece.slice(done);
  }
  measure.end();
  return { marked, counts };
}

describe('TextMeasure', () => {
  it.each<[string, string, Partial<TextCounts>]>([
    ['', '', { words: 0, sentences: 0, lines: 1 }],
    ['one two', 'one<w> two', { words: 2, sentences: 0 }],
    ['  a  b ', '  a<w>  b<w> ', { words: 2 }],
    ['It is 3.5. So "what?" Yes', 'It<w> is<w> 3.5.<ws> So<w> "what?"<ws> Yes', { sentences: 2 }],
    ['**Done.** Next', '**Done.**<ws> Next', { sentences: 1 }],
    ['Well... Hm?! End.', 'Well...<ws> Hm?!<ws> End.', { sentences: 3 }],
    ['你好。世界！」再见', '你好。<ws>世界！」<ws>再见', { sentences: 2, words: 1 }],
    ['a\n\nbe. \n', 'a<wl>\n<l>\nbe.<ws> <l>\n', { lines: 4, words: 2, sentences: 1 }],
    ['a\u00a0b\u3000c', 'a<w>\u00a0b<w>\u3000c', { words: 3 }],
  ])('%j', (text, marked, counts) => {
    expect(mark([text])).toEqual({ marked, counts: expect.objectContaining(counts) });
    expect(mark(text.split('')).marked).toBe(marked);
  });
});
