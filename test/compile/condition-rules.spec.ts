import { describe, expect, it } from '@jest/globals';
import { checkCondition, compileCondition } from '../../src/compile/conditions.ts';
import type { ConditionPhase } from '../../src/kernel/condition.ts';

/** The marked part of the text that each problem points at, with its message. */
function problemsOf(text: string, phase: ConditionPhase = 'request', params?: readonly string[]): [string, string][] {
  return checkCondition(text, phase, params && { params }).map(({ offset, length = 0, message }) => [
    text.slice(offset, offset + length),
    message,
  ]);
}

describe('the check', () => {
  it.each<[string, ConditionPhase, [string, string | RegExp][]]>([
    ["request.model == 'a'", 'request', []],
    ["requst.model == 'a'", 'request', [['requst', 'there is no variable "requst"; did you mean "request"?']]],
    ["request.modle == 'a'", 'request', [['modle', '"request" has no field "modle"; did you mean "model"?']]],
    ["request['modle'] == 'a'", 'request', [["'modle'", /did you mean "model"/]]],
    ["request.?modle.orValue('') == 'a'", 'request', [['modle', /did you mean "model"/]]],
    ["caller.team == 'a'", 'request', [['team', '"caller" has no field "team"; known: id, tier, scopes']]],
    ["response.model == 'a'", 'request', [['response', /not known yet/]]],
    ["response.model == 'a'", 'response', []],
    ["response.finish == 'a'", 'response', [['finish', '"response" has no field "finish"; known: model']]],
    ["response.finishReason == 'stop'", 'response', [['finishReason', /not known yet: .* before the first content/]]],
    ["response['finishReason'] == 'stop'", 'response', [["'finishReason'", /not known yet/]]],
    ["response.?finishReason.orValue('') == ''", 'response', [['finishReason', /not known yet/]]],
    ["has(response.finishReason) || response.model == 'a'", 'response', [['finishReason', /not known yet/]]],
    ["response.finishReason == 'stop'", 'request', [['response', /not known yet: .* before a backend is called/]]],
    ["xyzzy == 'a'", 'request', [['xyzzy', /known: request, caller, params$/]]],
    ['request.inputTokens', 'request', [['request.inputTokens', /of type int/]]],
    ['request.metadata.flag', 'request', [['request.metadata.flag', /of type dyn; compare it/]]],
    ['request', 'request', [['request', /"request" is no value by itself/]]],
    ["request[caller.id] == ''", 'request', [['caller.id', /name the field/]]],
    ['request.model + 1 == 2', 'request', [['request.model + 1', /does not work on these types: string \+ int/]]],
    ['request.inputTokens == 5.0', 'request', [['request.inputTokens == 5.0', /int == double/]]],
    ["request.model.matches('a')", 'request', [['matches', /use "\.re\('\.\.\.'\)"/]]],
    ["matches(request.model, 'a')", 'request', [['matches', /no function "matches"/]]],
    ["request.model.re('(')", 'request', [["'('", /missing closing \)/]]],
    ["request.model.re('(?<=a)b')", 'request', [["'(?<=a)b'", /not valid/]]],
    ["request.model.re('.{1000}.{1000}')", 'request', [["'.{1000}.{1000}'", /too large/]]],
    ['request.model.re(caller.id)', 'request', [['caller.id', /one pattern, written out/]]],
    [
      "request.model.startWith('a')",
      'request',
      [['startWith', 'there is no method "startWith"; did you mean "startsWith"?']],
    ],
    ["contains(request.model, 'a')", 'request', [['contains', /value\.contains\(\.\.\.\)/]]],
    ["request.model.join() == ''", 'request', [['join', /no method "join"/]]],
    [
      "timestamp('2026-01-01T00:00:00Z') == timestamp('2026-01-01T00:00:00Z')",
      'request',
      [
        ['timestamp', /no function/],
        ['timestamp', /no function/],
      ],
    ],
    [
      'cel.bind(a, 1, a == 1)',
      'request',
      [
        ['cel', /no variable "cel"/],
        ['bind', /no method/],
        ['a', /no variable/],
        ['a', /no variable/],
      ],
    ],
    ['request.model ==', 'request', [['', 'the condition ends too early']]],
    ["request.model == 'a", 'request', [["'a", /Unterminated string/]]],
    ['', 'request', [['', /too early/]]],
    [
      '[1].exists(a, [1].exists(b, [1].exists(c, a == b && b == c)))',
      'request',
      [['exists(c, a == b && b == c)', /only once/]],
    ],
    [
      "request.lastUserText.split('').exists(c, c == 'x')",
      'request',
      [["request.lastUserText.split('')", /limit of at most 256/]],
    ],
    ["request.lastUserText.split('', 256).exists(c, c == 'x')", 'request', []],
    ["'x' in request.lastUserText.split(',')", 'request', []],
    [
      "requst.model == 'a' && request.modle == 'b' || request.model + 1 == 2 && caller.id.matches('x')",
      'request',
      [
        ['requst', /did you mean/],
        ['modle', /did you mean/],
        ['request.model + 1', /types/],
        ['matches', /\.re/],
      ],
    ],
    [
      '(request.model == 1) && (caller.tier == 2)',
      'request',
      [
        ['request.model == 1', /types/],
        ['caller.tier == 2', /types/],
      ],
    ],
    [
      '!(request.model == 1 || request.messages)',
      'request',
      [
        ['request.model == 1', /types/],
        ['request.messages', /of type int/],
      ],
    ],
  ])('%s (%s)', (text, phase, expected) => {
    const problems = problemsOf(text, phase);
    expect(problems).toEqual(
      expected.map(([place, message]) => [
        place,
        typeof message === 'string' ? message : expect.stringMatching(message),
      ]),
    );
    if (expected.length > 0)
      expect(() => compileCondition(text, phase, { onError: () => {} })).toThrow('The condition is not valid at');
  });

  it('says with its code that the end of the answer is not known', () => {
    expect(checkCondition("response.finishReason == 'stop'", 'response')).toEqual([
      expect.objectContaining({ code: 'condition.phase', offset: 9, length: 12 }),
    ]);
  });

  it('names a parameter that the pipeline does not declare', () => {
    expect(problemsOf("params.tome == 'a'", 'request', ['tone'])).toEqual([
      ['tome', 'this pipeline declares no parameter "tome"; did you mean "tone"?'],
    ]);
    expect(problemsOf("params.tone == 'a'", 'request', ['tone'])).toEqual([]);
    expect(problemsOf("params.anything == 'a'")).toEqual([]);
  });

  it.each([
    ['too long', `request.model == '${'a'.repeat(2_000)}'`, 2_000, 'at most 2000 characters'],
    [
      'too many parts',
      Array.from({ length: 90 }, (_, index) => `caller.id=='${index}'`).join('||'),
      expect.any(Number),
      'too large',
    ],
    ['too deep', `${'('.repeat(17)}true${')'.repeat(17)}`, 16, 'deeper than 16'],
  ])('refuses one that is %s', (_what, text, offset, message) => {
    expect(checkCondition(text, 'request')).toEqual([
      expect.objectContaining({
        code: 'condition.limit',
        offset,
        message: expect.stringContaining(message) as unknown,
      }),
    ]);
  });

  it('takes a long flat alternative', () => {
    const text = Array.from({ length: 30 }, (_, index) => `caller.id == '${index}'`).join(' || ');
    expect(checkCondition(text, 'request')).toEqual([]);
  });
});
