import { createHmac } from 'node:crypto';
import Type from 'typebox';
import type { ChosenPatterns } from './pattern-options.ts';
import { patternLabel } from './pattern-set.ts';
import { secret, type Secret } from '../schema.ts';

/** What stands in place of a match of the pattern with this number. */
export type PatternMark = (match: string, pattern: number) => string;

/** A key that can be guessed undoes the hash: e-mail addresses and phone numbers are few enough to be tried out. */
const minKeyLength = 16;
/** Hexadecimal digits of a hash that are shown. */
const hashLength = 12;

/** Fields of a component that puts marks in place of matches. Spread into its config. */
export const markOptions = {
  with: Type.Optional(
    Type.String({
      maxLength: 256,
      description: 'For mask: stands in place of each match; the name of the pattern when left out, such as [EMAIL].',
    }),
  ),
  perCharacter: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1,
      description: 'For mask, in place of `with`: stands for each character of a match, which keeps its length.',
    }),
  ),
  key: Type.Optional(
    secret({
      description: `For hash: the key, of at least ${minKeyLength} characters, as { "$env": NAME } or { "$file": PATH }.`,
    }),
  ),
};

interface MarkOptions {
  readonly action: string;
  readonly with?: string;
  readonly perCharacter?: string;
  readonly key?: Secret;
}

/**
 * The mark of a config with the action mask, hash or remove; undefined for another action, whose marks the component
 * makes itself. Throws a TypeError where a field does not go with the action, or a key is too short.
 */
export function markOf(options: MarkOptions, chosen: ChosenPatterns): PatternMark | undefined {
  refuseStrayFields(options);
  switch (options.action) {
    case 'mask':
      return maskMark(options, chosen);
    case 'hash':
      return hashMark(options.key, chosen);
    case 'remove':
      return () => '';
    default:
      return undefined;
  }
}

function refuseStrayFields(options: MarkOptions): void {
  const { action } = options;
  if (action !== 'mask' && (options.with !== undefined || options.perCharacter !== undefined))
    throw new TypeError(`"with" and "perCharacter" belong to the action "mask", not to "${action}"`);
  if (action !== 'hash' && options.key !== undefined)
    throw new TypeError(`"key" belongs to the action "hash", not to "${action}"`);
}

function maskMark({ with: text, perCharacter }: MarkOptions, { names }: ChosenPatterns): PatternMark {
  if (perCharacter !== undefined) {
    if (text !== undefined) throw new TypeError('"with" and "perCharacter" exclude each other; leave one out');
    return (match) => perCharacter.repeat([...match].length);
  }
  if (text !== undefined) return () => text;
  const marks = names.map((name) => `[${patternLabel(name)}]`);
  return (_match, pattern) => marks[pattern] ?? '';
}

function hashMark(key: Secret | undefined, { names, canonical }: ChosenPatterns): PatternMark {
  if (key === undefined) throw new TypeError('the action "hash" needs a "key"');
  readKey(key);
  const labels = names.map(patternLabel);
  return (match, pattern) => {
    const value = canonical[pattern]?.(match) ?? match;
    const hash = createHmac('sha256', readKey(key)).update(value).digest('hex');
    return `[${labels[pattern] ?? ''}:${hash.slice(0, hashLength)}]`;
  };
}

/** Read at each use, so that a rotated key counts from then on. */
function readKey(key: Secret): string {
  const text = key.reveal();
  if (text.length < minKeyLength) throw new TypeError(`the key of a hash has at least ${minKeyLength} characters`);
  return text;
}
