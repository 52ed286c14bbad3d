import { describe, expect, it } from '@jest/globals';
import { digitsOf, hasLuhnCheck } from '../../../src/kernel/patterns/luhn.ts';

describe('hasLuhnCheck', () => {
  it.each<[string, boolean]>([
    ['4111 1111 1111 1111', true],
    ['4111 1111 1111 1112', false],
    ['1411 1111 1111 1111', false],
    ['378282246310005', true],
    ['6011-1111-1111-1117', true],
    ['４１１１１１１１１１１１１１１１', true],
    ['0', true],
    ['18', true],
    ['81', false],
    ['', false],
    ['no digit', false],
  ])('%j: %s', (text, expected) => {
    expect(hasLuhnCheck(text)).toBe(expected);
  });

  it('sees each single wrong digit, and each swap of neighbours but 09 and 90', () => {
    const right = '4539148803436467';
    for (let index = 0; index < right.length; index += 1) {
      for (let wrong = 0; wrong < 10; wrong += 1) {
        const text = right.slice(0, index) + String(wrong) + right.slice(index + 1);
        expect(hasLuhnCheck(text)).toBe(text === right);
      }
      const [one = '', other = ''] = right.slice(index, index + 2);
      if (other !== '')
        expect(hasLuhnCheck(right.slice(0, index) + other + one + right.slice(index + 2))).toBe(one === other);
    }
  });
});

describe('digitsOf', () => {
  it.each([
    ['+49 (0)30', '49030'],
    ['１２-3', '123'],
    ['٣', ''],
  ])('%j: %s', (text, digits) => {
    expect(digitsOf(text)).toBe(digits);
  });
});
