import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import { vaultOf } from '../../src/kernel/patterns/placeholders.ts';
import { restorePlaceholders } from '../../src/modifiers/restore-placeholders.ts';
import { createInstance } from '../support/component-instance.ts';
import { lawCases, proveLaw, proveMinimalHold, type Law } from '../support/law.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

/** Originals that look like placeholders, and like pieces of them, are put back and not looked at again. */
const hidden: readonly (readonly [label: string, value: string])[] = [
  ...Array.from({ length: 12 }, (_nothing, index) => ['EMAIL', `mail-${index}`] as const),
  ['E', '<EMAIL_2>'],
  ['EMAIL_1', '<'],
  ['PHONE', '\ud83d'],
  ['IP', ''],
];

/** None begins as a placeholder does, so what is shown before it is known could be taken for neither. */
const plain = hidden.map(([label], index) => [label, String.fromCodePoint(0x2460 + index)] as const);

const parts = [
  '<EMAIL_1>',
  '<EMAIL_12>',
  '<EMAIL_10>',
  '<E_1>',
  '<EMAIL_1_1>',
  '<PHONE_1>',
  '<IP_1>',
  '<EMAIL_3>',
  '<IP_2>',
];
const cuttings = parts.flatMap((part) => [part, part, part.slice(0, -1), part.slice(1), part.slice(0, 4)]);
const texts = fc
  .array(fc.constantFrom(...cuttings, '<', '>', '_', '1', 'E', ' ', 'é', '\ud83d', '\ude00'), { maxLength: 10 })
  .map((pieces) => pieces.join(''));

/** The law of a run that hid these values, and the ends of its placeholders. */
function lawOf(values: typeof hidden): Law & { readonly goesOn: readonly string[] } {
  const { run, capabilities } = testRun();
  const vault = vaultOf(run);
  vault.reserve('x<EMAIL_3>y');
  const originals = new Map(values.map(([label, value]) => [vault.hide(label, value), value]));
  const modifier = createInstance(restorePlaceholders, {}, capabilities) as TextModifier;
  const ends = [...originals.keys()].flatMap((text) => Array.from(text, (_sign, index) => text.slice(index)));
  return {
    open: () => modifier.open(run, textBlock()),
    oracle: (text) =>
      text
        .split(/(<[A-Z0-9_]*>)/)
        .map((part) => originals.get(part) ?? part)
        .join(''),
    texts,
    goesOn: [...new Set(['', '!', ...ends])],
  };
}

describe('restore-placeholders', () => {
  it('puts back what was hidden, whatever the cuts', () => {
    proveLaw({ ...lawOf(hidden), cases: Math.ceil(lawCases * 0.99) });
  });

  it('holds only what can still become a placeholder of the run', () => {
    proveMinimalHold({ ...lawOf(plain), cases: Math.ceil(lawCases * 0.01) });
  });
});
