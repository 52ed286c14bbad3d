import Type from 'typebox';
import { blockedEnding, endingMessage } from '../kernel/blocked-ending.ts';
import { channelOption } from '../kernel/channel-option.ts';
import { parseDuration } from '../kernel/clock.ts';
import { defineModifier } from '../kernel/component.ts';
import { channels, type AnswerEnding, type EventModifier } from '../kernel/modifier.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { ModerationCheck, SegmentWindow } from '../kernel/segments/segment-config.ts';
import { cutByLength, type SegmentCutter } from '../kernel/segments/segment-cutter.ts';
import type { SegmentOutcome } from '../kernel/segments/segment-lane.ts';
import { cutBySentence } from '../kernel/segments/segment-sentences.ts';
import { SegmentStage, type SegmentTask } from '../kernel/segments/segment-stage.ts';
import { checkByPipeline, checkByService, type Check } from '../kernel/segments/segment-verdict.ts';

const config = strictObject({
  check: ModerationCheck,
  window: defaulted(SegmentWindow, 'sentence'),
  ahead: defaulted(
    Type.Integer({
      minimum: 64,
      maximum: 32_768,
      description:
        'Characters of an answer that may wait for their verdicts; when they do, the provider is read no further.',
    }),
    2_000,
  ),
  parallel: defaulted(Type.Integer({ minimum: 1, maximum: 16, description: 'Checks of one answer at a time.' }), 4),
  onError: Type.Enum(['block', 'allow'], {
    description:
      'What happens to text without a verdict. block: the answer ends as if flagged, or fails with MODERATION_UNAVAILABLE where nothing of it has left. allow: the text passes.',
  }),
  message: endingMessage('Words for the client at the end of a blocked answer.'),
  channels: channelOption(channels, 'Kinds of text that are judged.'),
});

/** Longest part of a sentence that is judged at a time: some of the rest can be read meanwhile. */
const longestPart = 0.5;

/**
 * Has the answer judged by somebody else while it streams. Text is read ahead and waits for its verdict, so nothing is
 * ever shown unjudged; several checks go on at a time. Flagged text ends the answer the way a provider ends one that its
 * filter has stopped. Arguments of tools are judged as their strings, decoded.
 */
export const moderate = defineModifier({
  type: 'moderate',
  summary:
    'Has the answer judged by a service or another pipeline before it is shown, and ends it where it is flagged.',
  config,
  needs: ['http', 'pipelines'],
  guard: true,
  examples: [
    {
      title: "A moderations endpoint; where it can't be reached, the text passes",
      config: {
        check: {
          url: 'https://api.openai.com/v1/moderations',
          model: 'omni-moderation-latest',
          thresholds: { violence: 0.6 },
        },
        onError: 'allow',
      },
      given: ['All is well. And so', ' it goes on.'],
      expect: 'All is well. And so it goes on.',
    },
    {
      title: 'A webhook on the private network, by length with an overlap',
      config: {
        check: { url: 'http://moderation.internal/check', format: 'webhook', network: 'private', timeout: '500ms' },
        window: { characters: 400, overlap: 40 },
        onError: 'allow',
      },
      given: ['Every four hundred characters, ', 'the webhook is asked.'],
      expect: 'Every four hundred characters, the webhook is asked.',
    },
    {
      title: 'A pipeline that answers safe or unsafe',
      config: {
        check: { pipeline: 'judge', flaggedWhen: 'unsafe', passesWhen: 'safe' },
        ahead: 4_000,
        onError: 'allow',
      },
      given: ['No judge', ' is here.'],
      expect: 'No judge is here.',
    },
  ],
  create(options, { http, pipelines }): EventModifier {
    const { window, ahead, parallel, message } = options;
    const { characters, time, overlap = 0 } = window === 'sentence' ? {} : window;
    if (window !== 'sentence' && (characters === undefined) === (time === undefined))
      throw new TypeError('window needs either "characters" or "time"');
    if (characters !== undefined && characters > ahead)
      throw new RangeError('"ahead" must be at least window.characters');
    const ask = checkOf(options.check, { http, pipelines });
    const ending = blockedEnding(message);
    const mayPass = options.onError === 'allow';
    const longest = Math.floor(ahead * longestPart);
    const cutter = (): SegmentCutter =>
      window === 'sentence'
        ? cutBySentence({ maxCharacters: longest, fences: false })
        : cutByLength(characters ?? longest);
    const segments = {
      channels: options.channels,
      cutter,
      ...(time !== undefined && { milliseconds: parseDuration(time) }),
      ahead,
      parallel,
      context: { unit: 'characters', count: overlap },
      readsAll: true,
      work: (task: SegmentTask, run: Run) => judge(ask, task, run, { ending, mayPass }),
    } as const;
    return {
      effect: 'events' as const,
      channels: options.channels,
      policy: { mode: 'window', maxHeldCharacters: ahead },
      open: (run, control) => new SegmentStage(segments, run, control),
    };
  },
});

type Options = Parameters<typeof moderate.create>[0];

function checkOf(options: Options['check'], { http, pipelines }: Parameters<typeof moderate.create>[1]): Check {
  const { url, pipeline, timeout = '5s', format = 'openai', network = 'public', ...rest } = options;
  const timeoutMilliseconds = parseDuration(timeout);
  if (url !== undefined && pipeline === undefined) {
    if (!URL.canParse(url)) throw new TypeError('check.url is no address');
    return checkByService({ ...rest, url, format, network, timeoutMilliseconds }, http);
  }
  if (pipeline === undefined || url !== undefined) throw new TypeError('check needs either "url" or "pipeline"');
  return checkByPipeline({ ...rest, pipeline, timeoutMilliseconds }, pipelines);
}

async function judge(
  ask: Check,
  task: SegmentTask,
  run: Run,
  { ending, mayPass }: { readonly ending: AnswerEnding; readonly mayPass: boolean },
): Promise<SegmentOutcome> {
  try {
    const { flagged, categories } = await ask(task, run);
    if (!flagged) return { action: 'pass' };
    run.meter.count('moderation_flagged');
    run.log.info('moderation ended an answer', { channel: task.channel, categories });
    return { action: 'stop', ending };
  } catch (cause) {
    if (run.signal.aborted) return { action: 'fail', error: asSluiceError(cause) };
    return withoutVerdict(cause, run, { ending, mayPass });
  }
}

function withoutVerdict(
  cause: unknown,
  run: Run,
  { ending, mayPass }: { readonly ending: AnswerEnding; readonly mayPass: boolean },
): SegmentOutcome {
  const { code, context } = asSluiceError(cause, 'MODERATION_UNAVAILABLE');
  run.meter.count('moderation_failures');
  run.log.warn(mayPass ? 'text passes without a verdict' : 'text without a verdict is blocked', { code, ...context });
  if (!mayPass) return { action: 'fail', error: new SluiceError('MODERATION_UNAVAILABLE', { cause }), ending };
  run.progress('moderate', 'A part of the answer could not be checked.');
  return { action: 'pass' };
}
