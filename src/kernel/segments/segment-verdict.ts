import { SluiceError } from '../errors.ts';
import type { HttpCaller } from '../http-caller.ts';
import { isObject } from '../json/json-value.ts';
import type { PipelineAnswer, PipelineCaller } from '../pipeline-caller.ts';
import type { Run } from '../run.ts';
import type { Secret } from '../schema.ts';
import type { SegmentTask } from './segment-stage.ts';
import { StepRun } from '../step-run.ts';
import { supervise } from '../supervise.ts';

/** What a check says of a text. */
export interface Verdict {
  readonly flagged: boolean;
  /** Short codes of what it was flagged for; never text of the answer. */
  readonly categories: readonly string[];
}

/** Rejects with MODERATION_UNAVAILABLE where there is no verdict; its context says why, without text. */
export type Check = (task: SegmentTask, run: Run) => Verdict | Promise<Verdict>;

export interface ServiceCheck {
  readonly url: string;
  readonly format: 'openai' | 'webhook';
  readonly model?: string;
  readonly token?: Secret;
  readonly thresholds?: Readonly<Record<string, number>>;
  readonly network: 'public' | 'private';
  readonly timeoutMilliseconds: number;
}

export interface PipelineCheck {
  readonly pipeline: string;
  readonly system?: string;
  /** The whole answer that flags, or the field of a JSON answer that does. */
  readonly flaggedWhen?: string | { readonly field: string; readonly equals?: unknown };
  /** The whole answer that passes; with it, any answer that is neither is no verdict. */
  readonly passesWhen?: string;
  readonly timeoutMilliseconds: number;
}

/** Of the answer of a service. */
const maxAnswerBytes = 262_144;
const maxCategories = 16;
const codeForm = /^[a-z][a-z0-9_/-]{0,63}$/;
const unavailable = 'MODERATION_UNAVAILABLE';

/** Asks a service over HTTP. */
export function checkByService(options: ServiceCheck, http: HttpCaller): Check {
  const { url, format, network, timeoutMilliseconds } = options;
  const read = format === 'openai' ? readModerations : readWebhook;
  return (task, run) =>
    bounded(run, timeoutMilliseconds, async (signal) => {
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json',
        ...authorization(options.token),
      };
      const body = JSON.stringify(bodyOf(options, task, run));
      const answer = await http.call(
        { method: 'POST', url, headers, body, network, timeoutMilliseconds, maxBytes: maxAnswerBytes },
        { signal },
      );
      if (answer.status < 200 || answer.status > 299) throw noVerdict('status', { status: answer.status });
      return read(parseJson(answer.body), options.thresholds ?? {});
    });
}

/** Asks another pipeline of this process. */
export function checkByPipeline(options: PipelineCheck, pipelines: PipelineCaller): Check {
  const { pipeline, system, timeoutMilliseconds } = options;
  return (task, run) =>
    bounded(run, timeoutMilliseconds, async (signal) => {
      const request = { user: task.before + task.text, ...(system !== undefined && { system }) };
      return readAnswer(await pipelines.call(pipeline, request, new StepRun(run, () => signal)), options);
    });
}

function bounded(run: Run, timeoutMilliseconds: number, call: (signal: AbortSignal) => Promise<Verdict>) {
  const limits = { what: 'moderate', timeoutMilliseconds, timeoutCode: unavailable, failureCode: unavailable } as const;
  return supervise({ ...limits, run }, (signal) => call(signal()));
}

function authorization(token: Secret | undefined): Record<string, string> {
  if (token === undefined) return {};
  const value = token.reveal().trim();
  if (value === '' || /[^\x21-\x7e]/.test(value)) throw noVerdict('token is not usable in a header');
  return { authorization: `Bearer ${value}` };
}

function bodyOf({ format, model }: ServiceCheck, { before, text, channel }: SegmentTask, run: Run): unknown {
  if (format === 'openai') return { ...(model !== undefined && { model }), input: before + text };
  return { text: before + text, context: { pipeline: run.pipeline, run: run.id, channel } };
}

function readModerations(answer: unknown, thresholds: Readonly<Record<string, number>>): Verdict {
  const results: unknown = isObject(answer) ? answer['results'] : undefined;
  if (!Array.isArray(results) || results.length === 0) throw noVerdict('no results');
  const verdicts = results.map((result) => readResult(result, thresholds));
  return verdict(
    verdicts.some(({ flagged }) => flagged),
    verdicts.flatMap(({ categories }) => categories),
  );
}

/** With thresholds, these decide for their categories, and the service for all others. */
function readResult(result: unknown, thresholds: Readonly<Record<string, number>>): Verdict {
  if (!isObject(result) || typeof result['flagged'] !== 'boolean') throw noVerdict('a result without flagged');
  const categories = isObject(result['categories']) ? result['categories'] : {};
  const byService = Object.keys(categories).filter((name) => categories[name] === true);
  if (Object.keys(thresholds).length === 0) return { flagged: result['flagged'], categories: byService };
  const scores = isObject(result['category_scores']) ? result['category_scores'] : {};
  const byScore = Object.entries(thresholds).filter(([name, threshold]) => {
    const score = scores[name];
    if (typeof score !== 'number') throw noVerdict('no score for a threshold');
    return score >= threshold;
  });
  const flagging = [...byScore.map(([name]) => name), ...byService.filter((name) => !Object.hasOwn(thresholds, name))];
  // Flagged for what no category names: nothing of ours says otherwise.
  const unnamed = result['flagged'] && byService.length === 0 && Object.keys(categories).length === 0;
  return { flagged: flagging.length > 0 || unnamed, categories: flagging };
}

function readWebhook(answer: unknown): Verdict {
  if (!isObject(answer)) throw noVerdict('no object');
  const { flagged, action, reason } = answer as { flagged?: unknown; action?: unknown; reason?: unknown };
  if (flagged !== undefined && typeof flagged !== 'boolean') throw noVerdict('flagged is no boolean');
  if (action !== undefined && action !== 'block' && action !== 'allow') throw noVerdict('an unknown action');
  if (flagged === undefined && action === undefined) throw noVerdict('neither flagged nor action');
  return verdict(flagged === true || action === 'block', typeof reason === 'string' ? [reason] : []);
}

function readAnswer({ text, finish }: PipelineAnswer, { flaggedWhen, passesWhen }: PipelineCheck): Verdict {
  if (finish !== 'stop') throw noVerdict(`the pipeline finished with ${finish}`);
  const answer = text.trim();
  if (passesWhen !== undefined && isSame(answer, passesWhen)) return verdict(false, []);
  const flagged = typeof flaggedWhen === 'string' ? isSame(answer, flaggedWhen) : readField(answer, flaggedWhen);
  if (!flagged && passesWhen !== undefined) throw noVerdict('an answer that neither flags nor passes');
  return verdict(flagged, []);
}

function readField(
  answer: string,
  { field, equals = true }: { field: string; equals?: unknown } = { field: 'flagged' },
) {
  const value = parseJson(answer);
  if (!isObject(value) || !Object.hasOwn(value, field)) throw noVerdict('an answer without the field');
  return value[field] === equals;
}

function isSame(answer: string, expected: string): boolean {
  return answer.toLowerCase() === expected.trim().toLowerCase();
}

function verdict(flagged: boolean, categories: readonly string[]): Verdict {
  return {
    flagged,
    categories: [...new Set(categories)].filter((code) => codeForm.test(code)).slice(0, maxCategories),
  };
}

/** The error of the parser tells what it read, so it is not kept. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw noVerdict('no JSON');
  }
}

function noVerdict(reason: string, context: Readonly<Record<string, number>> = {}): SluiceError {
  return new SluiceError(unavailable, { context: { reason, ...context } });
}
