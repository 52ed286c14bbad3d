import { copyJson, isRecord } from '../../src/definitions/json-pointer.ts';
import { prepareSchema } from '../../src/definitions/prepare-schema.ts';
import { SchemaValidator, type Marks } from '../../src/definitions/schema-validator.ts';
import type { Capabilities } from '../../src/kernel/capability.ts';
import type { AnyComponent } from '../../src/kernel/component.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { linkOf } from '../../src/kernel/tokens/token-link.ts';
import type { TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { makeCertificate } from './test-certificate.ts';

/** Stands for what a secret of an example would hold, where that is no key. */
export const exampleSecret = 'example-secret-4711';

const hosts = ['sluice.example.com'];
const [ofRsa, ofCurve] = [makeCertificate({ hosts, kind: 'rsa' }), makeCertificate({ hosts })];

/** A key, a certificate or a key file for a field that takes nothing else. */
function exampleText(pointer: string, usesCurve: boolean): string {
  const { key, certificate } = usesCurve ? ofCurve : ofRsa;
  if (pointer.endsWith('/privateKey')) return key;
  if (pointer.endsWith('/certificate')) return certificate;
  if (!pointer.endsWith('/credentials/key')) return exampleSecret;
  return JSON.stringify({ type: 'service_account', client_email: 'a@example.com', private_key: key });
}

/** What a config can refer to; its own shape is not what is looked at here. */
const anyComponent = Object.fromEntries(
  ['processor', 'token-provider', 'backend', 'modifier'].map((kind) => [kind, { type: 'object' }]),
);

/** Puts something in the place of a value that a schema has marked; undefined leaves it. */
type Replace = (value: unknown, pointer: string, marks: Marks) => unknown;

/** The mistakes of a config, and the config as `create` gets it: with its defaults, and a `Secret` for each secret. */
export function buildConfig(
  component: AnyComponent,
  config: unknown,
  replace: Replace = () => undefined,
): { mistakes: string[]; built: unknown } {
  const validator = new SchemaValidator();
  validator.add({ ...prepareSchema(component.config), $defs: anyComponent }, 'config');
  const { value, errors, marks } = validator.check('config', copyJson(config));
  const mistakes = errors.map(({ instancePath, message = '' }) => `${instancePath}: ${message}`);
  const usesCurve = JSON.stringify(config).includes('"ES256"');
  const fill: Replace = (inner, pointer) =>
    marks.secrets.has(pointer)
      ? new Secret('OF_AN_EXAMPLE', () => exampleText(pointer, usesCurve))
      : replace(inner, pointer, marks);
  return { mistakes, built: filled(value, '', marks, fill) };
}

function filled(value: unknown, pointer: string, marks: Marks, replace: Replace): unknown {
  const replaced = replace(value, pointer, marks);
  if (replaced !== undefined) return replaced;
  if (Array.isArray(value)) return value.map((item, index) => filled(item, `${pointer}/${index}`, marks, replace));
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, filled(item, `${pointer}/${key}`, marks, replace)]),
  );
}

type Create<C extends AnyComponent> = (config: unknown, capabilities: Partial<Capabilities>) => ReturnType<C['create']>;

/**
 * Creates a component as `compile` does: with a checked config, with the capabilities that it named, and with the token
 * providers that it wraps, for which a registry is asked.
 */
export function createInstance<C extends AnyComponent>(
  component: C,
  config: unknown,
  capabilities: Capabilities,
  registry?: Registry,
): ReturnType<C['create']> {
  const link: Replace = (value, pointer, { references }) => {
    if (references.get(pointer)?.kind !== 'token-provider' || !isRecord(value)) return undefined;
    const type = String(value['type']);
    const inner = registry?.get('token-provider', type);
    if (inner === undefined) throw new TypeError(`${component.type}: there is no token provider "${type}"`);
    const provider: TokenProvider = createInstance(inner, value['config'] ?? {}, capabilities, registry);
    return linkOf({ name: type, type, provider }, capabilities);
  };
  const { mistakes, built } = buildConfig(component, config, link);
  if (mistakes.length > 0) throw new TypeError(`${component.type}: ${mistakes.join('; ')}`);
  const named = Object.fromEntries(component.needs.map((need) => [need, capabilities[need]]));
  return (component.create as Create<C>)(built, named);
}
