import { createExpressions } from '../src/compile/expressions.ts';
import { copyJson } from '../src/definitions/json-pointer.ts';
import { prepareSchema } from '../src/definitions/prepare-schema.ts';
import { SchemaValidator } from '../src/definitions/schema-validator.ts';
import type { Bound } from '../src/kernel/bound-modifier.ts';
import type { Capabilities } from '../src/kernel/capability.ts';
import { systemClock } from '../src/kernel/clock.ts';
import type { AnyComponent, ModifierComponent } from '../src/kernel/component.ts';
import type { Modifier } from '../src/kernel/modifier.ts';
import { formatStream } from '../src/modifiers/format-stream.ts';
import { insert } from '../src/modifiers/insert.ts';
import { jsonGuard } from '../src/modifiers/json-guard.ts';
import { maskPatterns } from '../src/modifiers/mask-patterns.ts';
import { maskWords } from '../src/modifiers/mask-words.ts';
import { replace } from '../src/modifiers/replace.ts';
import { restorePlaceholders } from '../src/modifiers/restore-placeholders.ts';
import { stopWhen } from '../src/modifiers/stop-when.ts';
import type { StepDefinition } from './modifier-chains.ts';

/** Those that work on text and wait for nobody. */
const components: readonly AnyComponent[] = [
  formatStream,
  insert,
  jsonGuard,
  maskPatterns,
  maskWords,
  replace,
  restorePlaceholders,
  stopWhen,
];

const isModifier = (component: AnyComponent): component is ModifierComponent => component.kind === 'modifier';

/** What these components ask for. */
const capabilities: Pick<Capabilities, 'clock' | 'expressions'> = {
  clock: systemClock,
  expressions: createExpressions(),
};

type Create = (config: unknown, capabilities: Partial<Capabilities>) => Modifier;

/** A modifier as `compile` makes it of a step without a condition: its config is checked and has its defaults. */
export function buildModifier({ name, type, config }: StepDefinition): Bound<Modifier> {
  const component = components.filter(isModifier).find((candidate) => candidate.type === type);
  if (component === undefined) throw new TypeError(`the bench has no modifier "${type}"`);
  const validator = new SchemaValidator();
  validator.add(prepareSchema(component.config), type);
  const { value, errors } = validator.check(type, copyJson(config));
  const [mistake] = errors;
  if (mistake !== undefined) throw new TypeError(`${name}: ${mistake.instancePath} ${mistake.message ?? ''}`);
  const modifier = (component.create as Create)(value, capabilities);
  return { name, guard: component.guard, onError: 'fail', modifier };
}
