import fc from 'fast-check';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { answerEvents } from './answer-events.ts';
import { settle, type SegmentPlayer } from './segment-player.ts';

const sentence = (event: AnswerEvent): AnswerEvent =>
  event.type === 'text.delta'
    ? { ...event, text: event.text.replaceAll('-', '. ').replaceAll('plan', 'Go on\nplease wait ') }
    : event;
/** Answers with sentences in them, in every order that is allowed. */
export const sentenceAnswers = answerEvents.map((events) => {
  const choices = new Map(
    events.flatMap((event) => (event.type === 'block.start' ? [[event.blockId, event.choice]] : [])),
  );
  return events.map((event): AnswerEvent => {
    const choice = 'blockId' in event ? choices.get(event.blockId) : event.choice;
    return sentence({ ...event, ...(choice !== undefined && { choice }) });
  });
});
/** Which work is settled next. */
export const schedules = fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 12 });

/** Plays an answer; settles as the schedule says, and what is left at a pause until it is over. */
export async function play(
  player: SegmentPlayer,
  events: readonly AnswerEvent[],
  order: readonly number[],
): Promise<void> {
  let turn = 0;
  const next = (): number => order[turn++ % order.length] ?? 0;
  for (const event of events) {
    const call = player.call(event);
    expectPause(player, event, call.paused);
    for (let count = next() % 3; count > 0; count -= 1) player.settleOne(next());
    await settle(4);
    while (!call.done) {
      if (!player.settleOne(next())) throw new Error('a pause that nothing ends');
      await settle(4);
    }
    for (const choice of [0, 1])
      if (player.held(choice) >= player.ahead) throw new Error(`the stream goes on with ${player.held(choice)} held`);
  }
}

/** What is held when a call returns decides, also what of the event there was no room for. */
function expectPause(player: SegmentPlayer, event: AnswerEvent, paused: boolean): void {
  if (event.type !== 'text.delta') return;
  const isFull = Math.max(player.held(0), player.held(1)) >= player.ahead;
  if (isFull !== paused) throw new Error(`paused: ${paused}, held: ${player.held(0)} and ${player.held(1)}`);
}

/** The same where choices are stopped: what comes of them is dropped, so held is not counted. */
export async function playStopped(
  player: SegmentPlayer,
  events: readonly AnswerEvent[],
  order: readonly number[],
): Promise<void> {
  let turn = 0;
  for (const event of events) {
    const call = player.call(event);
    while (!call.done) {
      if (!player.settleOne(order[turn++ % order.length] ?? 0)) throw new Error('a pause that nothing ends');
      await settle(4);
    }
  }
}

export const textOf = (events: readonly AnswerEvent[], blockId: string): string =>
  events.map((event) => (event.type === 'text.delta' && event.blockId === blockId ? event.text : '')).join('');
export const blocksOf = (events: readonly AnswerEvent[]): string[] =>
  events.flatMap((event) => (event.type === 'block.start' ? [event.blockId] : []));
export const signatures = (events: readonly AnswerEvent[]): string[][] =>
  events
    .flatMap((event) => (event.type === 'reasoning.signature' ? [[event.blockId, event.value]] : []))
    .sort(([one = ''], [other = '']) => one.localeCompare(other));
/** The order of what is no text, of one choice; signatures go to the end of their block. */
export const besides = (events: readonly AnswerEvent[], choice: number): AnswerEvent[] =>
  events.filter(
    (event) => event.type !== 'text.delta' && event.type !== 'reasoning.signature' && (event.choice ?? 0) === choice,
  );
