import type { Clock } from '../kernel/clock.ts';
import { Secret, type SecretReference } from '../kernel/schema.ts';
import { SecretFile, type SecretProblem } from './secret-file.ts';

/** Names that may be read where the operator says nothing else. */
export const defaultEnvAllow: readonly string[] = ['*_API_KEY', '*_TOKEN', '*_SECRET', 'SLUICE_VAR_*'];

/** What secrets may be read from. Set by the operator, never by a definition. */
export interface SecretEnvironment {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Names of variables, with `*` for any text. */
  readonly envAllow: readonly string[];
  /** Folders under which a file must lie; a relative path is taken from the second. */
  readonly secretsDir: string;
  readonly pipelinesDir: string;
  readonly clock: Clock;
}

export function isSecretReference(value: unknown): value is SecretReference {
  const { $env, $file } = Object(value) as { $env?: unknown; $file?: unknown };
  return typeof $env === 'string' ? $file === undefined : typeof $file === 'string';
}

/**
 * The secret, or why there is none. It is read once here, so that what is missing is found at load. `onFile` gets a file
 * that may be read, whether it could be or not.
 */
export function resolveSecret(
  reference: SecretReference,
  environment: SecretEnvironment,
  onFile: (file: SecretFile) => void = () => undefined,
): Secret | SecretProblem {
  return '$env' in reference
    ? resolveVariable(reference.$env, environment)
    : resolveFile(reference.$file, environment, onFile);
}

function resolveVariable(name: string, environment: SecretEnvironment): Secret | SecretProblem {
  if (!isVariableAllowed(name, environment.envAllow)) {
    return {
      code: 'secret.envNotAllowed',
      message: `the environment variable ${name} may not be read; SLUICE_ENV_ALLOW admits ${environment.envAllow.join(', ')}`,
    };
  }
  const value = environment.variables[name];
  if (value === undefined || value === '')
    return {
      code: 'secret.missing',
      message: `the environment variable ${name} is ${value === undefined ? 'not set' : 'empty'}`,
    };
  return new Secret(name, () => environment.variables[name] ?? '', { $env: name });
}

function resolveFile(
  path: string,
  environment: SecretEnvironment,
  onFile: (file: SecretFile) => void,
): Secret | SecretProblem {
  const file = new SecretFile(path, environment);
  const problem = file.load();
  if (problem?.code !== 'secret.pathNotAllowed') onFile(file);
  return problem ?? new Secret(`file ${path}`, (anew) => (anew ? file.refresh() : file.reveal()), { $file: path });
}

/** Sluice's own variables stay closed whatever the list says; `SLUICE_VAR_*` is the part of them meant for definitions. */
export function isVariableAllowed(name: string, envAllow: readonly string[]): boolean {
  if (name.startsWith('SLUICE_') && !name.startsWith('SLUICE_VAR_')) return false;
  return envAllow.some((pattern) => matchesGlob(pattern, name));
}

/** `*` stands for any text. Each part is searched from the left, so no pattern takes more than one pass. */
function matchesGlob(pattern: string, name: string): boolean {
  const parts = pattern.split('*');
  const first = parts.shift() ?? '';
  const last = parts.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let from = first.length;
  for (const part of parts) {
    const found = name.indexOf(part, from);
    if (found === -1) return false;
    from = found + part.length;
  }
  return from <= name.length - last.length;
}
