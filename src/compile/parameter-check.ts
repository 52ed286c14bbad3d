import type { ParameterDeclaration } from '../definitions/pipeline-schema.ts';
import { nearestName } from '../definitions/nearest-name.ts';
import { SluiceError } from '../kernel/errors.ts';
import type { ParameterCheck } from './compiled-pipeline.ts';

/** Makes the check of a pipeline's parameters: known names, right types, allowed values, defaults filled in. */
export function createParameterCheck(declarations: Readonly<Record<string, ParameterDeclaration>>): ParameterCheck {
  const names = Object.keys(declarations);
  const defaults = Object.fromEntries(
    names.flatMap((name) => (declarations[name]?.default === undefined ? [] : [[name, declarations[name].default]])),
  );
  return (given) => {
    const checked: Record<string, unknown> = { ...defaults };
    for (const [name, value] of Object.entries(given)) {
      const declaration = Object.hasOwn(declarations, name) ? declarations[name] : undefined;
      if (declaration === undefined) refuse(name, unknownReason(name, names));
      const reason = wrong(value, declaration);
      if (reason !== undefined) refuse(name, reason);
      checked[name] = value;
    }
    return checked;
  };
}

function refuse(name: string, reason: string): never {
  throw new SluiceError('REQUEST_INVALID', { details: { field: `params.${name}`, reason } });
}

function unknownReason(name: string, names: readonly string[]): string {
  if (names.length === 0) return 'this pipeline takes no parameters';
  const nearest = nearestName(name, names);
  return `unknown parameter${nearest === undefined ? '' : `, did you mean "${nearest}"?`} Known: ${names.join(', ')}`;
}

function wrong(
  value: unknown,
  { type, enum: allowed, minimum, maximum, maxLength }: ParameterDeclaration,
): string | undefined {
  const fits = type === 'integer' ? Number.isInteger(value) : typeof value === type;
  if (!fits) return `must be of type ${type}`;
  if (allowed !== undefined && !(allowed as unknown[]).includes(value)) return `must be one of ${allowed.join(', ')}`;
  if (typeof value === 'number' && minimum !== undefined && value < minimum) return `must be at least ${minimum}`;
  if (typeof value === 'number' && maximum !== undefined && value > maximum) return `must be at most ${maximum}`;
  if (typeof value === 'string' && maxLength !== undefined && value.length > maxLength)
    return `must have at most ${maxLength} characters`;
  return undefined;
}
