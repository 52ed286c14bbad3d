import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Roster } from '../../src/kernel/roster.ts';

describe('a roster', () => {
  it('holds what a set holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 9 }))), (steps) => {
        const people = Array.from({ length: 10 }, (_, name) => ({ name }));
        const [roster, set] = [new Roster<object>(), new Set<object>()];
        for (const [isAdded, index] of steps) {
          const person = people[index] ?? {};
          if (isAdded) {
            roster.add(person);
            set.add(person);
          } else {
            expect(roster.delete(person)).toBe(set.delete(person));
          }
        }
        expect([roster.size, new Set(roster.members())]).toEqual([set.size, set]);
        for (const person of people) expect(roster.has(person)).toBe(set.has(person));
      }),
    );
  });

  it('knows a member of two rosters in each of them', () => {
    const [one, other, member] = [new Roster<object>(), new Roster<object>(), {}];
    one.add(member);
    other.add(member);
    one.delete(member);
    expect([one.has(member), other.has(member)]).toEqual([false, true]);
  });
});
