import { describe, expect, it } from '@jest/globals';
import { roles } from '../../../src/kernel/event.ts';
import { rewriteTexts, textsOf } from '../../../src/kernel/patterns/request-texts.ts';
import type { ChatRequest, ContentBlock } from '../../../src/kernel/request.ts';
import { oddRequest } from '../../support/component-runs.ts';
import { say } from '../../support/processor-steps.ts';

const all = new Set(roles);
const upper = () => ({ text: (chunk: string) => chunk.replaceAll('secret', 'SECRET'), flush: () => '' });
const assistant = (...content: ContentBlock[]): ChatRequest => ({
  ...say(''),
  messages: [{ role: 'assistant', content }],
});
const rewritten = (block: ContentBlock): ContentBlock | undefined =>
  rewriteTexts(assistant(block), all, upper).messages[0]?.content[0];

describe('rewriteTexts', () => {
  it('gives back the very request when nothing changes', () => {
    const request = { ...say('plain'), ...oddRequest };
    expect(rewriteTexts(request, all, upper)).toBe(request);
  });

  it('leaves the roles alone that it was not given', () => {
    const request = say('secret');
    expect(rewriteTexts(request, new Set(['tool']), upper)).toBe(request);
    expect(rewriteTexts(request, new Set(['user']), upper)).toEqual(say('SECRET'));
  });

  it.each<[name: string, block: ContentBlock, expected: ContentBlock]>([
    [
      'text, without what proves or cites the old one',
      {
        kind: 'reasoning',
        text: 'a secret',
        signature: { value: 'AAEC' },
        annotations: [{ cited: 'secret' }],
        initial: 'secret',
      },
      { kind: 'reasoning', text: 'a SECRET' },
    ],
    [
      'a refusal, and keeps what is not about its text',
      { kind: 'refusal', text: 'secret', cache: { ttl: '5m' }, place: 'messages[0]' },
      { kind: 'refusal', text: 'SECRET', cache: { ttl: '5m' }, place: 'messages[0]' },
    ],
    [
      'the strings of arguments, not their keys and numbers',
      { kind: 'tool_call', name: 'f', arguments: '{ "secret": ["a secret", 1.0, "\\u0073ecret"],"b":"\\u00e9" }' },
      { kind: 'tool_call', name: 'f', arguments: '{ "secret": ["a SECRET", 1.0, "SECRET"],"b":"\\u00e9" }' },
    ],
    [
      'arguments that are no JSON',
      { kind: 'tool_call', arguments: '{"a": the secret' },
      { kind: 'tool_call', arguments: '{"a": the SECRET' },
    ],
    [
      'the free input of a tool',
      { kind: 'custom_tool_call', arguments: '{"secret":1}' },
      { kind: 'custom_tool_call', arguments: '{"SECRET":1}' },
    ],
    [
      'what is called text in a block of another form',
      { kind: 'unknown', initial: { type: 'secret', parts: [{ text: 'secret', n: 1 }, { text: null }] } },
      { kind: 'unknown', initial: { type: 'secret', parts: [{ text: 'SECRET', n: 1 }, { text: null }] } },
    ],
    [
      'nothing of a picture',
      { kind: 'image', url: 'https://secret.example' },
      { kind: 'image', url: 'https://secret.example' },
    ],
  ])('rewrites %s', (_name, block, expected) => {
    expect(rewritten(block)).toEqual(expected);
  });

  it('does not change what it was given', () => {
    const request = assistant({ kind: 'unknown', initial: { text: 'secret' } }, { kind: 'text', text: 'secret' });
    const before = JSON.stringify(request);
    rewriteTexts(request, all, upper);
    expect(JSON.stringify(request)).toBe(before);
  });
});

describe('textsOf', () => {
  it('has what the model reads, in whatever spelling', () => {
    const request: ChatRequest = {
      ...assistant(
        { kind: 'text', text: '<A_1>' },
        { kind: 'tool_call', arguments: '{"a":"\\u003cA_2\\u003E"}' },
        { kind: 'unknown', initial: { text: '<A_3>' } },
        { kind: 'unknown' },
      ),
      tools: [{ name: 'f', description: '<A_4>' }],
    };
    const text = [...textsOf(request)].join('\n');
    expect(['<A_1>', '<A_2>', '<A_3>', '<A_4>'].filter((placeholder) => !text.includes(placeholder))).toEqual([]);
  });
});
