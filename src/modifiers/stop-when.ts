import { defineModifier } from '../kernel/component.ts';
import type { Channel, StreamPolicy, TextBlock } from '../kernel/modifier.ts';
import type { Run } from '../kernel/run.ts';
import { stopOptions, stopRulesOf } from '../kernel/stops/stop-options.ts';
import { StopWatch, type StopRules } from '../kernel/stops/stop-watch.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';
import type { TextCounts } from '../kernel/stops/text-measure.ts';

const maxSamples = 20;

/**
 * Ends the answer at a stop sequence, at so many characters, in a runaway repetition, or on a condition: whichever is
 * met first. Held back is only what can still become a stop sequence. The provider is read no further.
 */
export const stopWhen = defineModifier({
  type: 'stop-when',
  summary: 'Ends the answer at a stop sequence, a length, a runaway repetition or a condition.',
  config: stopOptions,
  needs: ['expressions'],
  guard: false,
  examples: [
    {
      title: 'A stop sequence in two pieces',
      config: { sequences: ['\nUser:'] },
      given: ['Hello!\nUs', 'er: hi'],
      expect: 'Hello!',
    },
    {
      title: 'The sequence leaves too',
      config: { sequences: ['</answer>'], includeSequence: true },
      given: ['<answer>42</ans', 'wer> and more'],
      expect: '<answer>42</answer>',
    },
    {
      title: 'Characters as readers count them',
      config: { maxCharacters: 3 },
      given: ['né', '👩‍👧', '!?'],
      expect: 'né👩‍👧',
    },
    {
      title: 'Runaway repetition',
      config: { repetition: { minCharacters: 3, times: 3 } },
      given: ['Well: no, no', ', no, no, no, no, '],
      expect: 'Well: no, no, no,',
    },
    {
      title: 'On a condition, at the end of a sentence',
      config: { condition: 'words >= 5', conditionAt: 'sentence' },
      given: ['One two. Three fo', 'ur five six. Seven.'],
      expect: 'One two. Three four five six.',
    },
  ],
  create(options, { expressions }) {
    const rules = stopRulesOf(options, expressions);
    const key = Symbol('stop-when');
    return {
      effect: 'text' as const,
      channels: options.channels satisfies readonly Channel[],
      policy: policyOf(rules),
      ...(options.sequences === undefined ? {} : { rewrites: { samples: options.sequences.slice(0, maxSamples) } }),
      open: (run: Run, block: TextBlock) => new StopWatch(rules, countsOf(run, block, key), (how) => block.stop(how)),
    };
  },
});

function policyOf({ sequences, maxCharacters }: StopRules): StreamPolicy {
  const begun = sequences === undefined || sequences.include ? 0 : sequences.find.longest - 1;
  // The first half of a pair waits for the other one where the last character has left.
  return heldAtMost(Math.max(begun, maxCharacters === undefined ? 0 : 1));
}

/** The counts go on from one text of a channel to the next; the first one of an answer begins anew. */
function countsOf(run: Run, { first, channel, choice }: TextBlock, key: symbol): TextCounts {
  const known = run.notes.get(key);
  const all = known instanceof Map ? (known as Map<string, TextCounts>) : new Map<string, TextCounts>();
  if (known === undefined) run.notes.set(key, all);
  const name = `${channel} ${choice}`;
  const counts = first ? undefined : all.get(name);
  if (counts !== undefined) return counts;
  const fresh: TextCounts = { characters: 0, words: 0, sentences: 0, lines: 1 };
  all.set(name, fresh);
  return fresh;
}
