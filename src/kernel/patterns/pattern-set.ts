import { email, phone } from './pattern-catalogue-contact.ts';
import { creditCard, iban, ip } from './pattern-catalogue-numbers.ts';
import { apiKey, jwt, privateKey } from './pattern-catalogue-secrets.ts';
import type { PatternKind } from './pattern-kind.ts';

/** All that Sluice knows to find. Where two forms are equally long, the first kind gives the name. */
export const patternKinds: readonly PatternKind[] = [email, creditCard, iban, phone, ip, jwt, apiKey, privateKey];

const kinds: ReadonlyMap<string, PatternKind> = new Map(patternKinds.map((kind) => [kind.name, kind]));

export function patternKind(name: string): PatternKind | undefined {
  return kinds.get(name);
}

/** What stands for a pattern in a text: `credit-card` becomes `CREDIT_CARD`. */
export function patternLabel(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}
