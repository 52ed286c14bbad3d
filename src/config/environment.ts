import { existsSync } from 'node:fs';
import { dirname, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { nearestName } from '../definitions/nearest-name.ts';
import { defaultEnvAllow, isVariableAllowed, type SecretEnvironment } from '../definitions/secrets.ts';
import { parseDuration } from '../kernel/clock.ts';
import { workloadFiles, workloadVariables } from '../kernel/workload.ts';
import { readAdminListener, type AdminListener } from './admin-listener.ts';

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** Everything that the process takes from its environment, read once and frozen. Times are in milliseconds. */
export interface Environment {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Absolute. */
  readonly pipelinesDir: string;
  /** Absolute; may not exist. */
  readonly stateDir: string;
  readonly logLevel: LogLevel;
  readonly drainTimeout: number;
  readonly preStop: number;
  /** What secrets may be read from. Holds the admitted variables only; they don't show in JSON or in a log. */
  readonly secrets: Omit<SecretEnvironment, 'clock'>;
  /** What the platform tells to what runs on it, by the names of `kernel/workload.ts`; shows as little. */
  readonly workload: WorkloadSource;
  /** Undefined where nobody asked for an admin API. */
  readonly admin: AdminListener | undefined;
  /** The value of a variable that SLUICE_ENV_ALLOW admits; undefined for every other and for one that is not set. */
  lookup(name: string): string | undefined;
}

export type EnvironmentSource = Readonly<Record<string, string | undefined>>;

export interface WorkloadSource {
  readonly variables: EnvironmentSource;
  /** What `~` stands for; undefined where nobody says. */
  readonly home: string | undefined;
}

export interface EnvironmentPlaces {
  /** From where relative paths are taken. */
  readonly workingDirectory?: string;
  /** Where package.json is. */
  readonly packageDirectory?: string;
}

/** A line of the documentation. */
export interface EnvironmentDoc {
  readonly name: string;
  readonly default: string;
  readonly meaning: string;
}

interface Variable<T> extends EnvironmentDoc {
  /** Throws a RangeError that says what is expected. */
  readonly read: (text: string) => T;
  /** An empty value is a value, and not the same as none. */
  readonly emptyCounts?: boolean;
}

const LONGEST_DURATION = 86_400_000;

const variables = {
  host: define({
    name: 'HOST',
    default: '127.0.0.1',
    meaning: 'Address to listen on; 0.0.0.0 or :: for all.',
    read: readHost,
  }),
  port: define({
    name: 'PORT',
    default: '8787',
    meaning: 'Port to listen on; 0 lets the system choose.',
    read: readPort,
  }),
  pipelinesDir: define({
    name: 'SLUICE_PIPELINES_DIR',
    default: 'pipelines',
    meaning:
      'Folder of the definitions. By default the one in the working directory, or else the one beside package.json.',
    read: (text) => text,
  }),
  logLevel: define({
    name: 'SLUICE_LOG_LEVEL',
    default: 'info',
    meaning: `Least level that is logged: ${logLevels.join(', ')}.`,
    read: readLogLevel,
  }),
  envAllow: define({
    name: 'SLUICE_ENV_ALLOW',
    default: defaultEnvAllow.join(','),
    meaning:
      'Variables that definitions may use as secrets: names with * for any text, separated by commas; empty for none. Never another SLUICE_* than SLUICE_VAR_*.',
    read: readNamePatterns,
    emptyCounts: true,
  }),
  secretsDir: define({
    name: 'SLUICE_SECRETS_DIR',
    default: '/run/secrets',
    meaning: 'Folder from which definitions may read secrets.',
    read: (text) => text,
  }),
  stateDir: define({
    name: 'SLUICE_STATE_DIR',
    default: 'state',
    meaning:
      'Folder for what must outlive the process, such as refresh tokens that were renewed; made when it is needed. By default the one beside the folder of the definitions.',
    read: (text) => text,
  }),
  drainTimeout: define({
    name: 'SLUICE_DRAIN_TIMEOUT',
    default: '120s',
    meaning: 'How long open streams may go on after a stop was asked for: 250ms, 15s, 5m, 1h.',
    read: readDuration,
  }),
  preStop: define({
    name: 'SLUICE_PRE_STOP',
    default: '0s',
    meaning: 'Wait between "not ready" and refusing new requests, so that a load balancer sees it first.',
    read: readDuration,
  }),
  adminPort: define({
    name: 'SLUICE_ADMIN_PORT',
    default: '',
    meaning: 'Port of the admin API; 0 lets the system choose, empty for none. Needs a key.',
    read: (text) => (text === '' || serviceAddress.test(text) ? undefined : readPort(text)),
  }),
  adminHost: define({
    name: 'SLUICE_ADMIN_HOST',
    default: '127.0.0.1',
    meaning: 'Address of the admin API.',
    read: readHost,
  }),
  adminKey: define({
    name: 'SLUICE_ADMIN_KEY',
    default: '',
    meaning: 'Key of the admin API, of at least 24 characters.',
    read: (text) => text,
  }),
  adminKeyFile: define({
    name: 'SLUICE_ADMIN_KEY_FILE',
    default: '',
    meaning:
      'File that holds the key of the admin API, in its place; read again when it changes. It lies outside of what definitions may read.',
    read: (text) => text,
  }),
};

/** All variables, in the order of the documentation. */
export const environmentDocs: readonly EnvironmentDoc[] = Object.freeze(
  Object.values(variables).map(({ name, default: value, meaning }) => Object.freeze({ name, default: value, meaning })),
);

/** Reads and checks all variables; reports every mistake, not just the first. No problem holds the value of a secret. */
export function readEnvironment(
  source: EnvironmentSource,
  places: EnvironmentPlaces = {},
): { readonly environment: Environment } | { readonly problems: readonly string[] } {
  const problems = unknownNames(source);
  const read = <T>(variable: Variable<T>): T => {
    try {
      const given = source[variable.name];
      return variable.read(
        given === undefined || (given.trim() === '' && variable.emptyCounts !== true) ? variable.default : given.trim(),
      );
    } catch (error) {
      problems.push(`${variable.name} ${(error as RangeError).message}`);
      return variable.read(variable.default);
    }
  };
  const workingDirectory = places.workingDirectory ?? process.cwd();
  const pipelinesDir = choosePipelinesDir(
    read(variables.pipelinesDir),
    source,
    workingDirectory,
    places.packageDirectory ?? fileURLToPath(new URL('../..', import.meta.url)),
  );
  const secretsDir = resolve(workingDirectory, read(variables.secretsDir));
  const stateDir = isSet(source, variables.stateDir)
    ? resolve(workingDirectory, read(variables.stateDir))
    : resolve(dirname(pipelinesDir), variables.stateDir.default);
  // A definition could have what is kept sent to a provider of its own.
  if ([pipelinesDir, secretsDir].some((folder) => `${stateDir}${sep}`.startsWith(`${folder}${sep}`)))
    problems.push(`${variables.stateDir.name} must lie outside of the folders from which definitions may read secrets`);
  const port = read(variables.port);
  const adminPort = read(variables.adminPort);
  const adminHost = read(variables.adminHost);
  const adminKeyFile = read(variables.adminKeyFile);
  const admin =
    adminPort === undefined
      ? undefined
      : readAdminListener({
          host: adminHost,
          port: adminPort,
          key: read(variables.adminKey),
          keyFile: adminKeyFile === '' ? '' : resolve(workingDirectory, adminKeyFile),
          readableFolders: [pipelinesDir, secretsDir],
        });
  if (typeof admin === 'string') problems.push(admin);
  if (adminPort !== undefined && adminPort !== 0 && adminPort === port)
    problems.push(`${variables.adminPort.name} must be another port than ${variables.port.name}`);
  const envAllow = Object.freeze(read(variables.envAllow));
  const admitted = admittedVariables(source, envAllow);
  const environment: Environment = {
    host: read(variables.host),
    port,
    pipelinesDir,
    stateDir,
    logLevel: read(variables.logLevel),
    drainTimeout: read(variables.drainTimeout),
    preStop: read(variables.preStop),
    secrets: Object.freeze({
      variables: admitted,
      envAllow,
      secretsDir,
      pipelinesDir,
    }),
    workload: Object.freeze({ variables: workloadOf(source), home: source['HOME'] ?? source['USERPROFILE'] }),
    admin: typeof admin === 'string' ? undefined : admin,
    lookup: (name) => admitted[name],
  };
  return problems.length > 0 ? { problems } : { environment: Object.freeze(environment) };
}

function choosePipelinesDir(
  path: string,
  source: EnvironmentSource,
  workingDirectory: string,
  packageDirectory: string,
): string {
  const here = resolve(workingDirectory, path);
  const beside = resolve(packageDirectory, path);
  return !isSet(source, variables.pipelinesDir) && !existsSync(here) && existsSync(beside) ? beside : here;
}

function isSet(source: EnvironmentSource, { name }: EnvironmentDoc): boolean {
  return (source[name] ?? '').trim() !== '';
}

function admittedVariables(source: EnvironmentSource, envAllow: readonly string[]): EnvironmentSource {
  return hiddenValues(Object.entries(source).filter(([name]) => isVariableAllowed(name, envAllow)));
}

function workloadOf(source: EnvironmentSource): EnvironmentSource {
  return hiddenValues([...workloadVariables, ...Object.keys(workloadFiles)].map((name) => [name, source[name]]));
}

/** Values are not enumerable, so whoever prints or spreads the record shows none of them. */
function hiddenValues(entries: readonly (readonly [string, string | undefined])[]): EnvironmentSource {
  const hidden = Object.create(null) as Record<string, string>;
  for (const [name, value] of entries) {
    if (value !== undefined) Object.defineProperty(hidden, name, { value, enumerable: false });
  }
  return Object.freeze(hidden);
}

// ---- names -----------------------------------------------------------------------------------------------------------

/** Kubernetes sets these for a service that is called `sluice` or `sluice-...`; nobody wrote them. */
const serviceLink = /_SERVICE_(?:HOST|PORT)(?:_[A-Z0-9_]+)?$|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?$/;
const serviceAddress = /^(?:tcp|udp|sctp):\/\//;

function unknownNames(source: EnvironmentSource): string[] {
  const known = Object.values(variables).map(({ name }) => name);
  const isUnknown = (name: string): boolean =>
    name.startsWith('SLUICE_') &&
    !name.startsWith('SLUICE_VAR_') &&
    !known.includes(name) &&
    !serviceLink.test(name) &&
    !serviceAddress.test(source[name] ?? '');
  return Object.keys(source)
    .filter(isUnknown)
    .sort()
    .map((name) => {
      const bare = name.slice('SLUICE_'.length);
      const meant = known.includes(bare) ? bare : nearestName(name, known);
      return `${name} is not known${meant === undefined ? `; known: ${known.join(', ')}` : `; did you mean ${meant}?`}`;
    });
}

// ---- values ----------------------------------------------------------------------------------------------------------

function define<T>(variable: Variable<T>): Variable<T> {
  return variable;
}

function readHost(text: string): string {
  if (text.length <= 253 && /^[A-Za-z0-9.:_%-]+$/.test(text)) return text;
  throw new RangeError(`must be an address or a host name, like "127.0.0.1" or "::"; it is ${quoted(text)}`);
}

function readPort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (port <= 65_535) return port;
  throw new RangeError(`must be a number from 0 to 65535; it is ${quoted(text)}`);
}

function readLogLevel(text: string): LogLevel {
  const level = logLevels.find((candidate) => candidate === text.toLowerCase());
  if (level !== undefined) return level;
  const meant = nearestName(text, logLevels);
  throw new RangeError(
    `must be one of ${logLevels.join(', ')}; it is ${quoted(text)}${meant === undefined ? '' : `, did you mean "${meant}"?`}`,
  );
}

function readNamePatterns(text: string): readonly string[] {
  const patterns = text
    .split(',')
    .map((pattern) => pattern.trim())
    .filter((pattern) => pattern !== '');
  for (const pattern of patterns) {
    if (!/^[A-Za-z_*][A-Za-z0-9_*]*$/.test(pattern))
      throw new RangeError(`must be names with * for any text, like "*_API_KEY"; one is ${quoted(pattern)}`);
    if (pattern.startsWith('SLUICE_') && !pattern.startsWith('SLUICE_VAR_'))
      throw new RangeError(`can't admit ${pattern}: of the SLUICE_ names only SLUICE_VAR_* are for definitions`);
  }
  return patterns;
}

function readDuration(text: string): number {
  const milliseconds = /^\d{1,9}(?:ms|s|m|h)$/.test(text) ? parseDuration(text) : Number.NaN;
  if (milliseconds <= LONGEST_DURATION) return milliseconds;
  throw new RangeError(`must be a duration of at most 24h, like "250ms", "15s" or "5m"; it is ${quoted(text)}`);
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 40 ? `${text.slice(0, 40)}...` : text);
}
