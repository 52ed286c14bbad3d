import Type from 'typebox';
import { channelOption, proseChannels } from '../kernel/channel-option.ts';
import { parseDuration } from '../kernel/clock.ts';
import { defineModifier } from '../kernel/component.ts';
import type { EventModifier } from '../kernel/modifier.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { PipelineCall, PipelineCaller } from '../kernel/pipeline-caller.ts';
import type { Run } from '../kernel/run.ts';
import { defaulted, Duration, Name, pipelineName, strictObject, type Configured } from '../kernel/schema.ts';
import type { SegmentOutcome } from '../kernel/segments/segment-lane.ts';
import { cutBySentence } from '../kernel/segments/segment-sentences.ts';
import { SegmentStage, type SegmentTask } from '../kernel/segments/segment-stage.ts';
import { StepRun } from '../kernel/step-run.ts';
import { supervise } from '../kernel/supervise.ts';

const optional = Type.Optional;

const config = strictObject({
  pipeline: pipelineName({
    description: 'The pipeline that translates: each sentence is the one message that it gets.',
  }),
  language: Type.String({
    minLength: 1,
    maxLength: 64,
    description: 'The language to translate into, in words: "German".',
  }),
  languageParam: optional({
    ...Name,
    description: 'A parameter of this pipeline that names the language, where the caller sends it.',
  }),
  system: defaulted(
    Type.String({
      maxLength: 16_384,
      description: 'Instruction for the pipeline; {language} stands for the language.',
    }),
    'Translate the text of the user into {language}. Keep its Markdown. Answer with the translation and nothing else.',
  ),
  params: optional(
    Type.Record(Type.String({ maxLength: 64 }), Type.Unknown(), {
      description: 'Parameters for the pipeline; a text that is {language} stands for the language.',
    }),
  ),
  context: defaulted(
    Type.Integer({
      minimum: 0,
      maximum: 8,
      description: 'Sentences in front of each one that are told with it, untranslated.',
    }),
    0,
  ),
  keepCode: defaulted(Type.Boolean({ description: 'Fenced code stays as it is, and is shown as it comes.' }), true),
  onFailure: defaulted(
    Type.Enum(['original', 'fail'], {
      description:
        'What happens to a sentence without a translation. original: it stays as it is. fail: the run fails.',
    }),
    'original',
  ),
  timeout: defaulted({ ...Duration, description: 'For one sentence.' }, '30s'),
  ahead: defaulted(
    Type.Integer({
      minimum: 64,
      maximum: 32_768,
      description:
        'Characters of an answer that may wait for their translation; when they do, the provider is read no further.',
    }),
    4_000,
  ),
  parallel: defaulted(Type.Integer({ minimum: 1, maximum: 16, description: 'Sentences in translation at a time.' }), 4),
  channels: channelOption(proseChannels, 'Kinds of text that are translated.', ['text', 'refusal']),
});
type Options = Configured<typeof config>;

/** A translation may be so many times as long as its sentence, and some more; beyond that it is none. */
const mostGrowth = 16;
const someMore = 4_096;
const languageForm = /^[\p{L}\p{M}\p{N} ()_-]{1,64}$/u;

/**
 * Translates the answer sentence by sentence through another pipeline while it streams. Several sentences are in
 * translation at a time and leave in order; the white space between them stays. A sentence without a letter is left alone.
 */
export const translate = defineModifier({
  type: 'translate',
  summary: 'Translates the answer sentence by sentence through another pipeline, in order and while it streams.',
  config,
  needs: ['pipelines'],
  guard: false,
  examples: [
    {
      title: 'Where no translation comes, a sentence stays as it is',
      config: { pipeline: 'translator', language: 'German' },
      given: ['Good mor', 'ning.  How are', ' you?'],
      expect: 'Good morning.  How are you?',
    },
    {
      title: 'The language of the caller, two sentences of context, and code as it is',
      config: {
        pipeline: 'translator',
        language: 'English',
        languageParam: 'language',
        params: { target: '{language}' },
        context: 2,
      },
      given: ['Run this:\n``', '`sh\nnpm test\n```\n', 'Done.'],
      expect: 'Run this:\n```sh\nnpm test\n```\nDone.',
    },
  ],
  create(options, { pipelines }): EventModifier {
    const { channels, ahead, parallel, context, keepCode } = options;
    const maxCharacters = Math.floor(ahead / 2);
    const segments = {
      channels,
      cutter: () => cutBySentence({ maxCharacters, fences: keepCode }),
      ahead,
      parallel,
      context: { unit: 'segments', count: context },
      readsAll: false,
      work: (task: SegmentTask, run: Run) => translated(task, run, options, pipelines),
    } as const;
    return {
      effect: 'events' as const,
      channels,
      policy: { mode: 'window', maxHeldCharacters: ahead },
      open: (run, control) => new SegmentStage(segments, run, control),
    };
  },
});

function translated(
  task: SegmentTask,
  run: Run,
  options: Options,
  pipelines: PipelineCaller,
): SegmentOutcome | Promise<SegmentOutcome> {
  if (!/\p{L}/u.test(task.text)) return { action: 'pass' };
  return ask(task, run, options, pipelines);
}

async function ask(task: SegmentTask, run: Run, options: Options, pipelines: PipelineCaller): Promise<SegmentOutcome> {
  const { text } = task;
  const core = text.trim();
  const start = text.length - text.trimStart().length;
  try {
    const { text: answer, finish } = await supervise(
      {
        what: 'translate',
        run,
        timeoutMilliseconds: parseDuration(options.timeout),
        timeoutCode: 'MODIFIER_FAILED',
        failureCode: 'MODIFIER_FAILED',
      },
      (signal) => pipelines.call(options.pipeline, callOf(task, core, run, options), new StepRun(run, signal)),
    );
    const translation = answer.trim();
    const isOne = finish === 'stop' && translation !== '' && translation.length <= core.length * mostGrowth + someMore;
    if (!isOne)
      throw new SluiceError('MODIFIER_FAILED', {
        context: { reason: 'no translation', finish, length: translation.length },
      });
    if (translation === core) return { action: 'pass' };
    return { action: 'replace', text: text.slice(0, start) + translation + text.slice(start + core.length) };
  } catch (cause) {
    return withoutTranslation(cause, run, options);
  }
}

function withoutTranslation(cause: unknown, run: Run, { onFailure }: Options): SegmentOutcome {
  const error = asSluiceError(cause, 'MODIFIER_FAILED');
  if (run.signal.aborted || onFailure === 'fail') return { action: 'fail', error };
  run.meter.count('translation_failures');
  run.log.warn('a sentence is not translated', { code: error.code, ...error.context });
  return { action: 'pass' };
}

function callOf(task: SegmentTask, core: string, run: Run, options: Options): PipelineCall {
  const language = languageOf(run, options);
  const instruction = options.system.replaceAll('{language}', () => language);
  const before = task.before.trim();
  const context = before === '' ? '' : `\n\nThe text goes on from here. This part is not to be translated:\n${before}`;
  const params = Object.entries(options.params ?? {}).map(([name, value]) => [
    name,
    value === '{language}' ? language : value,
  ]);
  return {
    system: instruction + context,
    user: core,
    ...(params.length > 0 && { params: Object.fromEntries(params) as Record<string, unknown> }),
  };
}

/** The caller's word stands in an instruction, so it must look like a language. */
function languageOf(run: Run, { language, languageParam }: Options): string {
  const asked = languageParam === undefined ? undefined : run.params[languageParam];
  return typeof asked === 'string' && languageForm.test(asked) ? asked : language;
}
