import { describe, expect, it } from '@jest/globals';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { EventControl, Modifier } from '../../src/kernel/modifier.ts';
import { eventStep, modifying } from '../support/bound-modifiers.ts';
import { answerFrames } from '../support/openai-stream.ts';
import { readOpenAiStream } from '../support/openai-reader.ts';
import { runByHand, type HandRun } from '../support/run-by-hand.ts';
import { habitStep } from '../support/text-habits.ts';
import { turn } from '../support/turn.ts';
import { expectEnded, play } from './run-checks.ts';

/* A run whose answer a modifier ends: the provider is cut off once, the client and the record are told once. */

const stopAtHash: Bound<Modifier> = habitStep(
  {
    name: 'stop',
    open: (block) => ({
      text(chunk) {
        const at = chunk.indexOf('#');
        if (at === -1) return chunk;
        block.stop({ reason: 'content_filter', message: ' [cut]' });
        return chunk.slice(0, at);
      },
      flush: () => '',
    }),
    rule: (text) => ({ text }),
  },
  0,
);
const frames = answerFrames({ text: ['the ', 'plan#', 'secret', 'secret', 'secret'] });
const whole = frames.join('');

const withSteps = (...steps: readonly Bound<Modifier>[]): HandRun =>
  runByHand({ pipeline: { modifiers: () => steps } });
const aborts = ({ transport }: HandRun): number => transport.calls.filter((call) => call === 'abort').length;
const textOf = ({ client }: HandRun): string => readOpenAiStream(Buffer.from(client.text)).text;

describe('an answer that a modifier ends', () => {
  it.each([
    ['in one read', [whole]],
    ['frame by frame', frames],
  ])('is complete for the client, and the provider is read no further: %s', async (_how, reads) => {
    const hand = withSteps(stopAtHash);
    await play(hand, ...reads);
    expect(expectEnded(hand)).toEqual(['end', 'blocked']);
    expect([textOf(hand), aborts(hand)]).toEqual(['the plan [cut]', 1]);
    expect(hand.client.text.match(/finish_reason":"/g)).toHaveLength(1);
    expect(hand.records()[0]?.fields['endedBy']).toEqual(['s0: content_filter']);
  });

  it('while a later step waits is cut off at once, and ends when that goes on', async () => {
    const gate = Promise.withResolvers<void>();
    const hand = withSteps(
      stopAtHash,
      modifying('slow', async (event, emit) => {
        await gate.promise;
        emit(event);
      }),
    );
    await play(hand, whole);
    expect([aborts(hand), hand.ended()]).toEqual([1, 0]);
    gate.resolve();
    await turn(32);
    expect(expectEnded(hand)).toEqual(['end', 'blocked']);
    expect([textOf(hand), aborts(hand)]).toEqual(['the plan [cut]', 1]);
  });

  it('and is left by its client before a later step goes on', async () => {
    const gate = Promise.withResolvers<void>();
    const hand = withSteps(
      stopAtHash,
      modifying('slow', async (event, emit) => {
        await gate.promise;
        emit(event);
      }),
    );
    await play(hand, whole);
    hand.run.onGone();
    const before = hand.client.text;
    gate.resolve();
    await turn(32);
    expect(expectEnded(hand)).toEqual(['', 'client-gone']);
    expect([hand.client.text, aborts(hand)]).toEqual([before, 1]);
  });

  it.each([
    ['before anything came', 0],
    ['in the middle', 3],
  ])('from outside of its calls, %s', async (_when, count) => {
    let kept: EventControl | undefined;
    const hand = withSteps(
      eventStep('mine', (_run, control) => {
        kept = control;
        return { modify: (event, emit) => emit(event) };
      }),
    );
    await play(hand, ...frames.slice(0, Math.max(1, count)));
    kept?.stop({ reason: 'length' });
    expect(expectEnded(hand)).toEqual(['end', 'ok']);
    kept?.stop({ reason: 'length' });
    kept?.emit({ type: 'usage', total: 1 });
    hand.transport.data(whole);
    await turn(4);
    expect([aborts(hand), hand.client.text.includes('secret')]).toEqual([1, false]);
    expect(hand.records()[0]?.fields['endedBy']).toEqual(['mine: length']);
  });
});

describe('a client that leaves', () => {
  it.each([1, 2, 3, 4, 5, 6])('after read %i of a stream in which a step waits gets nothing more', async (count) => {
    const gates: (() => void)[] = [];
    const slow = modifying('slow', async (event, emit) => {
      await new Promise<void>((resolve) => gates.push(resolve));
      emit(event);
    });
    const hand = withSteps(slow, stopAtHash);
    await play(hand, ...frames.slice(0, count));
    for (const open of gates.splice(0, 2)) open();
    await turn(2);
    hand.run.onGone();
    const before = hand.client.text;
    for (let round = 0; round < 8; round += 1) {
      for (const open of gates.splice(0)) open();
      await turn();
    }
    expect(expectEnded(hand)).toEqual(['', 'client-gone']);
    expect([hand.client.text, aborts(hand)]).toEqual([before, 1]);
  });
});
