const groupCount = 8;
const group = /^[0-9a-f]{1,4}$/i;
const octet = /^(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])$/;

/** True for four numbers up to 255 with dots between them, none written with a leading zero. */
export function isIpV4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => octet.test(part));
}

/** True for an IPv6 address without a zone: eight groups, fewer with one "::", the last two as an IPv4 address or not. */
export function isIpV6(text: string): boolean {
  const sides = text.split('::');
  if (sides.length > 2) return false;
  const parts = sides.map((side) => (side === '' ? [] : side.split(':')));
  const last = sides.at(-1) === '' ? undefined : parts.at(-1)?.pop();
  const isV4 = last?.includes('.') === true;
  if (last !== undefined && !(isV4 ? isIpV4(last) : group.test(last))) return false;
  if (!parts.flat().every((part) => group.test(part))) return false;
  const count = parts.flat().length + (isV4 ? 2 : last === undefined ? 0 : 1);
  return sides.length === 2 ? count < groupCount : count === groupCount;
}
