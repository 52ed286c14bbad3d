import { describe, expect, it } from '@jest/globals';
import { createExpressions } from '../../src/compile/expressions.ts';
import type { Expression } from '../../src/kernel/expression.ts';

const expressions = createExpressions();
const compile = (text: string, offered: readonly string[]): Expression => expressions.compile(text, offered);
const names = ['tool', 'arguments'];
const values = {
  tool: 'send_mail',
  arguments: { to: ['a@b.c', 'd@e.f'], amount: 250, rate: 1.5, note: null, deep: { x: true }, constructor: 'mine' },
};

describe('expressions', () => {
  it.each<[string, unknown]>([
    ['tool == "send_mail"', true],
    ['arguments.amount > 100', true],
    ['arguments.amount % 2 == 0', true],
    ['arguments.amount + 1', 251n],
    ['arguments.rate < 2', true],
    ['arguments.rate < 2.0 && arguments.rate > 1.0', true],
    ['arguments.to.exists(mail, mail.endsWith("@e.f"))', true],
    ['arguments.to.all(mail, mail.re("^[^@]+@b[.]c$"))', false],
    ['size(arguments.to)', 2n],
    ['has(arguments.cc)', false],
    ['arguments.?cc.orValue("none")', 'none'],
    ['arguments.note == null', true],
    ['arguments.deep.x', true],
    ['arguments.constructor', 'mine'],
    ['"__proto__" in arguments', false],
    ['arguments.missing == 1', undefined],
    ['arguments.amount == "x"', false],
    ['arguments.note > 1', undefined],
    ['arguments.to[9] == ""', undefined],
  ])('%s', (text, expected) => {
    expect(compile(text, names)(values)).toEqual(expected);
  });

  it.each([
    ['tool ==', 7, 'the condition ends too early'],
    ['tol == ""', 0, 'did you mean "tool"'],
    ['request.model == ""', 0, 'there is no variable "request"'],
    ['tool.matches("x")', 5, 'use ".re'],
    ['tool.re(arguments.p)', 8, 'one pattern, written out'],
    ['tool.re("(")', 8, 'the pattern is not valid'],
    ['fetch(tool)', 0, 'there is no function "fetch"'],
    ['1 + "x"', 0, 'does not work on these types'],
    [`tool == "${'x'.repeat(3_000)}"`, 2_000, 'more than 2000 characters'],
    [`${'('.repeat(40)}tool${')'.repeat(40)}`, 0, 'nested deeper'],
    ['[1].all(a, [1].all(b, [1].all(c, true)))', 26, 'can hold each other only once'],
  ])('refuses %s', (text, offset, words) => {
    const refused = (): unknown => compile(text, names);
    expect(refused).toThrow(words);
    if (!words.startsWith('nested')) expect(refused).toThrow(` at ${offset}: `);
  });

  it('gives nothing for values that are too large or too expensive', () => {
    const size = compile('size(arguments)', ['arguments']);
    expect(size({ arguments: 'x'.repeat(1_000_000) })).toBe(1_000_000n);
    expect(size({ arguments: 'x'.repeat(2_000_000) })).toBeUndefined();
    expect(size({ arguments: Array.from({ length: 300 }, () => 1) })).toBeUndefined();
    let deep: unknown = 1;
    for (let level = 0; level < 10_000; level += 1) deep = [deep];
    expect(size({ arguments: deep })).toBeUndefined();
    const costly = compile('arguments.all(one, arguments.all(other, !other.re("(a|b|c){200}x")))', ['arguments']);
    expect(costly({ arguments: Array.from({ length: 200 }, () => 'abc'.repeat(300)) })).toBeUndefined();
  });

  it('takes what is not there as null', () => {
    expect(compile('arguments == null', names)({ tool: 'x' })).toBe(true);
  });
});
