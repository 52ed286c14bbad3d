import Type, { type Static } from 'typebox';
import { Duration, strictObject } from './schema.ts';

/*
 * A provider that is played from the definition: a pipeline runs, and is tested, without a network and without a key.
 *
 *   "upstream": { "script": [ { "say": "Hello, you said: {{lastUserText}}" }, { "finish": "stop" } ] }
 *
 * The steps are played in order as the bytes of one HTTP answer, by a transport at the seam where the sockets are;
 * decoder, timers and everything above can't tell the difference. `say`, `finish` and `usage` write frames the way the
 * OpenAI chat completions API does; `sse`, `data` and `raw` write anything else, also what is broken on purpose.
 */

/** Steps of one script at most. */
export const maxScriptSteps = 1_000;

/** Status and headers of the answer; must come first. Without it: 200 and `text/event-stream`. */
export interface StatusStep {
  readonly status: number;
  /** Added to, or in place of, the default headers. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Text of the model, as one delta per word, or per `deltaCharacters` code points, with `delay` before each but the first. */
export interface SayStep {
  /** May hold `{{lastUserText}}`, the text of the last user message. */
  readonly say: string;
  readonly deltaCharacters?: number;
  readonly delay?: string;
}

/** The frame with the finish reason, such as `"stop"` or `"length"`. */
export interface FinishStep {
  readonly finish: string;
}

/** A frame with empty `choices` and this `usage` object. */
export interface UsageStep {
  readonly usage: Readonly<Record<string, unknown>>;
}

/** The terminator `data: [DONE]`. */
export interface DoneStep {
  readonly done: true;
}

/** One frame whose data is this JSON value. */
export interface SseStep {
  readonly sse: unknown;
}

/** One frame whose data is this text, valid or not. */
export interface DataStep {
  readonly data: string;
}

/** Bytes of the body as they are (UTF-8); no frame is made of them. */
export interface RawStep {
  readonly raw: string;
}

/** Nothing is sent for this long. */
export interface WaitStep {
  readonly wait: string;
}

/** The connection breaks here. */
export interface ResetStep {
  readonly reset: true;
}

/** The connection ends cleanly here, also where the answer is not complete. */
export interface EndStep {
  readonly end: true;
}

/** One step; exactly one of these forms. */
export type UpstreamStep =
  | StatusStep
  | SayStep
  | FinishStep
  | UsageStep
  | DoneStep
  | SseStep
  | DataStep
  | RawStep
  | WaitStep
  | ResetStep
  | EndStep;

const verbs = ['status', 'say', 'finish', 'usage', 'done', 'sse', 'data', 'raw', 'wait', 'reset', 'end'] as const;

/*
 * One strict object with all keys instead of a union of eleven objects: an editor then completes the keys, and a
 * mistake is reported at the key that is wrong.
 */
const Step = Type.Unsafe<UpstreamStep>({
  ...strictObject({
    status: Type.Optional(
      Type.Integer({ minimum: 100, maximum: 599, description: 'HTTP status; the first step. Default 200.' }),
    ),
    headers: Type.Optional(
      Type.Record(Type.String(), Type.String(), { description: 'With status: headers of the answer.' }),
    ),
    say: Type.Optional(
      Type.String({
        description: 'Text of the model; {{lastUserText}} is replaced by the text of the last user message.',
      }),
    ),
    deltaCharacters: Type.Optional(
      Type.Integer({ minimum: 1, description: 'With say: code points per delta. Default: one word per delta.' }),
    ),
    delay: Type.Optional({ ...Duration, description: 'With say: time between two deltas.' }),
    finish: Type.Optional(Type.String({ minLength: 1, description: 'The frame with the finish reason.' })),
    usage: Type.Optional(Type.Record(Type.String(), Type.Unknown(), { description: 'The frame with the usage.' })),
    done: Type.Optional(Type.Literal(true, { description: 'The terminator data: [DONE].' })),
    sse: Type.Optional(Type.Unknown({ description: 'One frame with this JSON as its data.' })),
    data: Type.Optional(Type.String({ description: 'One frame with this text as its data.' })),
    raw: Type.Optional(Type.String({ description: 'Bytes of the body as they are.' })),
    wait: Type.Optional({ ...Duration, description: 'Nothing is sent for this long.' }),
    reset: Type.Optional(Type.Literal(true, { description: 'The connection breaks.' })),
    end: Type.Optional(Type.Literal(true, { description: 'The connection ends cleanly.' })),
  }),
  dependentRequired: { headers: ['status'], deltaCharacters: ['say'], delay: ['say'] },
  oneOf: verbs.map((verb) => ({ required: [verb] })),
  'x-hint': `exactly one of ${verbs.join(', ')}`,
});

/** Schema of `upstream` of a backend. */
export const UpstreamScript = strictObject(
  {
    script: Type.Array(Step, {
      minItems: 1,
      maxItems: maxScriptSteps,
      description: 'What the provider does, step by step.',
    }),
    chunkBytes: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 1_048_576,
        description: 'Cuts the bytes of the whole body into pieces of this size, regardless of frames.',
      }),
    ),
  },
  { description: 'Plays the provider from memory. No socket is opened.' },
);

/** A validated script. Durations are text with a unit; `parseDuration` reads them. */
export type UpstreamScript = Static<typeof UpstreamScript>;
