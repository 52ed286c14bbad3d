import assert from 'node:assert/strict';
import { inspect } from 'node:util';

/** `[words for the title, stream]` */
export const ways = [
  ['in a stream', true],
  ['in one piece', false],
];

/** The arguments of a call; the text where a call was cut off. */
export function readArguments(json) {
  try {
    return JSON.parse(json);
  } catch {
    return json;
  }
}

const secrets = /secret-of-upstream|secret-of-component|key-for-the-upstream/;

/** The error of a promise that must fail; it must not show what is only for the operator. */
export async function failureOf(asked) {
  const [{ status, reason, value }] = await Promise.allSettled([asked]);
  assert.equal(status, 'rejected', `the client took this for an answer: ${inspect(value, { depth: 5 })}`);
  assert.doesNotMatch(inspect(reason, { depth: 8 }), secrets);
  return reason;
}
