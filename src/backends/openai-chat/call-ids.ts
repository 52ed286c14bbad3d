import { createHash } from 'node:crypto';
import type { Vendor } from './vendors.ts';

const letters = /^[A-Za-z0-9]+$/;

/**
 * The id of a tool call as the vendor takes it. One that it would refuse becomes another one, always the same, so that a
 * call and its result still belong together.
 */
export function writeCallId(id: string, { callIds }: Vendor): string {
  if (callIds === undefined) return id;
  if ('most' in callIds) return id.length <= callIds.most ? id : `call_${hash(id).slice(0, 24)}`;
  return id.length === callIds.exactly && letters.test(id) ? id : hash(id).slice(0, callIds.exactly);
}

function hash(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}
