import { describe, expect, it } from '@jest/globals';
import { foldPolicies } from '../../src/compile/stream-policy.ts';
import type { Modifier, StreamPolicy } from '../../src/kernel/component.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';

const bound = (effect: Modifier['effect'], policy: StreamPolicy): Bound<Modifier> => ({
  name: effect,
  guard: false,
  onError: 'fail',
  modifier: { effect, policy, channels: ['text'], open: () => ({}) } as unknown as Modifier,
});
const window = (maxHeldCharacters: number): StreamPolicy => ({ mode: 'window', maxHeldCharacters });

describe('what a chain holds back', () => {
  it.each([
    ['nothing without modifiers', [], { mode: 'pass', maxHeldCharacters: 0 }],
    ['nothing while they only read', [bound('read', { mode: 'live' })], { mode: 'scan', maxHeldCharacters: 0 }],
    [
      'the sum of the windows',
      [bound('text', window(7)), bound('read', { mode: 'live' }), bound('text', window(5))],
      { mode: 'splice', maxHeldCharacters: 12 },
    ],
    [
      'everything where one wants the whole',
      [bound('text', window(7)), bound('events', { mode: 'buffer' })],
      { mode: 'events', maxHeldCharacters: 'whole' },
    ],
  ])('is %s', (_name, modifiers, policy) => {
    expect(foldPolicies(modifiers)).toEqual(policy);
  });
});
