import { describe, expect, it } from '@jest/globals';
import type { Message } from '../../../src/kernel/request.ts';
import { checkToolResults } from '../../../src/kernel/dialects/tool-result-check.ts';

const called = (...ids: readonly (string | undefined)[]): Message => ({
  role: 'assistant',
  content: ids.map((callId) => ({ kind: 'tool_call', name: 'f', ...(callId !== undefined && { callId }) })),
});
const result = (callId?: string): Message => ({ role: 'tool', content: [], ...(callId !== undefined && { callId }) });
const check =
  (...messages: readonly Message[]) =>
  (): void =>
    checkToolResults(messages, (_message, index) => `messages[${index}].id`);

describe('results of tools', () => {
  it.each<readonly [string, readonly Message[]]>([
    ['none', []],
    ['behind their calls, in any order', [called('a', 'b'), result('b'), result('a')]],
    ['of an earlier turn', [called('a'), { role: 'user', content: [] }, result('a')]],
    ['of custom tools', [{ role: 'assistant', content: [{ kind: 'custom_tool_call', callId: 'a' }] }, result('a')]],
    ['of calls that have no id', [called(undefined), result('x'), result()]],
  ])('%s pass', (_title, messages) => {
    expect(check(...messages)).not.toThrow();
  });

  it.each<readonly [string, readonly Message[], string]>([
    [
      'of a call that nobody made',
      [called('a'), result('b')],
      'messages[1].id: the result answers no tool call before it',
    ],
    ['ahead of their call', [result('a'), called('a')], 'messages[0].id: the result answers no tool call before it'],
    ['without an id', [called('a'), result()], 'messages[1].id: expected the id of a tool call, got nothing'],
    ['without any call', [result('a')], 'messages[0].id'],
  ])('%s are refused', (_title, messages, complaint) => {
    expect(check(...messages)).toThrow(complaint);
  });
});
