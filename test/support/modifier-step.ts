import type { Bound } from '../../src/kernel/bound-modifier.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import type { ModifierComponent } from '../../src/kernel/component.ts';
import type { Modifier, ModifierPhase } from '../../src/kernel/modifier.ts';
import type { FinishReason } from '../../src/kernel/event.ts';
import { buildConfig } from './component-instance.ts';
import { productRegistry } from './sluice.ts';
import { testRun } from './test-run.ts';

const registry = await productRegistry();

export interface StepOptions {
  readonly phase?: ModifierPhase;
  /** Whom it asks. */
  readonly world?: Partial<Pick<Capabilities, 'http' | 'pipelines'>>;
  /** What `when` says of the reason of the end. */
  readonly endCondition?: (finish: FinishReason) => boolean;
}

type Create = (
  config: unknown,
  capabilities: Readonly<Record<string, unknown>>,
  phase?: ModifierPhase,
) => ReturnType<ModifierComponent['create']>;

/** A modifier of the product as a step of a pipeline, by its type; made once, it serves many runs. */
export function modifierStep(
  type: string,
  config: Readonly<Record<string, unknown>> = {},
  { phase, world = {}, endCondition }: StepOptions = {},
): Bound<Modifier> {
  const component = registry.get('modifier', type);
  if (component === undefined) throw new Error(`no modifier ${type}`);
  const { mistakes, built } = buildConfig(component, config);
  if (mistakes.length > 0) throw new TypeError(`${type}: ${mistakes.join('; ')}`);
  const capabilities: Capabilities = { ...testRun().capabilities, ...world };
  const named = Object.fromEntries(component.needs.map((need) => [need, capabilities[need]]));
  const modifier = (component.create as Create)(built, named, phase);
  return { name: type, guard: component.guard, onError: 'fail', modifier, ...(endCondition && { endCondition }) };
}
