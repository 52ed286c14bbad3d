import type { Channel } from './modifier.ts';
import type { EventOfType } from './event.ts';

/**
 * The words beside the reason of an end belong to no block, but a guard reads them too: `guard` says what it leaves of
 * them. A word that it changes means nothing any more and is left out.
 */
export function guardedFinish(
  event: EventOfType<'finish'>,
  guard: (words: string, channel: Channel) => string,
): EventOfType<'finish'> {
  const { reason, stopSequence, refusal, ...rest } = event;
  const read = (words: string | undefined, channel: Channel): string | undefined =>
    words === undefined || words === '' ? words : guard(words, channel);
  const raw = read(reason.raw, 'text');
  const stop = read(stopSequence, 'text');
  const category = read(refusal?.category, 'refusal');
  const explanation = read(refusal?.explanation, 'refusal');
  const isSame = raw === reason.raw && stop === stopSequence && category === refusal?.category;
  if (isSame && explanation === refusal?.explanation) return event;
  return {
    ...rest,
    reason: { unified: reason.unified, ...(raw !== undefined && raw === reason.raw && { raw }) },
    ...(stop !== undefined && stop === stopSequence && { stopSequence: stop }),
    ...(refusal !== undefined && {
      refusal: {
        ...(category !== undefined && category === refusal.category && { category }),
        ...(explanation !== undefined && { explanation }),
      },
    }),
  };
}
