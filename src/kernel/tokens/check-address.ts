import type { HttpCall } from '../http-caller.ts';

/**
 * Throws a TypeError, which refuses the definition, for an address in `field` that tokens are not asked at. It has no query,
 * where secrets would be written down; `hasQuery` is for who looks at that.
 */
export function checkAddress(
  field: string,
  text: string,
  network: HttpCall['network'],
  { hasQuery = false }: { readonly hasQuery?: boolean } = {},
): void {
  const url = URL.parse(text);
  if (url === null) throw new TypeError(`${field}: this is no address`);
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    throw new TypeError(`${field}: the address must begin with https://`);
  if (url.protocol === 'http:' && network === 'public')
    throw new TypeError(`${field}: http: is for "network": "private" only, since secrets are sent there`);
  if (url.username !== '' || url.password !== '')
    throw new TypeError(`${field}: the address must not hold a user or a password`);
  if (url.hash !== '') throw new TypeError(`${field}: the address must not have a fragment`);
  if (!hasQuery && text.includes('?'))
    throw new TypeError(`${field}: the address must not have a query; what is asked stands in fields of its own`);
}
