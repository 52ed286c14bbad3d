import { describe, expect, it } from '@jest/globals';
import { roles, type Role } from '../../src/kernel/event.ts';
import { findVault } from '../../src/kernel/patterns/placeholders.ts';
import { lastUserText, messageText, type ChatRequest, type Message } from '../../src/kernel/request.ts';
import { patterns } from '../../src/processors/patterns.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { say } from '../support/processor-steps.ts';
import { testRun } from '../support/test-run.ts';

const output = { push: () => undefined, answer: () => undefined };

function send(config: Record<string, unknown>, request: ChatRequest, { run, capabilities } = testRun()): ChatRequest {
  const processor = createInstance(patterns, { patterns: ['email', 'ip'], ...config }, capabilities);
  const sent = processor.processRequest?.(request, output, run);
  if (sent === undefined || sent instanceof Promise) throw new TypeError('it answers at once');
  return sent;
}

const message = (role: Role, text: string): Message => ({ role, content: [{ kind: 'text', text }] });
const chat = (...messages: Message[]): ChatRequest => ({ ...say(''), messages });
const textsOf = ({ messages }: ChatRequest): string[] => messages.map(messageText);

describe('patterns', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['masks', {}, 'I am [EMAIL] at [IP].'],
    ['masks with one text', { with: '***' }, 'I am *** at ***.'],
    ['masks each character', { perCharacter: '*' }, `I am ${'*'.repeat(15)} at ********.`],
    ['removes', { action: 'remove' }, 'I am  at .'],
    ['hashes', { action: 'hash', key: { $env: 'HASH_SECRET' } }, 'I am [EMAIL:9adb4cb71c6a] at [IP:'],
    ['hides', { action: 'placeholder' }, 'I am <EMAIL_1> at <IP_1>.'],
  ])('%s what it finds', (_name, config, expected) => {
    const text = lastUserText(send(config, say('I am ann@example.com at 10.0.0.7.')));
    expect(text.slice(0, expected.length)).toBe(expected);
    expect(text).not.toContain('10.0.0.7');
  });

  it('gives back the very request in which it finds nothing', () => {
    const request = chat(message('user', 'nothing'), message('tool', 'at all'));
    for (const action of ['mask', 'placeholder', 'block']) expect(send({ action }, request)).toBe(request);
  });

  it('looks at all roles, since a client sends earlier answers back', () => {
    const request = chat(...roles.map((role) => message(role, `${role} ann@example.com`)));
    expect(textsOf(send({}, request))).toEqual(roles.map((role) => `${role} [EMAIL]`));
    expect(textsOf(send({ roles: ['tool'] }, request)).filter((text) => text.includes('ann'))).toHaveLength(4);
  });

  it('looks into arguments of calls', () => {
    const call = {
      kind: 'tool_call',
      name: 'mail',
      callId: 'c1',
      arguments: '{"ann@example.com":"ann\\u0040example.com","n":10}',
    } as const;
    const sent = send({ action: 'placeholder' }, chat({ role: 'assistant', content: [call] }));
    expect(sent.messages[0]?.content[0]).toEqual({ ...call, arguments: '{"ann@example.com":"<EMAIL_1>","n":10}' });
  });

  describe('with placeholders', () => {
    const hide = (request: ChatRequest, test = testRun()) => textsOf(send({ action: 'placeholder' }, request, test));

    it('gives one value one name in the whole request, by order of appearance', () => {
      expect(
        hide(chat(message('system', 'for b@x.de'), message('user', 'a@x.de, b@x.de'), message('assistant', 'a@x.de'))),
      ).toEqual(['for <EMAIL_1>', '<EMAIL_2>, <EMAIL_1>', '<EMAIL_2>']);
    });

    it('keeps the names of a conversation that goes on', () => {
      const first = [message('user', 'a@x.de'), message('assistant', 'Hello a@x.de')];
      expect(hide(chat(...first, message('user', 'b@x.de'))).slice(0, 2)).toEqual(hide(chat(...first)));
    });

    it('never takes a name that stands anywhere in the request', () => {
      const tool = { name: 'f', description: 'such as <EMAIL_3>' };
      const call = { kind: 'tool_call', name: 'f', arguments: '{"a":"\\u003cEMAIL_2\\u003e"}' } as const;
      const request = chat(message('user', '<EMAIL_1> a@x.de'), { role: 'assistant', content: [call] });
      expect(hide({ ...request, tools: [tool] })[0]).toBe('<EMAIL_1> <EMAIL_4>');
    });

    it('shares names with another step of the run, and with no other run', () => {
      const test = testRun();
      send({ action: 'placeholder', patterns: ['ip'] }, say('10.0.0.7'), test);
      expect(hide(say('10.0.0.8 10.0.0.7'), test)).toEqual(['<IP_2> <IP_1>']);
      expect(findVault(test.run)?.original('<IP_2>')).toBe('10.0.0.8');
      expect(hide(say('10.0.0.8'))).toEqual(['<IP_1>']);
    });
  });

  describe('with block', () => {
    it('refuses, and names the rule and not the match', () => {
      const refuse = (): unknown => send({ action: 'block', rule: 'no-mail' }, say('I am ann@example.com'));
      expect(refuse).toThrow('blocked by the rule "no-mail"');
      expect(refuse).toThrow(expect.objectContaining({ code: 'REQUEST_BLOCKED', context: {} }));
      expect(refuse).not.toThrow('ann');
    });

    it('looks at user and tool, so that an answer does not end a conversation', () => {
      const answered = chat(message('system', 'a@x.de'), message('assistant', 'a@x.de'), message('user', 'hi'));
      expect(send({ action: 'block' }, answered)).toBe(answered);
      expect(() => send({ action: 'block' }, chat(message('tool', 'a@x.de')))).toThrow('blocked');
      expect(() => send({ action: 'block', roles: ['assistant'] }, answered)).toThrow('blocked');
    });
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a regex without a bound', { patterns: [{ name: 'own', regex: 'a*b' }] }, 'has no longest match'],
    ['a mask that placeholders have no use for', { action: 'placeholder', with: '#' }, 'belong to the action "mask"'],
    ['a hash without a key', { action: 'hash' }, 'needs a "key"'],
  ])('refuses %s', (_name, config, expected) => {
    expect(() => send(config, say('hi'))).toThrow(expected);
  });

  it('takes a regex without a bound where it is told to wait', () => {
    const config = { patterns: [{ name: 'own', regex: 'a*b' }], unbounded: 'buffer' };
    expect(lastUserText(send(config, say(`${'a'.repeat(9_000)}b`)))).toBe('[OWN]');
  });

  it('is a guard, with a schema that knows its actions', () => {
    expect(patterns.guard).toBe(true);
    expect(buildConfig(patterns, { patterns: ['email'], action: 'stop' }).mistakes).not.toEqual([]);
    expect(buildConfig(patterns, { patterns: ['email'] }).built).toEqual({
      patterns: ['email'],
      unbounded: 'refuse',
      action: 'mask',
      rule: 'patterns',
    });
  });
});
