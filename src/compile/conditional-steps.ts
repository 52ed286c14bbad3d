import type { Modifier, ModifierPhase } from '../kernel/modifier.ts';
import type { Condition } from '../kernel/condition.ts';
import type { FinishReason } from '../kernel/event.ts';
import type { ProcessorStep } from '../kernel/request-chain.ts';
import type { Bound } from '../kernel/bound-modifier.ts';
import type { CompiledPipeline } from './compiled-pipeline.ts';

/** A step with the condition that the definition sets; undefined for one that always runs. */
export type Conditional<S> = S & { readonly condition: Condition | undefined };

/** Without conditions every run gets the same list, made once. */
export function conditionalProcessors(steps: readonly Conditional<ProcessorStep>[]): CompiledPipeline['processors'] {
  if (steps.every(({ condition }) => condition === undefined)) return () => steps;
  return ({ caller, params }) =>
    steps.map(({ condition, ...step }) =>
      condition === undefined ? step : { ...step, when: (request) => condition({ request, caller, params }) },
    );
}

export interface ConditionalModifier extends Conditional<Bound<Modifier>> {
  readonly phase: ModifierPhase;
}

/**
 * Decided once per run, before the first content, so that an answer is never half masked; of a step that acts at the end,
 * when it is known why the answer ends.
 */
export function conditionalModifiers(steps: readonly ConditionalModifier[]): CompiledPipeline['modifiers'] {
  if (steps.every(({ condition }) => condition === undefined)) return () => steps;
  return (source) =>
    steps.flatMap((step) => {
      const { condition, phase } = step;
      if (condition === undefined) return [step];
      if (phase === 'stream') return condition(source) ? [step] : [];
      const endCondition = (finishReason: FinishReason): boolean =>
        condition({ ...source, response: { ...source.response, finishReason } });
      return [{ ...step, endCondition }];
    });
}
