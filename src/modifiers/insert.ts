import Type from 'typebox';
import { channelOption, proseChannels } from '../kernel/channel-option.ts';
import { defineModifier } from '../kernel/component.ts';
import type { ModifierPhase, TextModifier } from '../kernel/modifier.ts';
import { insertAtCharacters } from '../kernel/inserts/insert-at-characters.ts';
import { insertAtEnd, insertAtStart } from '../kernel/inserts/insert-at-edges.ts';
import { insertAtMarker } from '../kernel/inserts/insert-at-marker.ts';
import { insertAtParagraphs, maxHeldOfParagraphs } from '../kernel/inserts/insert-at-paragraphs.ts';
import { insertAtSentences } from '../kernel/inserts/insert-at-sentences.ts';
import { defaulted, strictObject, type Configured } from '../kernel/schema.ts';
import { commonAbbreviations, maxAbbreviation } from '../kernel/sentence-ends.ts';
import { heldAtMost } from '../kernel/stream-policy.ts';

const maxCount = 1_000_000;

const config = strictObject({
  text: Type.String({ minLength: 1, maxLength: 16_384, description: 'What is put in, as it is written here.' }),
  at: defaulted(
    Type.Enum(['start', 'end', 'before', 'after', 'characters', 'sentences', 'paragraphs'], {
      description:
        'start: before the first text of an answer, never into an empty one. end: behind the last one, where it is ' +
        'known why the answer ends. before, after: at each `marker`. characters: behind every so many, where more ' +
        'follow. sentences, paragraphs: behind each.',
    }),
    'end',
  ),
  marker: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: 'For `before` and `after`: a text, compared exactly.' }),
  ),
  every: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxCount,
      description:
        'Of `characters`: how many lie between two places. Of markers, sentences and paragraphs: only at each ' +
        'so many-th; at each one when left out.',
    }),
  ),
  times: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: maxCount,
      description: 'At most so often in one text: 1 is only at the first place.',
    }),
  ),
  abbreviations: Type.Optional(
    Type.Array(
      Type.String({ minLength: 1, maxLength: maxAbbreviation, pattern: '^[\\p{L}\\p{N}]+$', 'x-hint': 'letters' }),
      {
        maxItems: 1000,
        description: `For \`sentences\`: words whose full stop ends none, without it. When left out: ${commonAbbreviations.join(', ')}.`,
      },
    ),
  ),
  channels: channelOption(
    proseChannels,
    'Kinds of text that something is put into. Arguments of tools are none: a program reads them.',
    ['text'],
  ),
});

type Config = Configured<typeof config>;
type Place = Config['at'];

/** Fields that have a use only at some places. */
const uses: Readonly<Record<'marker' | 'every' | 'times' | 'abbreviations', readonly Place[]>> = {
  marker: ['before', 'after'],
  every: ['before', 'after', 'characters', 'sentences', 'paragraphs'],
  times: ['before', 'after', 'characters', 'sentences', 'paragraphs'],
  abbreviations: ['sentences'],
};

/**
 * Puts a fixed text into the answer: a notice at its head or tail, a citation behind a marker, a sign behind each
 * sentence. Each block of the answer is a text of its own, and places are counted in each; only `start` and `end` mean the
 * whole answer. What an `end` is put behind, and whether at all, a `when` on `response.finishReason` can decide. A
 * character is never cut in two; what ends sentences and paragraphs is told in sentence-ends.ts and
 * insert-at-paragraphs.ts of the kernel.
 */
export const insert = defineModifier({
  type: 'insert',
  summary: 'Puts a text into the answer: at its start or end, at a marker, or every so many characters or sentences.',
  config,
  needs: [],
  guard: false,
  phases: ['stream', 'end'],
  examples: [
    {
      title: 'A notice at the end',
      config: { text: '\n\nAnswers may be wrong.' },
      given: ['The answer', ' is 42.'],
      expect: 'The answer is 42.\n\nAnswers may be wrong.',
    },
    {
      title: 'A notice at the start',
      config: { text: 'AI: ', at: 'start' },
      given: ['He', 'llo'],
      expect: 'AI: Hello',
    },
    {
      title: 'A citation behind a marker, once',
      config: { text: ' [1]', at: 'after', marker: 'the report', times: 1 },
      given: ['As the rep', 'ort says, the report is new.'],
      expect: 'As the report [1] says, the report is new.',
    },
    {
      title: 'A rule before each heading but the first',
      config: { text: '---\n', at: 'before', marker: '## ', every: 2 },
      given: ['## A\n#', '# B\n## C'],
      expect: '## A\n---\n## B\n## C',
    },
    {
      title: 'A break every four characters',
      config: { text: '-', at: 'characters', every: 4 },
      given: ['12345', '678👩‍🚀e\u0301x'],
      expect: '1234-5678-👩‍🚀e\u0301x',
    },
    {
      title: 'A sign behind each sentence',
      config: { text: ' 🙂', at: 'sentences' },
      given: ['Hello, Dr. Who', '! It costs 3.50. 你好。再见'],
      expect: 'Hello, Dr. Who! 🙂 It costs 3.50. 🙂 你好。 🙂再见',
    },
    {
      title: 'A source behind each paragraph',
      config: { text: ' (source: wiki)', at: 'paragraphs' },
      given: ['One.\n', '\nTwo\nlines.\n'],
      expect: 'One. (source: wiki)\n\nTwo\nlines. (source: wiki)\n',
    },
  ],
  create(options, _capabilities, phase): TextModifier {
    check(options, phase);
    const places = placesOf(options);
    return {
      effect: 'text',
      channels: options.channels,
      ...(options.marker !== undefined && { rewrites: { samples: [options.marker] } }),
      ...places,
    };
  },
});

function check(options: Config, phase: ModifierPhase | undefined): void {
  const { at, text, marker = '' } = options;
  if (phase === 'end' && at !== 'end')
    throw new TypeError(`"phase": "end" puts the text at the end; leave "phase" out for "at": "${at}"`);
  for (const [key, places] of Object.entries(uses)) {
    if (options[key as keyof typeof uses] !== undefined && !places.includes(at))
      throw new TypeError(`"${key}" has no use beside "at": "${at}"; leave it out, or set "at" to ${quoted(places)}`);
  }
  if (uses.marker.includes(at) && options.marker === undefined)
    throw new TypeError(`"at": "${at}" needs a "marker" beside it`);
  if (at === 'characters' && options.every === undefined)
    throw new TypeError('"at": "characters" needs "every" beside it: how many characters lie between two places');
  if (!text.isWellFormed() || !marker.isWellFormed()) throw new TypeError('a text holds half of a surrogate pair');
}

function quoted(places: readonly string[]): string {
  return places.map((place) => `"${place}"`).join(' or ');
}

const live = { mode: 'live' } as const;

function placesOf(options: Config): Pick<TextModifier, 'policy' | 'open' | 'actsAtEnd'> {
  const { at, text, marker = '', every = 1, times = Number.POSITIVE_INFINITY } = options;
  const places = { text, every, times };
  switch (at) {
    case 'start':
      return { policy: live, open: insertAtStart(text) };
    case 'end':
      return { policy: live, actsAtEnd: true, open: insertAtEnd(text) };
    case 'before':
    case 'after': {
      const maxHeldCharacters = at === 'before' ? marker.length - 1 : 0;
      return { policy: heldAtMost(maxHeldCharacters), open: insertAtMarker({ ...places, marker, side: at }) };
    }
    case 'characters':
      return { policy: heldAtMost(1), open: insertAtCharacters(places) };
    case 'sentences': {
      const { abbreviations = commonAbbreviations } = options;
      return { policy: live, open: insertAtSentences({ ...places, abbreviations }) };
    }
    case 'paragraphs':
      return { policy: heldAtMost(maxHeldOfParagraphs), open: insertAtParagraphs(places) };
  }
}
