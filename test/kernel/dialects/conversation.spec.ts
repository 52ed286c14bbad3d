import { describe, expect, it } from '@jest/globals';
import { conversationOf, toolNamesByCall } from '../../../src/kernel/dialects/conversation.ts';
import type { Message, ContentBlock } from '../../../src/kernel/request.ts';

const say = (role: Message['role'], ...content: readonly ContentBlock[]): Message => ({ role, content });

describe('a conversation', () => {
  it.each<
    readonly [
      string,
      readonly Message['role'][],
      readonly number[],
      readonly (readonly [string, readonly number[]])[],
      boolean,
    ]
  >([
    ['nothing', [], [], [], false],
    ['a system prompt ahead', ['system', 'developer', 'user'], [0, 1], [['user', [2]]], false],
    ['a system message in the middle', ['user', 'system', 'user'], [1], [['user', [0, 2]]], true],
    [
      "results of tools are the user's",
      ['assistant', 'tool', 'tool', 'user'],
      [],
      [
        ['assistant', [0]],
        ['user', [1, 2, 3]],
      ],
      false,
    ],
    [
      'neighbours of one side',
      ['user', 'user', 'assistant', 'assistant'],
      [],
      [
        ['user', [0, 1]],
        ['assistant', [2, 3]],
      ],
      false,
    ],
    [
      'the model begins',
      ['assistant', 'user'],
      [],
      [
        ['assistant', [0]],
        ['user', [1]],
      ],
      false,
    ],
  ])('%s: %j', (_title, roles, system, turns, movedSystem) => {
    const messages = roles.map((role) => say(role));
    const found = conversationOf(messages);
    const placeOf = (message: Message): number => messages.indexOf(message);
    expect(found.system.map(placeOf)).toEqual(system);
    expect(found.turns.map((turn) => [turn.role, turn.messages.map(placeOf)])).toEqual(turns);
    expect(found.movedSystem).toBe(movedSystem);
  });

  it('knows the tools that were called', () => {
    const names = toolNamesByCall([
      say('assistant', { kind: 'tool_call', callId: 'a', name: 'f' }, { kind: 'tool_call', name: 'g' }),
      say('assistant', { kind: 'tool_call', callId: 'b' }, { kind: 'text', callId: 'c', name: 'h' }),
    ]);
    expect([...names]).toEqual([['a', 'f']]);
  });
});
