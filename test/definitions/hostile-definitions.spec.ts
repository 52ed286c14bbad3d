import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backend, check, minimal, secretValue } from './check-support.ts';

describe('hostile definitions', () => {
  const hostile = fc.dictionary(
    fc.constantFrom(
      'apiVersion',
      'name',
      'backends',
      'processors',
      'tokenProviders',
      'modifiers',
      'params',
      'routing',
      'limits',
      'gpt',
      'type',
      'config',
      'token',
      '$env',
      '$file',
      'words',
      'default',
      'to',
    ),
    fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 6 },
        fc.constantFrom(
          'gpt',
          'static',
          'openai-chat',
          'filter',
          'mask',
          'cache',
          'PATH',
          '${A}',
          'OPENAI_API_KEY',
          '/etc/passwd',
          '1s',
          null,
          true,
          0,
          -1,
          1e308,
        ),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(
          fc.constantFrom(
            'gpt',
            'a',
            'type',
            'config',
            'token',
            'provider',
            'providers',
            '$env',
            '$file',
            'words',
            'when',
            'onError',
            'name',
            'timeouts',
            'upstream',
            'script',
            'default',
            'to',
            'enum',
          ),
          tie('value'),
          { maxKeys: 5 },
        ),
      ),
    })).value,
  );

  it('never throw, and never show a secret', () => {
    fc.assert(
      fc.property(hostile, (definition) => {
        const result = check(definition);
        expect(JSON.stringify(result.diagnostics)).not.toContain(secretValue);
        expect(result.pipeline === undefined).toBe(result.diagnostics.some(({ severity }) => severity === 'error'));
      }),
      { numRuns: 200 },
    );
  });

  it('cut anywhere, are findings and no crash', () => {
    const text = JSON.stringify({
      ...minimal,
      backends: { gpt: { ...backend, token: 'a' } },
      tokenProviders: { a: { type: 'static', config: { token: { $env: 'OPENAI_API_KEY' } } } },
      modifiers: [{ type: 'mask', config: { words: ['a'] } }],
    });
    for (let length = 0; length < text.length; length += 3)
      expect(check(text.slice(0, length)).pipeline).toBeUndefined();
    expect(check(text).pipeline?.name).toBe('support');
  });
});

describe('a definition with thousands of mistakes', () => {
  const many = (count: number, entry: (index: number) => unknown): object =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, entry(index)]));

  it.each<[what: string, definition: unknown]>([
    ['unknown keys', { ...minimal, ...many(9_900, (index) => index) }],
    ['textual variables', { ...minimal, ...many(9_900, () => '${A}') }],
    ['unknown names', { ...minimal, processors: Array.from({ length: 9_000 }, (_, index) => `p${index}`) }],
    [
      'wrong words',
      { ...minimal, modifiers: [{ type: 'mask', config: { words: Array.from({ length: 9_000 }, () => 5) } }] },
    ],
    ['duplicate keys', `{${'"a":1,'.repeat(9_000)}}`],
    ['unclosed variables', `{"a":"${'${'.repeat(400_000)}"}`],
  ])('(%s) has a hundred findings and is soon done', (_what, definition) => {
    const { pipeline, diagnostics } = check(definition);
    expect(pipeline).toBeUndefined();
    expect(diagnostics.length).toBeLessThanOrEqual(100);
  });
});
