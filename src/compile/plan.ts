import type { ResolvedModifier } from '../definitions/resolved-pipeline.ts';
import { chainMode, type ChainMode } from '../kernel/answer-chain.ts';
import type { Bound } from '../kernel/bound-modifier.ts';
import { channels, type Channel, type Modifier, type ModifierPhase, type StreamPolicy } from '../kernel/modifier.ts';
import type { Diagnostic } from '../definitions/diagnostic.ts';
import { findConflicts } from './plan-conflicts.ts';

/** One modifier of a pipeline, as the plan shows it. */
export interface PlannedStep {
  readonly name: string;
  readonly type: string;
  readonly phase: ModifierPhase;
  readonly effect: Modifier['effect'];
  /** What it reads; of one that works on whole events, what it says it reads. */
  readonly channels: readonly Channel[];
  readonly policy: StreamPolicy;
  /** It protects: when it fails, nothing leaves. */
  readonly guard: boolean;
  /** It runs only where its condition holds. */
  readonly conditional: boolean;
}

/** What the modifiers of a pipeline do to a stream, known when it is loaded; conditions are taken as true. */
export interface PipelinePlan {
  readonly mode: ChainMode;
  /**
   * The most text of one block, in UTF-16 code units, that is held back at any time: each modifier may hold what the one
   * before it let go, so the bounds add up. `whole` where a modifier wants the whole answer.
   */
  readonly maxHeldCharacters: number | 'whole';
  readonly steps: readonly PlannedStep[];
}

export interface PlannedModifier extends Bound<Modifier> {
  readonly resolved: ResolvedModifier;
}

export function planOf(modifiers: readonly PlannedModifier[]): PipelinePlan {
  return {
    mode: chainMode(modifiers),
    maxHeldCharacters: mostHeld(modifiers),
    steps: modifiers.map(({ name, guard, modifier, resolved: { type, phase, when } }) => ({
      name,
      type,
      phase,
      effect: modifier.effect,
      channels: modifier.channels ?? channels,
      policy: modifier.policy,
      guard,
      conditional: when !== undefined,
    })),
  };
}

/**
 * Steps that work against each other, as warnings at their places in the definition `file`: their order is its author's,
 * also where the steps themselves are shared ones.
 */
export function checkPlan(file: string, modifiers: readonly PlannedModifier[]): Diagnostic[] {
  return findConflicts(modifiers).map(({ code, message, step }) => ({
    code,
    severity: 'warning',
    message,
    file,
    pointer: `/modifiers/${step}`,
    line: 1,
    column: 1,
  }));
}

/** On one line, such as `splice; holds 12; mask: window 7, restore: window 5`. */
export function describePlan({ mode, maxHeldCharacters, steps }: PipelinePlan): string {
  const shown = steps.map(({ name, policy, phase }) => {
    const held = policy.mode === 'window' ? `window ${policy.maxHeldCharacters}` : policy.mode;
    return `${name}: ${held}${phase === 'end' ? ' at the end' : ''}`;
  });
  return [mode, `holds ${maxHeldCharacters}`, ...(shown.length > 0 ? [shown.join(', ')] : [])].join('; ');
}

function mostHeld(modifiers: readonly Bound<Modifier>[]): number | 'whole' {
  if (modifiers.some(({ modifier: { policy } }) => policy.mode === 'buffer')) return 'whole';
  const sums = channels.map((channel) =>
    modifiers
      .filter(({ modifier }) => modifier.channels?.includes(channel) !== false)
      .reduce((sum, { modifier: { policy } }) => sum + (policy.mode === 'window' ? policy.maxHeldCharacters : 0), 0),
  );
  return Math.max(...sums);
}
