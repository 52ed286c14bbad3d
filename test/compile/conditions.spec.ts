import { describe, expect, it } from '@jest/globals';
import { checkCondition, compileCondition, conditionReads } from '../../src/compile/conditions.ts';
import { conditionBudget } from '../../src/compile/condition-budget.ts';
import { maxConditionTextCharacters, recordVariables } from '../../src/compile/condition-context.ts';
import type { ConditionPhase, ConditionSource } from '../../src/kernel/condition.ts';
import type { ChatRequest, Message } from '../../src/kernel/request.ts';

const user = (text: string): Message => ({ role: 'user', content: [{ kind: 'text', text }] });

const request: ChatRequest = {
  dialect: 'openai-chat',
  model: 'gpt-5-mini',
  stream: true,
  settings: {},
  tools: [{ name: 'search' }, { name: 'fetch', description: 'Gets a page', parameters: { type: 'object' } }],
  messages: [
    { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] },
    user('first'),
    {
      role: 'user',
      content: [
        { kind: 'text', text: 'see http://example.com' },
        { kind: 'image', url: 'https://example.com/a.png' },
      ],
    },
  ],
  metadata: {
    mode: 'verify',
    team: 'care',
    priority: 3,
    ratio: 0.5,
    beta: true,
    none: null,
    tags: ['a', 'b'],
    constructor: 'data',
    nested: { depth: { deep: 1 } },
  },
  params: {},
};

const source: ConditionSource = {
  request,
  caller: { id: 'key-7', tier: 'gold', scopes: ['chat', 'admin'] },
  params: { tone: 'formal', count: 2 },
  response: { model: 'gpt-5-mini-2026', finishReason: 'length' },
};

function rethrow(error: Error): never {
  throw error;
}

/** Evaluates, and fails on any run-time error: a silent false is a bug. */
function evaluate(text: string, from: ConditionSource = source, phase: ConditionPhase = 'response'): boolean {
  try {
    return compileCondition(text, phase, { onError: rethrow })(from);
  } catch (error) {
    throw new Error(`${text}: ${(error as Error).message}`, { cause: error });
  }
}

function errorsOf(
  text: string,
  from: ConditionSource = source,
  fallback = false,
): { outcome: boolean; errors: string[] } {
  const errors: string[] = [];
  const outcome = compileCondition(text, 'response', { fallback, onError: ({ message }) => errors.push(message) })(
    from,
  );
  return { outcome, errors };
}

describe('every field of the context', () => {
  // A true and a false expression each, so that neither a constant nor a failing evaluation passes.
  const cases: Record<string, readonly [string, string]> = {
    'request.model': ["request.model == 'gpt-5-mini'", "request.model == 'other'"],
    'request.stream': ['request.stream', '!request.stream'],
    'request.messages': ['request.messages == 3', 'request.messages == 4'],
    'request.lastUserText': [
      "request.lastUserText == 'see http://example.com'",
      "request.lastUserText.contains('first')",
    ],
    'request.inputTokens': ['request.inputTokens > 1000 && request.inputTokens < 1100', 'request.inputTokens == 0'],
    'request.hasImages': ['request.hasImages', '!request.hasImages'],
    'request.toolNames': ["request.toolNames == ['search', 'fetch']", "'other' in request.toolNames"],
    'request.metadata': ["request.metadata.mode == 'verify'", "request.metadata.mode == 'other'"],
    'caller.id': ["caller.id == 'key-7'", "caller.id == ''"],
    'caller.tier': ["caller.tier == 'gold'", "caller.tier == 'beta'"],
    'caller.scopes': ["'admin' in caller.scopes", "'other' in caller.scopes"],
    'response.model': ["response.model.startsWith('gpt-5-mini-')", "response.model == ''"],
    'response.finishReason': ["response.finishReason == 'length'", "response.finishReason == 'stop'"],
    params: ["params.tone == 'formal' && params.count == 2", "params.tone == 'casual'"],
  };

  it('has a case', () => {
    const fields = Object.entries(recordVariables).flatMap(([name, record]) =>
      Object.keys(record).map((field) => `${name}.${field}`),
    );
    expect(Object.keys(cases).sort()).toEqual([...fields, 'params'].sort());
  });

  it.each(Object.entries(cases))('%s', (field, [truth, falsehood]) => {
    expect([evaluate(truth, source, 'end'), evaluate(falsehood, source, 'end')]).toEqual([true, false]);
    expect([...conditionReads(truth, 'end')]).toEqual([field]);
  });

  it('reads as empty where a request says nothing', () => {
    const { model: _model, ...bare } = { ...request, tools: [], messages: [], metadata: {} };
    const from: ConditionSource = { request: bare, caller: { id: 'anonymous', tier: '', scopes: [] }, params: {} };
    const text =
      "request.model == '' && request.messages == 0 && request.lastUserText == '' && request.inputTokens == 0 && !request.hasImages && request.toolNames == []" +
      " && request.metadata.size() == 0 && caller.tier == '' && caller.scopes == [] && params.size() == 0 && response.model == ''";
    expect(evaluate(text, from)).toBe(true);
  });

  it('is computed only when an expression reads it', () => {
    const costly = new Proxy(request, {
      get(target, key: keyof ChatRequest) {
        if (key === 'messages') throw new Error('messages were read');
        return target[key];
      },
    });
    const from = { ...source, request: costly };
    expect(evaluate("caller.tier == 'beta' && request.inputTokens > 8000", from)).toBe(false);
    expect(evaluate("request.model == 'gpt-5-mini' || request.hasImages", from)).toBe(true);
    expect(() => evaluate('request.inputTokens > 8000', from)).toThrow('messages were read');
  });
});

describe('the language', () => {
  const conformance: readonly [string, boolean][] = [
    ['true', true],
    ['false', false],
    ['!false', true],
    ['true && !false', true],
    ['false || true', true],
    ['true ? false : true', false],
    ['1 + 2 * 3 == 7', true],
    ['(1 + 2) * 3 == 9', true],
    ['7 / 2 == 3', true],
    ['-7 % 3 == -1', true],
    ['1.5 + 1.5 == 3.0', true],
    ['double(request.messages) / 2.0 == 1.5', true],
    ['2 > 1 && 1 >= 1 && 1 < 2 && 2 <= 2 && 1 != 2', true],
    ["'a' < 'b'", true],
    ["'a' + 'b' == 'ab'", true],
    ["'abc'.contains('b')", true],
    ["'abc'.startsWith('ab') && 'abc'.endsWith('bc')", true],
    ["'ABC'.lowerAscii() == 'abc' && 'abc'.upperAscii() == 'ABC'", true],
    ["' a '.trim() == 'a'", true],
    ["'abc'.indexOf('c') == 2 && 'abc'.indexOf('x') == -1", true],
    ["'abcdef'.substring(1, 3) == 'bc'", true],
    ["'a,b'.split(',') == ['a', 'b']", true],
    ["size('abc') == 3 && 'abc'.size() == 3", true],
    ["size('\\U0001F600') == 1", true],
    ['size([1, 2]) == 2 && [1, 2].size() == 2', true],
    ["{'a': 1}.a == 1 && {'a': 1}['a'] == 1", true],
    ['1 in [1, 2] && !(3 in [1, 2])', true],
    ["'mode' in request.metadata && !('other' in request.metadata)", true],
    ['[1, 2, 3].exists(x, x > 2)', true],
    ['[1, 2, 3].all(x, x > 0)', true],
    ['[1, 2, 3].exists_one(x, x == 2)', true],
    ['[1, 2, 3].filter(x, x > 1) == [2, 3]', true],
    ['[1, 2].map(x, x * 2) == [2, 4]', true],
    ['[1, 2].exists(x, [2, 3].exists(y, x == y))', true],
    ['has(request.metadata.mode) && !has(request.metadata.other)', true],
    ["request.metadata[?'mode'].orValue('') == 'verify'", true],
    ["request.metadata[?'other'].orValue('x') == 'x'", true],
    ['request.metadata.?nested.?depth.?deep.orValue(0) == 1', true],
    ["request.metadata[?'mode'].hasValue() && optional.none().hasValue() == false", true],
    ['request.metadata.priority == 3 && request.metadata.priority > 2 && request.metadata.priority + 1 == 4', true],
    ['request.metadata.ratio == 0.5 && request.metadata.ratio < 1', true],
    ['request.metadata.beta == true && request.metadata.none == null', true],
    ["request.metadata.tags == ['a', 'b'] && 'a' in request.metadata.tags && request.metadata.tags[1] == 'b'", true],
    ["int('42') == 42 && string(42) == '42' && double('1.5') == 1.5 && bool('true')", true],
    ['type(request.metadata.mode) == string && type(request.metadata.priority) == int', true],
    ["'gpt-5'.re('^gpt-[0-9]$') && !'claude'.re('^gpt')", true],
    ["request.lastUserText.re('https?://')", true],
    ["request.metadata.mode.re('(?i)^VER')", true],
    ["r'\\d' == '\\\\d'", true],
    ['request.toolNames.exists(request, request == "fetch")', true],
    ['// a comment\ntrue', true],
    ["request.metadata.beta && !request.metadata[?'gamma'].orValue(false)", true],
    ['false && request.metadata.missing == 1', false],
    ['true || request.metadata.missing == 1', true],
  ];

  it.each(conformance)('%s', (text, outcome) => {
    expect(evaluate(text)).toBe(outcome);
  });

  it('is used again and again with the same outcome', () => {
    const condition = compileCondition(
      "request.toolNames.exists(n, n == 'fetch') && request.model.re('mini')",
      'request',
      { onError: rethrow },
    );
    expect([
      condition(source),
      condition({ ...source, request: { ...request, tools: [] } }),
      condition(source),
    ]).toEqual([true, false, true]);
  });
});

describe('a condition that fails at run time', () => {
  it.each([
    ["request.metadata.missing == 'x'", 'no such key at 17: missing'],
    ['request.metadata.mode > 3', 'no such overload'],
    ['request.metadata.mode && true', 'invalid logical operand'],
    ["request.toolNames[9] == 'x'", 'index out of bounds'],
    ['1 / (request.messages - 3) == 1', 'division by zero'],
    ['int(request.metadata.mode) == 1', 'int conversion error'],
    ['params.missing == 1', 'no such key'],
  ])('%s', (text, message) => {
    expect(errorsOf(text)).toEqual({ outcome: false, errors: [expect.stringContaining(message)] });
    expect(errorsOf(text, source, true).outcome).toBe(true);
  });

  it('tells the log no text of the request', () => {
    const from = { ...source, request: { ...request, metadata: { mode: 'my-secret-prompt' } } };
    for (const text of [
      'bool(request.metadata.mode)',
      'request.metadata[request.metadata.mode] == 1',
      'request.metadata.mode.x == 1',
    ]) {
      expect(errorsOf(text, from).errors.join()).not.toContain('my-secret');
    }
  });
});

describe('hostile requests', () => {
  it.each(['constructor', '__proto__', 'prototype', 'toString', 'hasOwnProperty'])(
    'reach no prototype through %s',
    (key) => {
      expect(checkCondition(`request.${key} == 1`, 'request')).not.toEqual([]);
      expect(checkCondition(`caller['${key}'] == 1`, 'request')).not.toEqual([]);
      const bare = { ...source, request: { ...request, metadata: {} }, params: {} };
      expect(errorsOf(`request.metadata.${key} == 'data'`, bare)).toEqual({
        outcome: false,
        errors: [expect.stringContaining('no such key')],
      });
      expect(evaluate(`'${key}' in request.metadata || has(params.${key}) || params[?'${key}'].hasValue()`, bare)).toBe(
        false,
      );
    },
  );

  it('may name a key as they like', () => {
    expect(evaluate("request.metadata.constructor == 'data'")).toBe(true);
    const metadata = JSON.parse('{"__proto__": "data", "toString": {"constructor": 1}}') as Record<string, unknown>;
    const from = { ...source, request: { ...request, metadata } };
    expect(
      evaluate("request.metadata['__proto__'] == 'data' && request.metadata.toString.constructor == 1", from),
    ).toBe(true);
  });

  it.each([
    [
      'a long text',
      "request.lastUserText.contains('x')",
      { messages: [user('a'.repeat(maxConditionTextCharacters + 1))] },
    ],
    [
      'many tools',
      "'x' in request.toolNames",
      { tools: Array.from({ length: 257 }, (_, index) => ({ name: `t${index}` })) },
    ],
    [
      'deep metadata',
      'request.metadata.size() == 1',
      { metadata: { a: Array.from({ length: 40 }).reduce<unknown>((inner) => [inner], 1) } },
    ],
    [
      'wide metadata',
      'request.metadata.size() == 1',
      { metadata: Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, 1])) },
    ],
    ['long metadata', 'request.metadata.size() == 1', { metadata: { a: 'x'.repeat(300_000) } }],
    ['a long list', 'request.metadata.size() == 1', { metadata: { a: Array.from({ length: 300 }, () => 1) } }],
  ])('with %s are answered with the fallback, never with a part of the truth', (_what, text, change) => {
    const from = { ...source, request: { ...request, ...change } };
    expect(errorsOf(text, from)).toEqual({ outcome: false, errors: [expect.stringMatching(/more than|deeper/)] });
    expect(errorsOf(text, from, true).outcome).toBe(true);
  });

  it('meet patterns that take one pass', () => {
    const evil = { ...source, request: { ...request, messages: [user(`${'a'.repeat(100_000)}!`)] } };
    expect(evaluate("request.lastUserText.re('^(a+)+$')", evil)).toBe(false);
    expect(evaluate("request.lastUserText.re('^(a|aa)*b$')", evil)).toBe(false);
  });

  it('can spend only the budget of one evaluation', () => {
    const long = {
      ...source,
      request: {
        ...request,
        messages: [user('a'.repeat(maxConditionTextCharacters))],
        tools: Array.from({ length: 256 }, (_, index) => ({ name: `t${index}` })),
      },
    };
    expect(256 * maxConditionTextCharacters).toBeGreaterThan(conditionBudget);
    expect(errorsOf('request.toolNames.exists(name, request.lastUserText.contains(name))', long).errors).toEqual([
      expect.stringContaining('too expensive'),
    ]);
    expect(errorsOf("request.lastUserText.re('.{500}b')", long).errors).toEqual([
      expect.stringContaining('too expensive'),
    ]);
    expect(evaluate("request.lastUserText.contains('b')", long)).toBe(false);
  });
});
