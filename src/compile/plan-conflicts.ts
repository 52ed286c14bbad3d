import type { Bound } from '../kernel/bound-modifier.ts';
import type { Channel, Modifier, TextModifier } from '../kernel/modifier.ts';
import { systemClock } from '../kernel/clock.ts';
import { anonymousCaller, type Log } from '../kernel/run.ts';
import { RunOfRequest } from './run-of-request.ts';

export interface Conflict {
  readonly code: string;
  readonly message: string;
  /** Index of the step that it is reported at. */
  readonly step: number;
}

const maxShown = 40;
const silent: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/**
 * Steps that work against each other. It is found out by trying: each modifier names texts that it would change, and they
 * are sent through those before it. Only a modifier that rewrites text can be tried; one that is conditional may not run,
 * and is tried all the same.
 */
export function findConflicts(steps: readonly Bound<Modifier>[]): Conflict[] {
  return steps.flatMap((later, step) =>
    steps.slice(0, step).flatMap((earlier, place) => {
      const conflict = conflictOf(earlier, later, place, step);
      return conflict === undefined ? [] : [{ ...conflict, step }];
    }),
  );
}

function conflictOf(
  earlier: Bound<Modifier>,
  later: Bound<Modifier>,
  place: number,
  step: number,
): Omit<Conflict, 'step'> | undefined {
  const { modifier } = earlier;
  if (modifier.effect !== 'text') return undefined;
  const shared = modifier.channels.find((channel) => later.modifier.channels?.includes(channel) !== false);
  if (shared === undefined) return undefined;
  const [before, behind] = [nameOf(earlier, place), nameOf(later, step)];
  if (earlier.guard && later.modifier.rewrites?.restores === true) {
    return {
      code: 'plan.restored-unread',
      message: `${behind} puts text back behind ${before}, which protects and does not see it; put the one that restores in front`,
    };
  }
  const hidden = later.modifier.rewrites?.samples.find((text) => changes(modifier, shared, text));
  if (hidden === undefined) return undefined;
  return {
    code: 'plan.rewritten-twice',
    message: `${before} rewrites what ${behind} looks for, such as ${JSON.stringify(hidden.slice(0, maxShown))}, so the later one never sees it`,
  };
}

function changes(modifier: TextModifier, channel: Channel, text: string): boolean {
  return modifier.actsAtEnd !== true && rewrite(modifier, channel, text) !== text;
}

/** What a modifier makes of a whole text. One that fails on it says nothing about the order of steps. */
function rewrite(modifier: TextModifier, channel: Channel, text: string): string {
  const run = new RunOfRequest({
    id: 'plan',
    pipeline: 'plan',
    revision: '',
    caller: anonymousCaller,
    params: {},
    deadline: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silent,
    meter: { count: () => {} },
    presented: () => undefined,
    onProgress: () => {},
  });
  try {
    const rewriter = modifier.open(run, { channel, choice: 0, first: false, stop: () => {} });
    return rewriter.text(text) + rewriter.flush();
  } catch {
    return text;
  }
}

function nameOf({ name }: Bound<Modifier>, index: number): string {
  return `"${name}" (/modifiers/${index})`;
}
