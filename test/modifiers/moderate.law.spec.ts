import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Channel } from '../../src/kernel/modifier.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { cutByLength } from '../../src/kernel/segments/segment-cutter.ts';
import type { SegmentOutcome } from '../../src/kernel/segments/segment-lane.ts';
import { cutBySentence } from '../../src/kernel/segments/segment-sentences.ts';
import type { SegmentOptions } from '../../src/kernel/segments/segment-stage.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { SegmentPlayer, settle, textRuns, type Call } from '../support/segment-player.ts';
import { besides, blocksOf, play, playStopped, schedules, sentenceAnswers, textOf } from '../support/segment-plays.ts';
import { marked, segmentRewriter, sentenceTexts } from '../support/segment-rewriter.ts';
import { sentences } from '../support/segment-oracle.ts';

/*
 * The law where the rule is somebody else's word. What is judged depends on the text alone, not on its cuts. And whatever
 * the order of blocks and of verdicts: all that passes leaves, in order; nothing leaves before its verdict (the player
 * watches); no choice holds more than it may; the stream is paused exactly where one does; where the run ends, nothing
 * goes on. Pieces by time are as the time was, and stand outside of the first sentence.
 */

const channels: readonly Channel[] = ['text', 'reasoning'];
const options: Omit<SegmentOptions, 'work'> = {
  channels,
  cutter: () => cutBySentence({ maxCharacters: 16, fences: false }),
  ahead: 24,
  parallel: 3,
  context: { unit: 'characters', count: 4 },
  readsAll: false,
};
const lengths = { ...options, cutter: () => cutByLength(5), readsAll: true };

const pass = (): SegmentOutcome => ({ action: 'pass' });

const bySentence = {
  open: () => segmentRewriter(cutBySentence({ maxCharacters: 24, fences: false })),
  oracle: (text: string) =>
    sentences(text, 24, false)
      .map((found) => marked(found.text, false))
      .join(''),
  texts: sentenceTexts,
};
function inPieces(text: string): string {
  if (text === '') return '';
  const length = /[\ud800-\udbff]/.test(text.charAt(3)) ? 3 : 4;
  return marked(text.slice(0, length), false) + inPieces(text.slice(length));
}
const byLength = {
  open: () => segmentRewriter(cutByLength(4)),
  oracle: inPieces,
  texts: sentenceTexts,
};

describe('what is judged', () => {
  it('by sentence is the same whatever the cuts', () => proveLaw({ ...bySentence, cases: lawCases * 0.65 }));

  it('by length is the same whatever the cuts', () => proveLaw({ ...byLength, cases: lawCases * 0.2 }));

  it('is handed over as soon as it is certain', () => {
    proveMinimalHold({ ...bySentence, goesOn: ['', ' x', 'xx', '"', '.', '\n'], cases: lawCases * 0.05 });
  });
});

describe('a moderated answer', () => {
  it('lets all leave as it came, in order, where all passes', async () => {
    await fc.assert(
      fc.asyncProperty(sentenceAnswers, schedules, fc.constantFrom(options, lengths), async (events, order, given) => {
        const player = new SegmentPlayer(given, pass);
        await play(player, events, order);
        for (const blockId of blocksOf(events)) expect(textOf(player.left, blockId)).toBe(textOf(events, blockId));
        const withChoice = (event: AnswerEvent): boolean => 'blockId' in event || event.type === 'finish';
        for (const choice of [0, 1])
          expect(besides(player.left, choice).filter(withChoice)).toEqual(besides(events, choice).filter(withChoice));
        expect(player.left.at(-1)).toEqual(events.at(-1));
        expect(player.left.filter(({ type }) => type !== 'text.delta').length).toBe(
          events.filter(({ type }) => type !== 'text.delta').length,
        );
        expect(player.test.clock.pending).toBe(0);
      }),
      { numRuns: Math.ceil(lawCases * 0.03) },
    );
  });

  it('keeps the order of all events where there is one choice', async () => {
    const one = sentenceAnswers.map((events) => events.filter((event) => (event.choice ?? 0) === 0));
    await fc.assert(
      fc.asyncProperty(one, schedules, async (events, order) => {
        const player = new SegmentPlayer(options, pass);
        await play(player, events, order);
        expect(besides(player.left, 0)).toEqual(besides(events, 0));
      }),
      { numRuns: Math.ceil(lawCases * 0.01) },
    );
  });

  it('ends the choice at the first segment that is stopped, and no other', async () => {
    await fc.assert(
      fc.asyncProperty(sentenceAnswers, schedules, async (events, order) => {
        const player = new SegmentPlayer(options, ({ text }) =>
          text.includes('secret') ? { action: 'stop', ending: { reason: 'content_filter' } } : { action: 'pass' },
        );
        await playStopped(player, events, order);
        const bad = [...textRuns(events, channels)].filter(([, runs]) =>
          runs.some((run) => sentences(run, 16, false).some(({ text }) => text.includes('secret'))),
        );
        const choiceOf = new Map(
          events.flatMap((event) => (event.type === 'block.start' ? [[event.blockId, event.choice ?? 0]] : [])),
        );
        const expected = new Set(bad.map(([blockId]) => choiceOf.get(blockId)));
        expect(new Set(player.stops.map(({ choice }) => choice))).toEqual(expected);
        expect(player.stops.length).toBe(expected.size);
        for (const [blockId, text] of player.texts()) expect(textOf(events, blockId).startsWith(text)).toBe(true);
        for (const blockId of blocksOf(events)) {
          if (expected.has(choiceOf.get(blockId))) continue;
          expect(textOf(player.left, blockId)).toBe(textOf(events, blockId));
        }
      }),
      { numRuns: Math.ceil(lawCases * 0.03) },
    );
  });

  it('leaves nothing behind where the run ends at any point', async () => {
    await fc.assert(
      fc.asyncProperty(
        sentenceAnswers,
        schedules,
        fc.nat({ max: 40 }),
        fc.boolean(),
        async (events, order, at, timed) => {
          const player = new SegmentPlayer({ ...options, ...(timed && { milliseconds: 50 }) }, pass);
          let call: Call = { paused: false, done: true, error: undefined };
          for (const [index, event] of events.slice(0, at).entries()) {
            call = player.call(event);
            if (index % 2 === 0) player.settleOne(order[index % order.length] ?? 0);
            if (call.paused) break;
          }
          player.test.abort.abort(new Error('gone'));
          player.closed = true;
          while (player.settleOne(0));
          await settle();
          expect(player.test.clock.pending).toBe(0);
          expect(call.done || call.error !== undefined).toBe(true);
          for (const event of events.slice(at)) expect(player.call(event).paused).toBe(false);
          expect(player.test.clock.pending).toBe(0);
        },
      ),
      { numRuns: Math.ceil(lawCases * 0.03) },
    );
  });
});
