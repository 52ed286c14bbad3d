import type { TokenLink } from './token-provider.ts';

/**
 * What a field made with `reference('token-provider', ...)` holds when a component is created: the provider itself, built
 * and named. Throws a TypeError, which refuses the definition, for anything else.
 */
export function linked(value: unknown): TokenLink {
  const { getToken, name, type } = Object(value) as Partial<TokenLink>;
  if (typeof getToken !== 'function' || name === undefined || type === undefined)
    throw new TypeError('a token provider was expected');
  return value as TokenLink;
}
