import { parseArgs } from 'node:util';
import type { InsideJob } from './inside-figures.ts';

/** How long and how wide a run is. */
export interface Profile {
  readonly name: 'full' | 'short';
  readonly rounds: number;
  /** Milliseconds of load, per kind of load and system, that warm the code up and are not counted. */
  readonly warmUp: number;
  /** The same for all kinds of load together, at least: a system that has only one kind must be as warm as the others. */
  readonly leastWarmUp: number;
  readonly ramp: number;
  readonly measure: number;
  /** Numbers of paced streams to try, the highest first: the first that mock and generator can keep up with is used. */
  readonly loneStreams: readonly number[];
  /** Events of each paced stream, and the window in milliseconds. */
  readonly loneEvents: number;
  readonly loneMeasure: number;
  readonly firstTokenMeasure: number;
  /** Turns in each round of the scenarios whose small differences count, and the window of one. */
  readonly modifierTurns: number;
  readonly modifierMeasure: number;
  readonly idleStreams: number;
  /** Streams that come and go in a fresh process before its memory is read. */
  readonly idleWarmUp: number;
  readonly idleSettle: number;
  /** What the bench inside of a process does. */
  readonly inside: Omit<InsideJob, 'modifiers' | 'patternSet' | 'tokens'>;
}

const full: Profile = {
  name: 'full',
  rounds: 3,
  warmUp: 10_000,
  leastWarmUp: 20_000,
  ramp: 400,
  measure: 2_500,
  loneStreams: [400, 200, 100],
  loneEvents: 200,
  loneMeasure: 3_000,
  firstTokenMeasure: 1_500,
  modifierTurns: 3,
  modifierMeasure: 1_000,
  idleStreams: 2_000,
  idleWarmUp: 1_500,
  idleSettle: 2_500,
  inside: { turns: 100, answers: 100, openStreams: 2_000, plays: 30, milliseconds: 400, eachKind: true },
};

const short: Profile = {
  name: 'short',
  rounds: 1,
  warmUp: 250,
  leastWarmUp: 1_250,
  ramp: 50,
  measure: 300,
  loneStreams: [100, 50],
  loneEvents: 50,
  loneMeasure: 700,
  firstTokenMeasure: 300,
  modifierTurns: 1,
  modifierMeasure: 250,
  idleStreams: 400,
  idleWarmUp: 250,
  idleSettle: 250,
  inside: { turns: 21, answers: 30, openStreams: 500, plays: 6, milliseconds: 50, eachKind: false },
};

export interface Settings {
  readonly profile: Profile;
  /** Empty means all. */
  readonly only: readonly string[];
  /** Empty means all; a name also selects those that begin with it and "-". */
  readonly systems: readonly string[];
  /** The file of the report; undefined prints it only. */
  readonly out: string | undefined;
}

export const usageText = `node bench/run.ts [--short] [--only <scenario,...>] [--systems <name,...>] [--out <file>]

--short     a minute and a half, for a quick look and for CI; the figures are rough
--only      json, single, burst, padded, translated, lone, ttft, idle, word-mask, pattern-set,
            tokens, modifiers (which is also modifiers-ttft and modifiers-inside)
--systems   nginx, pipe, sluice (all), sluice-empty, sluice-5+3, sluice-5+3-match, and for translated:
            sluice-openai-to-anthropic and the like; for modifiers: sluice-modifiers (all three)
--out       where the report goes; without it a full run of everything writes bench/RESULTS.md, others print it`;

const list = (text: string | undefined): string[] =>
  text === undefined
    ? []
    : text
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');

/** Throws where an option is unknown. `defaultOut` is for a full run of everything. */
export function readSettings(parameters: readonly string[], defaultOut: string): Settings {
  const { values } = parseArgs({
    args: [...parameters],
    options: {
      short: { type: 'boolean' },
      only: { type: 'string' },
      systems: { type: 'string' },
      out: { type: 'string' },
    },
  });
  const only = list(values.only);
  const systems = list(values.systems);
  const everything = values.short !== true && only.length === 0 && systems.length === 0;
  return {
    profile: values.short === true ? short : full,
    only,
    systems,
    out: values.out ?? (everything ? defaultOut : undefined),
  };
}

/** True for a name that was asked for, or when nothing was asked for. */
export function selects(asked: readonly string[], name: string): boolean {
  return (
    asked.length === 0 ||
    asked.some((item) => name === item || name.startsWith(`${item}-`) || name.startsWith(`${item}+`))
  );
}
