import { copyJson, isRecord } from '../../src/definitions/json-pointer.ts';
import { prepareSchema } from '../../src/definitions/prepare-schema.ts';
import { SchemaValidator, type Marks } from '../../src/definitions/schema-validator.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import type { AnyComponent } from '../../src/kernel/component.ts';
import { Secret } from '../../src/kernel/schema.ts';

/** Stands for what a secret of an example would hold. */
export const exampleSecret = 'example-secret-4711';

/** What a config can refer to; its own shape is not what is looked at here. */
const anyComponent = Object.fromEntries(
  ['processor', 'token-provider', 'backend', 'modifier'].map((kind) => [kind, { type: 'object' }]),
);

/** The mistakes of a config, and the config as `create` gets it: with its defaults, and a `Secret` for each secret. */
export function buildConfig(component: AnyComponent, config: unknown): { mistakes: string[]; built: unknown } {
  const validator = new SchemaValidator();
  validator.add({ ...prepareSchema(component.config), $defs: anyComponent }, 'config');
  const { value, errors, marks } = validator.check('config', copyJson(config));
  const mistakes = errors.map(({ instancePath, message = '' }) => `${instancePath}: ${message}`);
  return { mistakes, built: withSecrets(value, '', marks) };
}

function withSecrets(value: unknown, pointer: string, marks: Marks): unknown {
  if (marks.secrets.has(pointer)) return new Secret('of an example', () => exampleSecret);
  if (Array.isArray(value)) return value.map((item, index) => withSecrets(item, `${pointer}/${index}`, marks));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withSecrets(item, `${pointer}/${key}`, marks)]),
  );
}

type Create<C extends AnyComponent> = (config: unknown, capabilities: Partial<Capabilities>) => ReturnType<C['create']>;

/** Creates a component as `compile` does: with a checked config, and with the capabilities that it named. */
export function createInstance<C extends AnyComponent>(
  component: C,
  config: unknown,
  capabilities: Capabilities,
): ReturnType<C['create']> {
  const { mistakes, built } = buildConfig(component, config);
  if (mistakes.length > 0) throw new TypeError(`${component.type}: ${mistakes.join('; ')}`);
  const named = Object.fromEntries(component.needs.map((need) => [need, capabilities[need]]));
  return (component.create as Create<C>)(built, named);
}
