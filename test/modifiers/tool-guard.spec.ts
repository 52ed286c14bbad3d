import { describe, expect, it } from '@jest/globals';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { callEvents, finished, guard, GuardedAnswer, guardOf, textEvents } from '../support/guarded-calls.ts';

/** The arguments with which a call leaves; undefined where it is denied. */
function leaves(config: Record<string, unknown>, name: string, json: string): string | undefined {
  return guard(config, callEvents('c', name, [json])).blocks.get('c')?.text;
}

const payments = { rules: [{ tools: ['pay'], when: 'arguments.amount > 100', action: 'deny' }] };

describe('tools by name', () => {
  it.each<[string, Record<string, unknown>, string, boolean]>([
    ['everything without a rule', {}, 'search', true],
    ['what is allowed', { allow: ['search'] }, 'search', true],
    ['only what is allowed', { allow: ['search'] }, 'searches', false],
    ['what a glob allows', { allow: ['read_*_file'] }, 'read_my_file', true],
    ['nothing that a glob only nearly allows', { allow: ['ab*ba'] }, 'aba', false],
    ['what is in no list, where the default says so', { allow: ['x'], default: 'allow' }, 'search', true],
    ['nothing where the default denies', { default: 'deny' }, 'search', false],
    ['nothing that is denied', { deny: ['delete_*'] }, 'delete_all', false],
    ['nothing that is denied, though it is allowed', { deny: ['*'], allow: ['search'] }, 'search', false],
    ['what a rule allows before the lists', { rules: [{ tools: ['a'], action: 'allow' }], default: 'deny' }, 'a', true],
    ['nothing that a rule denies', { rules: [{ tools: ['a'], action: 'deny' }], allow: ['a'] }, 'a', false],
    ['the first rule that decides', { rules: [{ action: 'allow' }, { action: 'deny' }] }, 'a', true],
    ['a tool without a name only by *', { allow: ['?'] }, '', false],
  ])('lets pass %s', (_title, config, name, passes) => {
    expect(leaves(config, name, '{"a":1}')).toBe(passes ? '{"a":1}' : undefined);
    expect(guardOf(config).policy).toEqual({ mode: 'live' });
  });

  it('lets a call pass live, the very same events', () => {
    const events = [...textEvents('t', ['a', 'b']), ...callEvents('c', 'search', ['{"a"', ':1}']), finished()];
    const answer = new GuardedAnswer(guardOf({ allow: ['search'] }));
    for (const [index, event] of events.entries()) {
      answer.push(event);
      expect(answer.events[index]).toBe(event);
    }
  });

  it('gives a call another name, live', () => {
    const config = { rules: [{ tools: ['find'], rename: 'search', action: 'rewrite' }] };
    const answer = guard(config, callEvents('c', 'find', ['{}'], { initial: { name: 'find' } }));
    expect(answer.events[0]).toEqual({
      type: 'block.start',
      blockId: 'c',
      kind: 'tool_call',
      role: 'assistant',
      name: 'search',
      callId: 'call-c',
    });
    expect(guardOf(config).policy).toEqual({ mode: 'live' });
  });
});

describe('tools by their arguments', () => {
  it.each<[string, string, string | undefined]>([
    ['below the limit', '{"amount": 100}', '{"amount": 100}'],
    ['above it', '{"amount": 101}', undefined],
    ['above it, spelled otherwise', String.raw`{"\u0061mount":1.01e2}`, undefined],
    ['without what the condition reads', '{}', undefined],
    ['of another type', '{"amount":"101"}', undefined],
    ['no JSON', '{"amount":1', undefined],
    ['no object', '[100]', undefined],
    ['none', '', undefined],
    ['a key twice', '{"amount":101,"amount":1}', undefined],
    ['too deep', `{"amount":1,"x":${'['.repeat(200)}${']'.repeat(200)}}`, undefined],
    ['too long', `{"amount":1,"x":"${'x'.repeat(1_100_000)}"}`, undefined],
  ])('%s', (_title, json, expected) => {
    expect(leaves(payments, 'pay', json)).toBe(expected);
    expect(leaves(payments, 'other', json)).toBe(json);
  });

  it.each<[string, Record<string, unknown>, string, string | undefined]>([
    ['matches', {}, '{"q":"x"}', '{"q":"x"}'],
    ['does not match', {}, '{"q":1}', undefined],
    ['does not match, but passes', { onInvalid: 'pass' }, '{"q":1}', '{"q":1}'],
    ['is no JSON, but passes', { onInvalid: 'pass' }, '{"q', '{"q'],
    ['is empty', {}, '', undefined],
  ])('arguments with a schema: %s', (_title, more, json, expected) => {
    const schema = { type: 'object', required: ['q'], properties: { q: { type: 'string', pattern: '^[a-z]+$' } } };
    expect(leaves({ rules: [{ schema, action: 'allow' }], ...more }, 'search', json)).toBe(expected);
  });

  it('goes on to the next rules where invalid arguments pass', () => {
    const rules = [
      { schema: { required: ['q'] }, action: 'allow' },
      { tools: ['search'], action: 'deny' },
    ];
    expect(leaves({ rules, onInvalid: 'pass' }, 'search', '{"q')).toBeUndefined();
  });

  it.each<[string, Record<string, unknown>, string, string | undefined]>([
    ['sets', { set: { '/limit': 10 } }, '{"q":1,"limit":99}', '{"q":1,"limit":10}'],
    ['sets below', { set: { '/a/b': [1] } }, '{}', '{"a":{"b":[1]}}'],
    ['sets in none', { set: { '/a': 1 } }, '', '{"a":1}'],
    ['adds to a list', { set: { '/l/-': 3 } }, '{"l":[1,2]}', '{"l":[1,2,3]}'],
    ['removes', { remove: ['/debug', '/l/0', '/none/at/all'] }, '{"debug":1,"l":[1,2]}', '{"l":[2]}'],
    ['removes, then sets', { remove: ['/a'], set: { '/a/b': 1 } }, '{"a":"text"}', '{"a":{"b":1}}'],
    [
      'keeps the digits of the rest',
      { set: { '/a': 1 } },
      '{"n":12345678901234567890,"m":1.0}',
      '{"n":12345678901234567890,"m":1.0,"a":1}',
    ],
    ['can not set below a text', { set: { '/a/b': 1 } }, '{"a":"text"}', undefined],
    ['changes nothing that is no JSON', { set: { '/a': 1 } }, 'plain', undefined],
    ['escapes in pointers', { set: { '/a~1b~0': 1 } }, '{}', '{"a/b~":1}'],
  ])('%s', (_title, edits, json, expected) => {
    expect(leaves({ rules: [{ ...edits, action: 'rewrite' }] }, 'search', json)).toBe(expected);
  });

  it('asks the next rule about what was rewritten', () => {
    const rules = [
      { remove: ['/secret'], action: 'rewrite' },
      { schema: { properties: { q: true }, additionalProperties: false }, action: 'allow' },
    ];
    expect(leaves({ rules, default: 'deny' }, 'search', '{"q":1,"secret":2}')).toBe('{"q":1}');
    expect(leaves({ rules, default: 'deny' }, 'search', '{"q":1,"other":2}')).toBeUndefined();
  });

  it('knows who calls', () => {
    const rules = [{ tools: ['admin_*'], when: '!("admin" in caller.scopes)', action: 'deny' }];
    expect(leaves({ rules }, 'admin_reset', '{}')).toBeUndefined();
  });

  it('judges the text of a custom tool', () => {
    const rules = [{ when: 'arguments.contains("rm -rf")', action: 'deny' }];
    const shell = (text: string): string | undefined =>
      guard({ rules }, callEvents('c', 'shell', [text], { kind: 'custom_tool_call' })).blocks.get('c')?.text;
    expect(shell('ls "')).toBe('ls "');
    expect(shell('rm -rf /')).toBeUndefined();
  });

  it('does not keep what the provider repeats of the old call', () => {
    const config = { rules: [{ set: { '/a': 1 }, rename: 'g', action: 'rewrite' }] };
    const [start, first, second, end] = callEvents('c', 'f', ['{', '}'], { initial: { name: 'f', arguments: '{}' } });
    const answer = guard(config, [start, first, second, { ...end, final: { arguments: '{}' } }] as AnswerEvent[]);
    expect(answer.events).toEqual([
      { type: 'block.start', blockId: 'c', kind: 'tool_call', role: 'assistant', name: 'g', callId: 'call-c' },
      { type: 'toolArgs.delta', blockId: 'c', json: '{"a":1}' },
      { type: 'block.end', blockId: 'c' },
    ]);
    expect(answer.rewriter.matches).toBe(1);
  });

  it('keeps what belongs to the call, but no proof of other arguments', () => {
    const [start, delta, end] = callEvents('c', 'f', ['{}']);
    const signature: AnswerEvent = { type: 'reasoning.signature', blockId: 'c', value: 'AAEC' };
    const events = [start, signature, delta, end] as AnswerEvent[];
    const when = 'size(arguments) == 0';
    expect(guard({ rules: [{ when, action: 'allow' }] }, events).events).toEqual(events);
    const changed = guard({ rules: [{ when, set: { '/a': 1 }, action: 'rewrite' }] }, events);
    expect(changed.events.map(({ type }) => type)).toEqual(['block.start', 'toolArgs.delta', 'block.end']);
  });
});

describe('a denied call', () => {
  it('disappears, with words in its place', () => {
    const config = { ...payments, message: '[{tool} is not allowed]' };
    const answer = guard(config, [
      ...textEvents('t', ['Hi']),
      ...callEvents('c', 'pay', ['{"amount":', '500}']),
      finished(),
    ]);
    expect([...answer.blocks]).toEqual([
      ['t', { kind: 'text', name: undefined, text: 'Hi', ended: true }],
      ['c:denied', { kind: 'text', name: undefined, text: '[pay is not allowed]', ended: true }],
    ]);
    expect(answer.events.at(-1)).toEqual({ type: 'finish', reason: { unified: 'stop' } });
    expect(answer.rewriter.matches).toBe(1);
  });

  it('is told in the words of its rule', () => {
    const rules = [{ tools: ['pay'], action: 'deny', message: 'Ask a person.' }];
    const answer = guard({ rules, message: 'no' }, callEvents('c', 'pay', ['{}']));
    expect(answer.blocks.get('c:denied')?.text).toBe('Ask a person.');
  });

  it('leaves the reason of the end where another call remains', () => {
    const answer = guard(payments, [
      ...callEvents('c', 'pay', ['{"amount":500}']),
      ...callEvents('d', 'pay', ['{"amount":5}']),
      finished(),
    ]);
    expect([...answer.blocks.keys()]).toEqual(['d']);
    expect(answer.finishes.get(0)).toBe('tool_calls');
  });

  it('ends the answer, where the author wants it so', () => {
    const config = { ...payments, onDeny: 'stop', message: 'Stopped.' };
    const answer = guard(config, [
      ...textEvents('t', ['Hi']),
      ...callEvents('c', 'pay', ['{"amount":500}']),
      ...textEvents('u', ['later']),
      finished(),
    ]);
    expect([...answer.blocks.keys()]).toEqual(['t']);
    expect(answer.endings).toEqual([{ reason: 'content_filter', message: 'Stopped.', choice: 0 }]);
  });

  it('ends only its own choice', () => {
    const answer = guard({ deny: ['bad'], onDeny: 'stop' }, [
      ...callEvents('c', 'bad', ['{}'], { choice: 1 }),
      ...callEvents('d', 'good', ['{}'], { choice: 0 }),
      finished(1),
      finished(0),
    ]);
    expect(answer.endings).toEqual([{ reason: 'content_filter', choice: 1 }]);
    expect([...answer.finishes]).toEqual([[0, 'tool_calls']]);
  });

  it('is one that the provider cut off', () => {
    const events = callEvents('c', 'pay', ['{"amount":1']).map((event): AnswerEvent =>
      event.type === 'block.end' ? { ...event, incomplete: true } : event,
    );
    expect(guard(payments, events).blocks.size).toBe(0);
  });
});

describe('order', () => {
  it('keeps what follows behind a held call, and lets other choices pass', () => {
    const answer = new GuardedAnswer(guardOf(payments));
    const [start, delta, end] = callEvents('c', 'pay', ['{"amount":1}']);
    for (const event of [start, delta, ...textEvents('t', ['later']), finished(), ...textEvents('o', ['other'], 1)])
      if (event !== undefined) answer.push(event);
    expect([...answer.blocks.keys()]).toEqual(['o']);
    if (end !== undefined) answer.push(end);
    expect([...answer.blocks.keys()]).toEqual(['o', 'c', 't']);
    expect(answer.events.at(-1)?.type).toBe('finish');
  });

  it('lets what waits go when the stream fails, but no call that is not judged', () => {
    const answer = new GuardedAnswer(guardOf(payments));
    for (const event of [...callEvents('c', 'pay', ['{"amount":1']).slice(0, 2), ...textEvents('t', ['later'])])
      answer.push(event);
    answer.fail();
    expect([...answer.blocks.keys()]).toEqual(['t']);
  });

  it('fails where too much waits', () => {
    const answer = new GuardedAnswer(guardOf(payments));
    const [start] = callEvents('c', 'pay', []);
    if (start !== undefined) answer.push(start);
    const flood = (): void => {
      for (let count = 0; count < 70_000; count += 1) answer.push(finished(0));
    };
    expect(flood).toThrow(RangeError);
  });

  it('takes arguments in single units', () => {
    const json = `{"amount":1,"text":"${'x'.repeat(200_000)}"}`;
    expect(guard(payments, callEvents('c', 'pay', json.split(''))).blocks.get('c')?.text).toBe(json);
  });
});

describe('calls that the provider runs', () => {
  const call = (name: string, json: string): AnswerEvent[] =>
    callEvents('s', name, [json], { kind: 'server_tool_call', providerExecuted: true });

  it.each<[string, Record<string, unknown>, AnswerEvent[], number, number]>([
    ['pass where they are allowed', { allow: ['web_*'] }, call('web_search', '{}'), 0, 1],
    ['end the answer where they are denied', { deny: ['web_*'] }, call('web_search', '{}'), 1, 0],
    ['pass when told so', { deny: ['web_*'], providerTools: 'pass' }, call('web_search', '{}'), 0, 1],
    ['are judged at their end', payments, call('pay', '{"amount":500}'), 1, 1],
    ['are judged at their end, and pass', payments, call('pay', '{"amount":5}'), 0, 1],
  ])('%s', (_title, config, events, endings, blocks) => {
    const answer = guard(config, [...events, finished()]);
    expect(answer.endings.length).toBe(endings);
    expect(answer.blocks.size).toBe(blocks);
  });
});

describe('a definition that can not be used', () => {
  it.each<[string, Record<string, unknown>, string]>([
    [
      'a condition',
      { rules: [{ when: 'amount >', action: 'deny' }] },
      'rules[0].when: The expression is not valid at 8',
    ],
    ['a variable', { rules: [{ when: 'amount > 1', action: 'deny' }] }, 'there is no variable "amount"'],
    [
      'a schema',
      { rules: [{ schema: { properties: { a: { type: 'text' } } }, action: 'allow' }] },
      '/properties/a/type',
    ],
    [
      'a pattern',
      { rules: [{ schema: { properties: { a: { pattern: '(a)\\1' } } }, action: 'allow' }] },
      'rules[0].schema',
    ],
    ['a rewrite without a change', { rules: [{ action: 'rewrite' }] }, 'rules[0]: a rule that rewrites has'],
    [
      'a change that is allowed',
      { rules: [{ set: { '/a': 1 }, action: 'allow' }] },
      'rules[0]: "set", "remove" and "rename"',
    ],
    ['a denied schema', { rules: [{ schema: {}, action: 'deny' }] }, 'rules[0]: a rule that denies has no "schema"'],
    ['a pointer', { rules: [{ remove: ['/a~2'], action: 'rewrite' }] }, 'rules[0].remove: "/a~2"'],
    [
      'a prototype',
      { rules: [{ set: { '/__proto__/x': 1 }, action: 'rewrite' }] },
      "names a key that can't be changed",
    ],
  ])('%s', (_title, config, words) => {
    expect(() => guardOf(config)).toThrow(words);
  });
});
