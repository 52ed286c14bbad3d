import { quote } from './diagnostic.ts';
import type { ParameterDeclaration } from './pipeline-schema.ts';

/** Why `value` is none for a declared parameter, or undefined. The text names the rule and never the value. */
export function parameterProblem(declaration: ParameterDeclaration, value: unknown): string | undefined {
  const { type, minimum, maximum, maxLength } = declaration;
  const fits =
    type === 'integer'
      ? Number.isInteger(value)
      : typeof value === type && (type !== 'number' || Number.isFinite(value));
  if (!fits) return `must be ${type === 'integer' ? 'an integer' : `a ${type}`}`;
  if (declaration.enum !== undefined && !declaration.enum.some((allowed) => allowed === value)) {
    return `must be one of ${declaration.enum.map((allowed) => JSON.stringify(allowed)).join(', ')}`;
  }
  if (typeof value === 'number' && minimum !== undefined && value < minimum) return `must be at least ${minimum}`;
  if (typeof value === 'number' && maximum !== undefined && value > maximum) return `must be at most ${maximum}`;
  if (typeof value === 'string' && maxLength !== undefined && value.length > maxLength)
    return `must have at most ${maxLength} characters`;
  return undefined;
}

/** What is wrong with a declaration itself: the key that is wrong, and why. */
export function declarationProblems(
  declaration: ParameterDeclaration,
): readonly { readonly key: string; readonly message: string }[] {
  const { enum: allowed, ...rest } = declaration;
  const isNumber = declaration.type === 'number' || declaration.type === 'integer';
  const problems: { key: string; message: string }[] = [];
  for (const [index, item] of (allowed ?? []).entries()) {
    const problem = parameterProblem(rest, item);
    if (problem !== undefined) problems.push({ key: `enum/${index}`, message: problem });
  }
  const ownDefault = declaration.default === undefined ? undefined : parameterProblem(declaration, declaration.default);
  if (ownDefault !== undefined) problems.push({ key: 'default', message: ownDefault });
  if (
    declaration.minimum !== undefined &&
    declaration.maximum !== undefined &&
    declaration.minimum > declaration.maximum
  ) {
    problems.push({ key: 'maximum', message: 'is smaller than minimum' });
  }
  for (const key of ['minimum', 'maximum', 'maxLength'] as const) {
    if (declaration[key] !== undefined && isNumber === (key === 'maxLength')) {
      problems.push({ key, message: `${quote(key)} means nothing for a ${declaration.type}` });
    }
  }
  return problems;
}
