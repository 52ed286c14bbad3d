import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent, EventOfType } from '../../src/kernel/event.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { TextStage } from '../../src/kernel/text-stage.ts';
import type { ReadModifier, TextModifier } from '../../src/kernel/modifier.ts';
import { maskStep, textStep } from '../support/bound-modifiers.ts';
import { stageOutput } from '../support/stage-owner.ts';
import { testRun } from '../support/test-run.ts';

type Finish = Omit<EventOfType<'finish'>, 'type'>;

const shout = (guard: boolean): Bound<TextModifier> =>
  textStep('shout', () => ({ text: (chunk) => chunk.toUpperCase(), flush: () => '' }), { guard });

/** What is left of a finish behind these steps. */
function left(finish: Finish, ...steps: readonly Bound<ReadModifier | TextModifier>[]): AnswerEvent {
  const output = stageOutput();
  new TextStage(steps, testRun().run, output).push({ type: 'finish', ...finish });
  expect(output.left).toHaveLength(1);
  return output.left[0] as AnswerEvent;
}

describe('the words beside the reason of an end', () => {
  it.each<readonly [string, Finish, Finish]>([
    [
      'an explanation is masked',
      { reason: { unified: 'refusal', raw: 'refusal' }, refusal: { category: 'cyber', explanation: 'the secret' } },
      { reason: { unified: 'refusal', raw: 'refusal' }, refusal: { category: 'cyber', explanation: 'the ***' } },
    ],
    [
      'a category that the mask changes is left out',
      { reason: { unified: 'refusal' }, refusal: { category: 'secret', explanation: 'no' } },
      { reason: { unified: 'refusal' }, refusal: { explanation: 'no' } },
    ],
    [
      'so is a word of the provider',
      { choice: 1, reason: { unified: 'stop', raw: 'a secret reason' } },
      { choice: 1, reason: { unified: 'stop' } },
    ],
    [
      'and the text of a stop sequence',
      { reason: { unified: 'stop', raw: 'stop_sequence' }, stopSequence: 'secret' },
      { reason: { unified: 'stop', raw: 'stop_sequence' } },
    ],
  ])('%s', (_, given, expected) => {
    expect(left(given, maskStep(['secret']))).toEqual({ type: 'finish', ...expected });
  });

  it('with nothing to hide it is the same event, so that its frame can go out as it came', () => {
    const event: AnswerEvent = { type: 'finish', reason: { unified: 'stop', raw: 'end_turn' }, stopSequence: '###' };
    const output = stageOutput();
    new TextStage([maskStep(['secret'])], testRun().run, output).push(event);
    expect(output.left[0]).toBe(event);
  });

  it('only a guard reads them', () => {
    const finish: Finish = { reason: { unified: 'refusal', raw: 'no' }, refusal: { explanation: 'words' } };
    expect(left(finish, shout(false))).toEqual({ type: 'finish', ...finish });
    expect(left(finish, shout(true))).toEqual({
      type: 'finish',
      reason: { unified: 'refusal' },
      refusal: { explanation: 'WORDS' },
    });
  });

  it('what is masked there is counted', () => {
    const stage = new TextStage([maskStep(['secret'])], testRun().run, stageOutput());
    const refusal = { explanation: 'a secret, a secret' };
    stage.push({ type: 'finish', reason: { unified: 'refusal' }, refusal });
    expect([...stage.matches()]).toEqual([['mask', 2]]);
  });
});
