import { describe, expect, it } from '@jest/globals';
import type { Processor } from '../../src/kernel/component.ts';
import type { RequestEvent, Role } from '../../src/kernel/event.ts';
import type { Run } from '../../src/kernel/run.ts';
import type { Configured } from '../../src/kernel/schema.ts';
import { sensitiveWords } from '../../src/processors/sensitive-words.ts';

type Config = Configured<typeof sensitiveWords.config>;
const defaults: Omit<Config, 'words'> = {
  match: 'substring',
  caseSensitive: false,
  action: 'mask',
  roles: ['user'],
  rule: 'sensitive-words',
};

function create(config: Partial<Config>): Processor {
  return sensitiveWords.create({ ...defaults, words: ['secret'], ...config }, {});
}

/** The processor looks at nothing of a run but which one it is. */
const newRun = (): Run => ({}) as Run;

function send(processor: Processor, events: readonly RequestEvent[], run: Run = newRun()): RequestEvent[] {
  const pushed: RequestEvent[] = [];
  const output = { push: (event: RequestEvent) => void pushed.push(event), answer: () => undefined };
  for (const event of events) void processor.process?.(event, output, run);
  return pushed;
}

const delta = (text: string, blockId = 'b0', role: Role = 'user'): RequestEvent => ({
  type: 'text.delta',
  blockId,
  role,
  text,
});
const end = (blockId = 'b0'): RequestEvent => ({ type: 'block.end', blockId });
const textOf = (events: readonly RequestEvent[]): string =>
  events.map((event) => (event.type === 'text.delta' ? event.text : '')).join('');

function outcome(processor: Processor, events: readonly RequestEvent[]): string | { error: string } {
  try {
    return textOf(send(processor, events));
  } catch (error) {
    return { error: (error as { code: string }).code };
  }
}

describe('sensitive-words', () => {
  it.each(sensitiveWords.examples.map((example) => [example.title, example] as const))(
    'example: %s',
    (_title, { config, given, expect: expected }) => {
      const processor = create(config as Partial<Config>);
      expect(outcome(processor, [delta(given), end()])).toEqual(expected);
      expect(outcome(processor, [...given.split('').map((unit) => delta(unit)), end()])).toEqual(expected);
    },
  );

  it.each<[string, Partial<Config>, string, string]>([
    ['removes', { action: 'remove' }, 'a secret b', 'a  b'],
    ['replaces', { action: 'replace', replacements: { Secret: 'thing' } }, 'a secret b', 'a thing b'],
    ['masks what has no text', { action: 'replace', replacements: { b: 'c' } }, 'a secret b', 'a *** c'],
  ])('%s', (_name, config, given, expected) => {
    expect(outcome(create(config), [...given.split('').map((unit) => delta(unit)), end()])).toBe(expected);
  });

  it.each<[string, Partial<Config>, string]>([
    ['texts that nothing asks for', { replacements: { a: 'b' } }, '"replacements" needs "action": "replace"'],
    ['a mask for what is removed', { action: 'remove', perCharacter: '#' }, '"perCharacter" has no use'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it('sends plain events on as they are', () => {
    const events = [delta('nothing here'), end(), delta('the secret', 'b1', 'assistant'), end('b1')];
    expect(send(create({}), events).every((event, index) => event === events[index])).toBe(true);
  });

  it('holds what may become a word, and lets it go before the block ends', () => {
    expect(send(create({}), [delta('a sec'), delta('re'), end()])).toEqual([delta('a '), delta('secre'), end()]);
  });

  it('keeps runs and blocks apart', () => {
    const processor = create({});
    const [first, second] = [newRun(), newRun()];
    expect(textOf(send(processor, [delta('sec')], first))).toBe('');
    expect(textOf(send(processor, [delta('ret'), delta('sec', 'b1')], second))).toBe('ret');
    expect(textOf(send(processor, [delta('ret', 'b1'), end(), end('b1')], first))).toBe('retsec');
    expect(textOf(send(processor, [delta('ret', 'b1'), end('b1')], second))).toBe('***');
  });

  it('opens a block anew after its end', () => {
    const processor = create({});
    expect(textOf(send(processor, [delta('sec'), end(), delta('ret'), end()]))).toBe('secret');
  });

  it.each<[Role[], string]>([
    [['user'], 'secret/***/secret/secret'],
    [['tool', 'assistant'], 'secret/secret/***/***'],
    [['system', 'user', 'assistant', 'tool'], '***/***/***/***'],
  ])('looks at the text of %j', (roles, expected) => {
    const processor = create({ roles });
    const texts = (['system', 'user', 'assistant', 'tool'] as const).map((role, index) =>
      textOf(send(processor, [delta('secret', `b${index}`, role), end(`b${index}`)])),
    );
    expect(texts.join('/')).toBe(expected);
  });

  it('drops what still tells the old text', () => {
    const events: RequestEvent[] = [
      {
        type: 'text.delta',
        blockId: 'b0',
        role: 'assistant',
        text: 'a secret',
        logprobs: [1],
        template: { dialect: 'x', before: '', after: '' },
      },
      { type: 'reasoning.signature', blockId: 'b0', value: 'sig' },
      { type: 'block.end', blockId: 'b0', final: 'a secret' },
    ];
    expect(send(create({ roles: ['assistant'] }), events)).toEqual([delta('a ***', 'b0', 'assistant'), end()]);
  });

  it('keeps signature and repeated text of a block without a match', () => {
    const events: RequestEvent[] = [
      delta('a sec', 'b0', 'assistant'),
      { type: 'reasoning.signature', blockId: 'b0', value: 'sig' },
      { type: 'block.end', blockId: 'b0', final: 'a sec' },
    ];
    expect(send(create({ roles: ['assistant'] }), events)).toEqual([
      delta('a ', 'b0', 'assistant'),
      delta('sec', 'b0', 'assistant'),
      ...events.slice(1),
    ]);
  });

  it.each([
    ['in one piece', [delta('a secret b')]],
    ['in two pieces', [delta('a sec'), delta('ret')]],
    ['at the end, where it needs no next character', [delta('a s'), delta('ecret'), end()]],
  ])('blocks a word %s', (_name, events) => {
    expect(outcome(create({ action: 'block' }), [...events, end()])).toEqual({ error: 'REQUEST_BLOCKED' });
    expect(outcome(create({ action: 'block', match: 'word' }), [...events, end()])).toEqual({
      error: 'REQUEST_BLOCKED',
    });
  });

  it('tells the caller the name of the rule, not the word', () => {
    const processor = create({ action: 'block', rule: 'house-rules' });
    expect(() => send(processor, [delta('a secret'), end()])).toThrow('blocked by the rule "house-rules"');
    expect(() => send(processor, [delta('a secret'), end()])).not.toThrow('secret');
  });

  it('does not hold text that it only looks at', () => {
    const events = [delta('a sec'), delta('ond'), end()];
    expect(send(create({ action: 'block' }), events)).toEqual(events);
  });

  it('is a guard', () => {
    expect(sensitiveWords.guard).toBe(true);
  });
});
