import { describe, expect, it } from '@jest/globals';
import { buildPatternAutomaton } from '../../../src/kernel/patterns/pattern-automaton.ts';
import { findPatterns } from '../../../src/kernel/patterns/pattern-replacer.ts';
import { patternKind, patternKinds, patternLabel } from '../../../src/kernel/patterns/pattern-set.ts';

const automata = new Map(
  patternKinds.map(({ name, sources }) => [
    name,
    buildPatternAutomaton(sources.map((source) => ({ name, ...source }))),
  ]),
);

/** What a kind finds in a text. */
function found(name: string, text: string): string[] {
  const automaton = automata.get(name);
  if (automaton === undefined) throw new TypeError(`no kind ${name}`);
  return [...findPatterns(automaton, text)].map(({ start, end }) => text.slice(start, end));
}

const longKey = 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4p5Q6r7S8t9U0'.repeat(4);

describe.each(patternKinds.map((kind) => [kind.name, kind] as const))('%s', (name, { samples, canonical }) => {
  it('finds its samples, whatever stands around them', () => {
    for (const sample of samples) {
      for (const text of [
        sample,
        `see ${sample}, ok`,
        `"${sample}"`,
        `(${sample})`,
        `${sample}.`,
        `\n${sample}\n`,
        `是 ${sample}？`,
      ])
        expect(found(name, text)).toEqual([sample]);
    }
  });

  it('has a bound', () => {
    expect(automata.get(name)?.maxHeldCharacters).toBeLessThanOrEqual(8_192);
  });

  it('has one spelling for a thing, which is its own', () => {
    for (const sample of samples) {
      const spelled = canonical?.(sample) ?? sample;
      expect(canonical?.(spelled) ?? spelled).toBe(spelled);
    }
  });
});

describe('what is found', () => {
  it.each<[kind: string, text: string, matches: string[]]>([
    ['email', 'mailto:ann@example.com?subject=x&cc=bob@example.org', ['ann@example.com', 'bob@example.org']],
    [
      'email',
      "'ann@example.com', <ann@example.com>, **ann@example.com**",
      ['ann@example.com', 'ann@example.com', 'ann@example.com'],
    ],
    ['email', '请联系ann@example.com谢谢', ['ann@example.com']],
    ['email', 'ann@example.com1', ['ann@example.com']],
    ['email', 'https://user:pass@host.example.com/', ['pass@host.example.com']],
    ['phone', '(030 1234567)', ['030 1234567']],
    ['phone', 'Tel: 0171/1234567, Fax -8', ['0171/1234567']],
    ['phone', 'tel:+4930123456;ext=5', ['+4930123456']],
    ['phone', '０９０-１２３４-５６７８', ['０９０-１２３４-５６７８']],
    ['phone', '0151 23456789', ['0151 23456789']],
    ['credit-card', '25 4111 1111 1111 1111 123', ['4111 1111 1111 1111']],
    ['credit-card', 'card-4111111111111111.', ['4111111111111111']],
    ['credit-card', '4111–1111–1111–1111', ['4111–1111–1111–1111']],
    ['iban', 'IBAN:DE89 3704 0044 0532 0130 00 is mine', ['DE89 3704 0044 0532 0130 00']],
    ['ip', 'http://10.0.0.1:80/, 10.0.0.0/8.', ['10.0.0.1', '10.0.0.0']],
    ['ip', '[2001:db8::1]:443 fe80::1%eth0', ['2001:db8::1', 'fe80::1']],
    ['ip', 'at 2001:db8::1: refused', ['2001:db8::1']],
    ['api-key', 'Authorization: Bearer sk-ant-api03-abcdefghij0123456789', ['sk-ant-api03-abcdefghij0123456789']],
    ['api-key', `OPENAI_API_KEY=sk-proj-${longKey}`, [`sk-proj-${longKey}`]],
    ['jwt', 'a token that was cut: eyJhbGciOiJI.eyJzdWIiOiIx', ['eyJhbGciOiJI.eyJzdWIiOiIx']],
    [
      'private-key',
      `"-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\n\\n${longKey}\\nab==\\n-----END RSA PRIVATE KEY-----\\n"`,
      [
        `-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\n\\n${longKey}\\nab==\\n-----END RSA PRIVATE KEY-----`,
      ],
    ],
    ['private-key', `-----BEGIN PRIVATE KEY-----\n${longKey}\nthe rest`, [`-----BEGIN PRIVATE KEY-----\n${longKey}`]],
  ])('%s in %j', (kind, text, matches) => {
    expect(found(kind, text)).toEqual(matches);
  });
});

describe('what is not found', () => {
  it.each<[kind: string, texts: string[]]>([
    [
      'email',
      [
        'user@localhost',
        '@mention',
        'a@b.c',
        'react@18.2.0',
        'logo@2x.png',
        'a@@b.com',
        '_._@example.com',
        `${'a'.repeat(65)}@example.com`,
      ],
    ],
    [
      'phone',
      [
        '01.02.2024 10:30:00',
        '2024-01-15 10:30:00',
        '1718000000',
        '1718000000000',
        '123-456-7890',
        '555-0123',
        '+1.2345678',
        '＋１.２３４５６７８',
        '+1.555０0171',
        '+12345',
        '0.0123456789',
        '1,234,567,890',
        '1 234 567 890',
        'ISBN 978-3-16-148410-0',
        '00123456789012',
        'A0301234567',
        '0x0712345678',
        '12345 67890',
        '192.168.100.200',
        '550e8400-e29b-41d4-a716-446655440000',
      ],
    ],
    [
      'credit-card',
      [
        '4111 1111 1111 1112',
        '1718000000000',
        '0.4111111111111111',
        '04111111111111111',
        '41111111111111111111',
        'a4111111111111111',
        '4111111111111111a',
        '1000000000000008',
        '4111.1111.1111.1111',
      ],
    ],
    [
      'iban',
      [
        'DE89370400440532013001',
        'DE8937040044053201300',
        'XDE89370400440532013000',
        'DE89370400440532013000x',
        'US89 3704 0044 0532 0130 00',
      ],
    ],
    [
      'ip',
      [
        '256.1.1.1',
        '1.2.3',
        'v1.2.3.4',
        '1.02.3.4',
        '12:30:45',
        '00:11:22:33:44:55',
        'std::abc',
        '::add',
        'a::b',
        '::',
        '1.2.3.4a',
      ],
    ],
    [
      'api-key',
      [
        'sk-some-long-kebab-case-name-here',
        'task-sk-1',
        `xsk-${longKey}`,
        'AKIAIOSFODNN7EXAMPL',
        'AKIAIOSFODNN7EXAMPLEX',
        'ghp_short',
        'pk_live_a1B2c3a1B2c3a1B2',
        'AccountKey=short==',
      ],
    ],
    ['jwt', ['eyJhbGciOiJI', 'eyJhbGciOiJI.abc.def', 'eyJ.eyJ.eyJ', 'xeyJhbGciOiJI.eyJzdWIiOiIx.a']],
    [
      'private-key',
      ['-----BEGIN PUBLIC KEY-----', '-----BEGIN CERTIFICATE-----', '---- BEGIN PRIVATE KEY ----', 'BEGIN PRIVATE KEY'],
    ],
  ])('%s', (kind, texts) => {
    expect(texts.flatMap((text) => found(kind, text))).toEqual([]);
  });
});

describe('one spelling', () => {
  it.each([
    ['email', 'Ａnn@Example.COM', 'ann@example.com'],
    ['credit-card', '4111-1111 1111１111', '4111111111111111'],
    ['iban', 'de89 3704-0044', 'DE8937040044'],
    ['phone', '+49 (30) 12-34', '+49301234'],
    ['phone', '0049 30 1234', '+49301234'],
    ['phone', '(030) 1234', '0301234'],
    ['ip', '2001:DB8::1', '2001:db8::1'],
  ])('of %s %s is %s', (kind, text, expected) => {
    expect(patternKind(kind)?.canonical?.(text)).toBe(expected);
  });
});

describe('names', () => {
  it('are those of a config, each once', () => {
    const names = patternKinds.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.filter((name) => !/^[a-z][a-z-]*$/.test(name))).toEqual([]);
    expect(patternKind('constructor')).toBeUndefined();
  });

  it('have a label', () => {
    expect([patternLabel('email'), patternLabel('credit-card')]).toEqual(['EMAIL', 'CREDIT_CARD']);
  });
});
