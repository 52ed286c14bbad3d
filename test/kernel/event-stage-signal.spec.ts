import { describe, expect, it } from '@jest/globals';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import { EventStage } from '../../src/kernel/event-stage.ts';
import type { EventModifier } from '../../src/kernel/modifier.ts';
import type { Run } from '../../src/kernel/run.ts';
import { eventStep } from '../support/bound-modifiers.ts';
import { stageOutput } from '../support/stage-owner.ts';
import { testRun, type TestRun } from '../support/test-run.ts';

const broken = new Error('broken');

function open(bound: Bound<EventModifier>): TestRun & { readonly stage: EventStage } {
  const run = testRun();
  const stage = new EventStage(bound, run.run, {
    ...stageOutput(),
    emit: () => undefined,
    onWait: () => undefined,
    onResumed: () => undefined,
    onFailure: () => undefined,
  });
  return { ...run, stage };
}

describe('the signal of a modifier', () => {
  const signalOf = (): { readonly bound: Bound<EventModifier>; readonly signal: () => AbortSignal } => {
    let run: Run | undefined;
    const bound = eventStep('mine', (given) => {
      run = given;
      return { modify: () => undefined };
    });
    return {
      bound,
      signal: () => {
        if (run === undefined) throw new Error('it was not opened');
        return run.signal;
      },
    };
  };

  it('ends with its stage, though the run goes on', () => {
    const { bound, signal } = signalOf();
    const { stage, run } = open(bound);
    const mine = signal();
    expect(mine.aborted).toBe(false);
    stage.close();
    expect([mine.aborted, run.signal.aborted, signal()]).toEqual([true, false, mine]);
  });

  it('has ended where it is first asked for behind the end', () => {
    const { bound, signal } = signalOf();
    open(bound).stage.close();
    expect(signal().aborted).toBe(true);
  });

  it('ends with the run, for the same reason', () => {
    const { bound, signal } = signalOf();
    const { abort } = open(bound);
    const mine = signal();
    abort.abort(broken);
    expect([mine.aborted, mine.reason]).toEqual([true, broken]);
    const late = signalOf();
    const other = open(late.bound);
    other.abort.abort(broken);
    expect(late.signal().reason).toBe(broken);
  });
});
