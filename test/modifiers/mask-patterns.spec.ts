import { createHmac } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import { Secret } from '../../src/kernel/schema.ts';
import { maskPatterns } from '../../src/modifiers/mask-patterns.ts';
import { buildConfig, createInstance } from '../support/component-instance.ts';
import { runPieces } from '../support/law.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock, type HandMadeBlock } from '../support/text-block.ts';

const { run, capabilities } = testRun();

function create(config: Record<string, unknown>): TextModifier {
  return createInstance(maskPatterns, config, capabilities) as TextModifier;
}

function mask(config: Record<string, unknown>, pieces: readonly string[], block: HandMadeBlock = textBlock()): string {
  return runPieces(create(config).open(run, block), pieces).join('');
}

const own = (regex: string, more: Record<string, unknown> = {}) => ({ name: 'own', regex, ...more });

describe('mask-patterns', () => {
  it('gives back the very text that nothing in can match', () => {
    const rewriter = create({ patterns: ['credit-card', 'iban'] }).open(run, textBlock());
    const text = 'nothing to see here. ';
    expect(rewriter.text(text)).toBe(text);
    expect(rewriter.matches).toBe(0);
  });

  it('holds a word that may become an address, and lets it go with its end', () => {
    const rewriter = create({ patterns: ['email'] }).open(run, textBlock());
    expect(['Hello ann', ' and bob@', 'example.com', '!'].map((piece) => rewriter.text(piece))).toEqual([
      'Hello ',
      'ann and ',
      '',
      '[EMAIL]!',
    ]);
    expect(rewriter.matches).toBe(1);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['the longer of two', { patterns: [own('10\\.0'), 'ip'] }, 'at [IP]!'],
    ['of two of one length the first', { patterns: [own('10\\.0\\.0\\.7'), 'ip'] }, 'at [OWN]!'],
    ['one text for all', { patterns: ['ip'], with: '' }, 'at !'],
    ['a mark for each character', { patterns: ['ip'], perCharacter: '•' }, 'at ••••••••!'],
    ['nothing', { patterns: ['ip'], action: 'remove' }, 'at !'],
  ])('puts in place %s', (_name, config, expected) => {
    expect(mask(config, ['at 10.0.', '0.7!'])).toBe(expected);
  });

  it.each<[Record<string, unknown>, string, string]>([
    [own('a+', { maxCharacters: 3 }), 'aaaa b', '[OWN][OWN] b'],
    [own('ab', { ignoreCase: true }), 'aB ab', '[OWN] [OWN]'],
    [own('ab', { ignoreCase: false }), 'aB ab', 'aB [OWN]'],
    [own('ab', { wholeWords: true }), 'ab abc éab ab', '[OWN] abc éab [OWN]'],
    [own('ab', { notAfter: '[.]' }), 'ab .ab', '[OWN] .ab'],
    [own('ab', { notBefore: '[.]', wholeWords: true }), 'ab ab. cab', '[OWN] ab. cab'],
    [own('[\\p{Lu}]{2}\\d'), 'ÄÖ1 ab1', '[OWN] ab1'],
  ])('takes the pattern %j', (pattern, text, expected) => {
    expect(mask({ patterns: [pattern] }, [text])).toBe(expected);
  });

  describe('with hashes', () => {
    const config = (key: string) => ({
      ...(buildConfig(maskPatterns, { patterns: ['email', 'phone'] }).built as Parameters<
        typeof maskPatterns.create
      >[0]),
      action: 'hash' as const,
      key: new Secret('test', () => key),
    });
    const hashed = (key: string, text: string): string => {
      const modifier = maskPatterns.create(config(key), {}) as TextModifier;
      return runPieces(modifier.open(run, textBlock()), [text]).join('');
    };

    it('shows what everybody with the key can compute', () => {
      const hash = createHmac('sha256', 'a key that is long').update('ann@example.com').digest('hex').slice(0, 12);
      expect(hashed('a key that is long', 'ann@example.com Ann@Example.com')).toBe(`[EMAIL:${hash}] [EMAIL:${hash}]`);
    });

    it('is the same for all spellings of a number, and another with another key', () => {
      const [one, other] = hashed('a key that is long', '+49 30 1234567, 0049-30-1234567').split(', ');
      expect(one).toBe(other);
      expect(hashed('another long enough key', '+49 30 1234567')).not.toBe(one);
    });

    it('needs a key that can not be guessed', () => {
      expect(() => maskPatterns.create(config('short'), {})).toThrow('at least 16 characters');
    });
  });

  describe('with stop', () => {
    const config = { patterns: ['email', own('x{3}')], action: 'stop', message: 'withheld' };

    it.each([
      [['Write to ann@example.com or not xxx']],
      [['Write ', 'to ann', '@example', '.com or', ' not']],
      [[...'Write to ann@example.com or not']],
      [['Write to ann@example.com']],
    ])('ends %j before the first match', (pieces) => {
      const block = textBlock();
      const rewriter = create(config).open(run, block);
      expect(runPieces(rewriter, pieces).join('')).toBe('Write to ');
      expect(block.endings).toEqual([{ reason: 'content_filter', message: 'withheld' }]);
      expect(rewriter.matches).toBe(1);
    });

    it('leaves a text without a match as it is', () => {
      const block = textBlock();
      expect(mask(config, ['ann@exam', 'ple and xx'], block)).toBe('ann@example and xx');
      expect(block.endings).toEqual([]);
    });

    it('says nothing where it has no message', () => {
      const block = textBlock();
      mask({ patterns: ['email'], action: 'stop' }, ['ann@example.com'], block);
      expect(block.endings).toEqual([{ reason: 'content_filter' }]);
    });
  });

  it.each<[unknown[], Record<string, unknown>, unknown]>([
    [['credit-card'], {}, { mode: 'window', maxHeldCharacters: 38 }],
    [['email'], {}, { mode: 'window', maxHeldCharacters: 253 }],
    [[own('[0-9]')], {}, { mode: 'live' }],
    [[own('a+', { maxCharacters: 9 })], {}, { mode: 'window', maxHeldCharacters: 8 }],
    [[own('a+b')], { unbounded: 'buffer' }, { mode: 'buffer' }],
  ])('says how much it holds at most: %j', (patterns, more, policy) => {
    expect(create({ patterns, ...more }).policy).toEqual(policy);
  });

  it('shows the plan what it would change', () => {
    const { rewrites } = create({ patterns: ['email', 'api-key', own('x')] });
    expect(rewrites?.samples.length).toBe(2);
    for (const sample of rewrites?.samples ?? [])
      expect(mask({ patterns: ['email', 'api-key'] }, [sample])).toMatch(/^\[[A-Z_]+\]$/);
  });

  it.each<[string, Record<string, unknown>, string | RegExp]>([
    ['a regex without a bound', { patterns: [own('a+')] }, 'the pattern "own" has no longest match'],
    ['a regex that is none', { patterns: [own('(')] }, /own/],
    ['look-behind', { patterns: [own('(?<=a)b')] }, /own/],
    ['a back-reference', { patterns: [own('(a)\\1')] }, /own/],
    ['two masks', { patterns: ['ip'], with: '#', perCharacter: '#' }, 'exclude each other'],
    ['a mask for another action', { patterns: ['ip'], action: 'remove', with: '#' }, 'belong to the action "mask"'],
    ['a key for another action', { patterns: ['ip'], key: { $env: 'A_SECRET' } }, 'belongs to the action "hash"'],
    ['a hash without a key', { patterns: ['ip'], action: 'hash' }, 'needs a "key"'],
    ['a message for another action', { patterns: ['ip'], message: 'no' }, 'belongs to the action "stop"'],
  ])('refuses %s', (_name, config, message) => {
    expect(() => create(config)).toThrow(message);
  });

  it.each<[string, Record<string, unknown>]>([
    ['no pattern', { patterns: [] }],
    ['an unknown kind', { patterns: ['e-mail'] }],
    ['a pattern without a name', { patterns: [{ regex: 'a' }] }],
    ['an unknown field', { patterns: [own('a', { flags: 'i' })] }],
    ['a key in the open', { patterns: ['ip'], action: 'hash', key: 'a key that is long' }],
  ])('has a schema that refuses %s', (_name, config) => {
    expect(buildConfig(maskPatterns, config).mistakes).not.toEqual([]);
  });

  it('keeps texts apart', () => {
    const modifier = create({ patterns: ['ip'] });
    const [first, second] = [
      modifier.open(run, textBlock()),
      modifier.open(run, textBlock({ channel: 'toolArguments' })),
    ];
    expect([first.text('10.0'), second.text('.0.7'), first.flush(), second.flush()].join('|')).toBe('|.0.7|10.0|');
  });

  it('works on all channels, and is a guard', () => {
    expect(create({ patterns: ['ip'] }).channels).toEqual(['text', 'reasoning', 'refusal', 'toolArguments']);
    expect(create({ patterns: ['ip'], channels: ['text'] }).channels).toEqual(['text']);
    expect(maskPatterns.guard).toBe(true);
  });

  it.each([
    ['digits', '4111 1111-'.repeat(100_000)],
    ['at signs', 'a@a@a.b.cc-'.repeat(90_000)],
    ['colons', '1:2::3:4'.repeat(120_000)],
    ['beginnings of tokens', 'eyJaaaaaaaa.eyJbbbbbbbb..'.repeat(40_000)],
    ['one word', 'x'.repeat(1_000_000)],
    ['halves of pairs', '\ud83d'.repeat(1_000_000)],
  ])('takes a megabyte of %s', (_name, text) => {
    const patterns = ['email', 'credit-card', 'iban', 'phone', 'ip', 'jwt', 'api-key', 'private-key'];
    const rewriter = create({ patterns, with: '' }).open(run, textBlock());
    expect((rewriter.text(text) + rewriter.flush()).length).toBeLessThanOrEqual(text.length);
  });
});
