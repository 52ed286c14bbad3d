import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Channel } from '../../src/kernel/modifier.ts';
import type { SegmentOutcome } from '../../src/kernel/segments/segment-lane.ts';
import { cutBySentence } from '../../src/kernel/segments/segment-sentences.ts';
import type { SegmentOptions, SegmentTask } from '../../src/kernel/segments/segment-stage.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { SegmentPlayer, textRuns } from '../support/segment-player.ts';
import { blocksOf, play, schedules, sentenceAnswers, signatures, textOf } from '../support/segment-plays.ts';
import { marked, segmentRewriter, sentenceTexts } from '../support/segment-rewriter.ts';
import { sentences } from '../support/segment-oracle.ts';

const law = {
  open: () => segmentRewriter(cutBySentence({ maxCharacters: 24, fences: true })),
  oracle: (text: string) =>
    sentences(text, 24, true)
      .map((segment) => marked(segment.text, segment.code))
      .join(''),
  texts: sentenceTexts,
};

describe('the sentences of a text with code', () => {
  it('are the same whatever the cuts', () => proveLaw({ ...law, cases: lawCases * 0.9 }));

  it('are given as soon as they are certain', () => {
    proveMinimalHold({ ...law, goesOn: ['', ' x', 'xx', '"', '.', '\n', '`', '``\n'], cases: lawCases * 0.05 });
  });
});

const channels: readonly Channel[] = ['text', 'reasoning'];
const options: Omit<SegmentOptions, 'work'> = {
  channels,
  cutter: () => cutBySentence({ maxCharacters: 16, fences: true }),
  ahead: 24,
  parallel: 3,
  context: { unit: 'characters', count: 4 },
  readsAll: false,
};

const inCapitals = ({ text }: SegmentTask): SegmentOutcome => ({ action: 'replace', text: capitals(text) });
/** Keeps the length, so that what is held can be counted. */
const capitals = (text: string): string => text.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());

describe('a translated answer', () => {
  it('replaces each segment of the whole text', async () => {
    await fc.assert(
      fc.asyncProperty(sentenceAnswers, schedules, async (events, order) => {
        const seen: string[] = [];
        const player = new SegmentPlayer(options, (task) => {
          seen.push(task.text);
          return inCapitals(task);
        });
        await play(player, events, order);
        const runs = textRuns(events, channels);
        for (const blockId of blocksOf(events)) {
          const isRead = runs.has(blockId);
          expect(textOf(player.left, blockId)).toBe(
            isRead ? capitals(textOf(events, blockId)) : textOf(events, blockId),
          );
        }
        const expected = [...runs.values()]
          .flat()
          .flatMap((text) => sentences(text, 16, true).map((found) => found.text));
        expect(seen.sort()).toEqual(expected.filter((text) => text.trim() !== '').sort());
        const unchanged = (blockId: string): boolean => (runs.get(blockId) ?? []).every((text) => text.trim() === '');
        expect(signatures(player.left)).toEqual(signatures(events).filter(([blockId = '']) => unchanged(blockId)));
      }),
      { numRuns: Math.ceil(lawCases * 0.05) },
    );
  });
});
