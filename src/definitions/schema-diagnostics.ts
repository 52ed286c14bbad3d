import type { ErrorObject } from 'ajv/dist/2020.js';
import type { Diagnostic } from './diagnostic.ts';
import { quote } from './diagnostic.ts';
import { appendPointer, isRecord, valueAt } from './json-pointer.ts';
import { nearestName } from './nearest-name.ts';
import type { ReadDocument } from './read-document.ts';

/** What is wrong with the shape, before it has a place in the text. */
interface Finding {
  readonly code: string;
  readonly message: string;
  readonly pointer: string;
  /** Shown at the key and not at the value. */
  readonly atKey?: boolean;
  readonly suggestion?: string;
}

/** Of a document with more mistakes than anybody reads, the first ones are enough; each costs a search in the text. */
const maxExplained = 400;

/** Says no more than the errors that come with it. */
const echoes: ReadonlySet<string> = new Set(['if', 'allOf', '$ref', 'not']);

/** Ajv's errors as findings that name the key, the value and the likely fix; noise of `if/then` and of unions is left out. */
export function shapeDiagnostics(errors: readonly ErrorObject[], document: ReadDocument, file: string): Diagnostic[] {
  const own = mergeMisspelled(
    withoutBranches(errors.slice(0, maxExplained)).filter(
      (error) => !echoes.has(error.keyword) && error.propertyName === undefined,
    ),
  );
  return own
    .filter((error) => error.keyword !== 'required' || !isAroundBreak(error.instancePath, document))
    .map(toFinding)
    .map(({ atKey, ...finding }) => {
      const position = atKey === true ? document.locator.key(finding.pointer) : document.locator.value(finding.pointer);
      return { severity: 'error' as const, file, ...finding, ...position };
    });
}

/** What seems to be missing beside a syntax mistake may only be unreadable. */
function isAroundBreak(pointer: string, document: ReadDocument): boolean {
  const { start, end } = document.locator.range(pointer);
  return document.brokenAt.some((offset) => offset >= start && offset <= end);
}

interface MergedError extends ErrorObject {
  /** The missing key that this unknown key was probably meant to be. */
  readonly meant?: string;
}

/** `required "words"` and `unknown "wrods"` at the same object are one mistake. */
function mergeMisspelled(errors: readonly ErrorObject[]): MergedError[] {
  const merged = new Set<ErrorObject>();
  const result = errors.map((error): MergedError => {
    if (error.keyword !== 'additionalProperties') return error;
    const missing = errors.filter(
      (other) => other.keyword === 'required' && other.instancePath === error.instancePath && !merged.has(other),
    );
    const meant = nearestName(unknownKey(error), missing.map(missingKey));
    if (meant === undefined) return error;
    const pair = missing.find((other) => missingKey(other) === meant);
    if (pair !== undefined) merged.add(pair);
    return { ...error, meant };
  });
  return result.filter((error) => !merged.has(error));
}

function unknownKey(error: ErrorObject): string {
  return String((error.params as { additionalProperty?: string }).additionalProperty);
}

function missingKey(error: ErrorObject): string {
  return String((error.params as { missingProperty?: string }).missingProperty);
}

/**
 * Of a union, Ajv reports every branch and then the union. Where exactly one branch has the right type, its own errors
 * are the mistake; else the union as a whole is.
 */
function withoutBranches(errors: readonly ErrorObject[]): ErrorObject[] {
  let kept: ErrorObject[] = [];
  for (const error of errors) {
    if (error.keyword !== 'anyOf' && error.keyword !== 'oneOf') {
      kept.push(error);
      continue;
    }
    const isBranch = (other: ErrorObject): boolean =>
      other.schemaPath.startsWith(`${error.schemaPath}/`) && other.instancePath.startsWith(error.instancePath);
    const branches = Map.groupBy(
      kept.filter(isBranch),
      (other) => other.schemaPath.slice(error.schemaPath.length + 1).split('/')[0],
    );
    kept = kept.filter((other) => !isBranch(other));
    const fitting = [...branches.values()].filter(
      (branch) => !branch.some((other) => isWrongKind(other, error.instancePath)),
    );
    const [only] = fitting;
    if (fitting.length === 1 && only !== undefined && hintOf(error) === undefined) kept.push(...only);
    else kept.push({ ...error, params: { branches: [...branches.values()].flat() } });
  }
  return kept;
}

function isWrongKind(error: ErrorObject, pointer: string): boolean {
  return error.instancePath === pointer && ['type', 'const', 'enum'].includes(error.keyword);
}

function hintOf(error: ErrorObject): string | undefined {
  const hint: unknown = error.parentSchema?.['x-hint'];
  return typeof hint === 'string' ? hint : undefined;
}

function toFinding(error: MergedError): Finding {
  const pointer = error.instancePath;
  switch (error.keyword) {
    case 'required':
    case 'dependentRequired':
      return requiredFinding(error);
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownKeyFinding(error);
    case 'enum':
      return valueFinding(error, error.schema as readonly unknown[]);
    case 'const':
      return valueFinding(error, [error.schema]);
    case 'type':
      return typeFinding(error);
    case 'pattern':
      return {
        code: 'schema.pattern',
        pointer,
        message: `must be ${hintOf(error) ?? `text that matches ${String(error.schema)}`}`,
      };
    case 'propertyNames': {
      const key = String((error.params as { propertyName?: string }).propertyName);
      const { 'x-hint': hint = 'it has another form' } = Object(error.schema) as { 'x-hint'?: string };
      return {
        code: 'schema.name',
        pointer: appendPointer(pointer, key),
        atKey: true,
        message: `${quote(key)} is no valid name: ${hint}`,
      };
    }
    case 'x-range': {
      const [smallest, largest] = error.schema as readonly [string, string];
      return { code: 'schema.range', pointer, message: `must be a duration from ${smallest} to ${largest}` };
    }
    case 'anyOf':
    case 'oneOf':
      return unionFinding(error);
    case 'minimum':
    case 'maximum': {
      const { limit } = error.params as { limit: number };
      return {
        code: 'schema.range',
        pointer,
        message: `must be at ${error.keyword === 'minimum' ? 'least' : 'most'} ${limit}`,
      };
    }
    default:
      return { code: codes[error.keyword] ?? 'schema.invalid', pointer, message: sizeMessage(error) };
  }
}

const codes: Readonly<Record<string, string>> = {
  exclusiveMinimum: 'schema.range',
  exclusiveMaximum: 'schema.range',
  multipleOf: 'schema.range',
  minLength: 'schema.size',
  maxLength: 'schema.size',
  minItems: 'schema.size',
  maxItems: 'schema.size',
  minProperties: 'schema.size',
  maxProperties: 'schema.size',
  uniqueItems: 'schema.duplicate',
  'false schema': 'schema.notAllowed',
};

function sizeMessage(error: ErrorObject): string {
  const { limit } = error.params as { limit?: number };
  if (error.keyword === 'uniqueItems') {
    const { i, j } = error.params as { i?: number; j?: number };
    return `items ${j ?? 0} and ${i ?? 0} are the same`;
  }
  if (isSecret(error)) return 'must be either { "$env": NAME } or { "$file": PATH }';
  const things: Readonly<Record<string, string>> = { Length: 'characters', Items: 'items', Properties: 'keys' };
  const thing = things[error.keyword.slice(3)];
  if (thing !== undefined)
    return `must have at ${error.keyword.startsWith('min') ? 'least' : 'most'} ${limit ?? 0} ${thing}`;
  return error.message ?? `does not fit ${error.keyword}`;
}

function requiredFinding(error: ErrorObject): Finding {
  const missing = missingKey(error);
  const { property } = error.params as { property?: string };
  const message =
    property === undefined || error.keyword === 'required'
      ? `missing required key ${quote(missing)}`
      : `${quote(property)} needs ${quote(missing)} beside it`;
  return { code: 'schema.required', pointer: error.instancePath, message, suggestion: missing };
}

function unknownKeyFinding(error: MergedError): Finding {
  const key = unknownKey(error);
  const pointer = appendPointer(error.instancePath, key);
  if (isConfigKey(error, key))
    return {
      code: 'schema.unknownKey',
      pointer,
      atKey: true,
      message: `unknown key ${quote(key)}; it belongs into "config"`,
      suggestion: `config.${key}`,
    };
  const allowed = Object.keys(Object(error.parentSchema?.['properties']) as object);
  const meant = error.meant ?? nearestName(key, allowed);
  const secretHint = isSecret(error) ? '; a secret is { "$env": NAME } or { "$file": PATH }' : '';
  const known = allowed.length > 0 ? `; known: ${allowed.join(', ')}` : '';
  const help = meant === undefined ? secretHint || known : `, did you mean ${quote(meant)}?`;
  return {
    code: 'schema.unknownKey',
    pointer,
    atKey: true,
    message: `unknown key ${quote(key)}${help}`,
    ...(meant !== undefined && { suggestion: meant }),
  };
}

/** True for a key of the component's own configuration that stands beside `config` and not in it. */
function isConfigKey(error: ErrorObject, key: string): boolean {
  const branches: unknown = error.parentSchema?.['allOf'];
  const { type } = Object(error.data) as { type?: unknown };
  if (!Array.isArray(branches)) return false;
  return branches.some(
    (branch) =>
      valueAt(branch, '/if/properties/type/const') === type &&
      valueAt(branch, appendPointer('/then/properties/config/properties', key)) !== undefined,
  );
}

/** Values of which one was expected, nearest first. */
function valueFinding(error: ErrorObject, allowed: readonly unknown[]): Finding {
  const pointer = error.instancePath;
  const valid = allowed.map((value) => JSON.stringify(value)).join(', ');
  if (typeof error.data !== 'string')
    return { code: 'schema.enum', pointer, message: `must be ${allowed.length === 1 ? '' : 'one of '}${valid}` };
  const meant = nearestName(
    error.data,
    allowed.filter((value) => typeof value === 'string'),
  );
  const suggestion = meant ?? (allowed.length === 1 && typeof allowed[0] === 'string' ? allowed[0] : undefined);
  const guess = meant === undefined ? '' : `, did you mean ${quote(meant)}?`;
  return {
    code: 'schema.enum',
    pointer,
    message: `unknown value ${quote(error.data)}${guess === '' ? '.' : guess} Valid: ${valid}`,
    ...(suggestion !== undefined && { suggestion }),
  };
}

function typeFinding(error: ErrorObject): Finding {
  const pointer = error.instancePath;
  if (isSecret(error)) {
    return {
      code: 'secret.literal',
      pointer,
      message: 'a secret is never written into the definition; write { "$env": NAME } or { "$file": PATH }',
      suggestion: '{ "$env": "NAME" }',
    };
  }
  const wanted = Array.isArray(error.schema)
    ? (error.schema as string[]).map(withArticle).join(' or ')
    : withArticle(String(error.schema));
  const hint = hintOf(error);
  const message = `must be ${wanted}, is ${withArticle(typeName(error.data))}${hint === undefined ? '' : `; write ${hint}`}`;
  return { code: 'schema.type', pointer, message };
}

function isSecret(error: ErrorObject): boolean {
  return error.parentSchema?.['x-secret'] === true;
}

function unionFinding(error: ErrorObject): Finding {
  const pointer = error.instancePath;
  const hint = hintOf(error);
  if (hint !== undefined) return { code: 'schema.union', pointer, message: `must have ${hint}` };
  const { branches = [] } = error.params as { branches?: readonly ErrorObject[] };
  const atValue = branches.filter((branch) => branch.instancePath === pointer);
  const constants = atValue.filter((branch) => branch.keyword === 'const').map((branch) => branch.schema as unknown);
  if (constants.length > 0 && atValue.every((branch) => branch.keyword === 'const' || branch.keyword === 'type'))
    return valueFinding(error, constants);
  const types = new Set(
    atValue.filter((branch) => branch.keyword === 'type').flatMap((branch) => branch.schema as string | string[]),
  );
  if (types.size > 0)
    return {
      code: 'schema.type',
      pointer,
      message: `must be ${[...types].map(withArticle).join(' or ')}, is ${withArticle(typeName(error.data))}`,
    };
  return { code: 'schema.union', pointer, message: 'has none of the allowed forms' };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return isRecord(value) ? 'object' : typeof value;
}

function withArticle(type: string): string {
  if (type === 'null') return 'null';
  return `${/^[aeiou]/.test(type) ? 'an' : 'a'} ${type}`;
}
