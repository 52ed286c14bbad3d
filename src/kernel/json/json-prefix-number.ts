import type { NumberRules } from './json-prefix-node.ts';

/** The keyword that refuses a number, or undefined. */
export function numberMistake(rules: NumberRules, value: number): string | undefined {
  if (!Number.isFinite(value)) return rules.finite ? 'type' : rules.values && 'enum';
  if (rules.integer && !Number.isInteger(value)) return 'type';
  if (rules.values?.has(value) === false) return 'enum';
  if (value < rules.minimum) return 'minimum';
  if (value <= rules.exclusiveMinimum) return 'exclusiveMinimum';
  if (value > rules.maximum) return 'maximum';
  if (value >= rules.exclusiveMaximum) return 'exclusiveMaximum';
  return rules.multipleOf === undefined || isMultiple(value, rules.multipleOf) ? undefined : 'multipleOf';
}

/**
 * True where a number is a whole multiple of another one, by the decimal digits of both: 19.99 is a multiple of 0.01,
 * though the quotient of the doubles is none.
 */
export function isMultiple(value: number, step: number): boolean {
  if (value === 0) return true;
  const [digits, exponent] = decimal(value);
  const [stepDigits, stepExponent] = decimal(step);
  const shared = Math.min(exponent, stepExponent);
  return (digits * 10n ** BigInt(exponent - shared)) % (stepDigits * 10n ** BigInt(stepExponent - shared)) === 0n;
}

/** A finite number as whole digits and a power of ten. */
function decimal(value: number): [digits: bigint, exponent: number] {
  const [mantissa = '0', power = '0'] = value.toExponential().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  return [BigInt(whole + fraction), Number(power) - fraction.length];
}
