import { expect } from '@jest/globals';
import type { HandRun } from '../support/run-by-hand.ts';
import { turn } from '../support/turn.ts';

/** Everything that belongs to a run has ended, once; says how the client and the record saw it. A client that left is told nothing. */
export function expectEnded({
  run,
  client,
  capabilities: { ticker },
  forwarder,
  clock,
  ended,
  records,
}: HandRun): readonly [string, unknown] {
  const outcome = records()[0]?.fields['outcome'];
  const once = [1, 1, outcome === 'client-gone' ? 0 : 1];
  expect([records().length, ended(), client.ends.length]).toEqual(once);
  expect([ticker.size, forwarder.live, clock.pending]).toEqual([0, 0, 0]);
  run.onGone();
  run.fail(new Error('too late'));
  run.onTick(clock.now() + 3_600_000);
  expect([records().length, ended(), client.ends.length]).toEqual(once);
  return [client.ends[0] ?? '', outcome];
}

/** Starts the run and plays reads of the provider, each in a turn of its own. */
export async function play(hand: HandRun, ...reads: readonly string[]): Promise<void> {
  hand.run.start();
  await turn();
  hand.transport.head();
  for (const read of reads) {
    hand.transport.data(read);
    await turn();
  }
  await turn(4);
}

/** After the terminator an upstream has a moment to end by itself. */
export async function letDrain({ clock }: HandRun): Promise<void> {
  await clock.advance(500);
}
