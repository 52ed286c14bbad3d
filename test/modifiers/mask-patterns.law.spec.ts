import { describe, it } from '@jest/globals';
import fc from 'fast-check';
import type { TextModifier } from '../../src/kernel/modifier.ts';
import { maskPatterns } from '../../src/modifiers/mask-patterns.ts';
import { createInstance } from '../support/component-instance.ts';
import { lawCases, proveLaw, proveMinimalHold } from '../support/law.ts';
import { greedy, replaceSlowly, slowFinders, type SlowRule } from '../support/pattern-oracle.ts';
import { testRun } from '../support/test-run.ts';
import { textBlock } from '../support/text-block.ts';

const { run, capabilities } = testRun();

function create(config: Record<string, unknown>): TextModifier {
  const modifier = createInstance(maskPatterns, config, capabilities);
  if (modifier.effect !== 'text') throw new TypeError('mask-patterns rewrites text');
  return modifier;
}

/** Whole samples, their halves, and what stands between. */
const pieces = (samples: readonly string[], between: readonly string[], maxLength: number): fc.Arbitrary<string> => {
  const half = (text: string): number => Math.floor(text.length / 2);
  const parts = samples.flatMap((text) => [
    text,
    text,
    text.slice(0, half(text)),
    text.slice(half(text)),
    text.slice(0, -1),
  ]);
  return fc
    .array(fc.oneof(fc.constantFrom(...between), fc.constantFrom(...parts)), { maxLength })
    .map((list) => list.join(''));
};

const around = [' ', '.', ',', '-', 'a', '7', '(', ')', '\n', 'é', '中', '\ud83d', '\ude00'];
const secretText = 'Ab3_dE-f9'.repeat(12);
const texts: Readonly<Record<string, fc.Arbitrary<string>>> = {
  email: pieces(
    ['ann@example.com', 'x@y.co.uk', 'ｊ．ö＠ä．ｄｅ', 'logo@2x.png', '@a.xn--p1ai'],
    [...around, '@', '＠', '_', '+', "'", 'a'.repeat(63), 'xn--', 'com'],
    7,
  ),
  'credit-card': pieces(
    [
      '4111 1111 1111 1111',
      '378282246310005',
      '5555-5555-5555-4444',
      '４１１１　１１１１　１１１１　１１１１',
      '6304000000000000',
    ],
    [...around, '0', '4', '9', '–', '１'],
    6,
  ),
  iban: pieces(
    ['DE89 3704 0044 0532 0130 00', 'gb29nwbk60161331926819', 'NO93-8601-1117-947', 'BE68 5390 0754 7034'],
    [...around, '0', 'D', 'DE', 'NO', 'BE68'],
    6,
  ),
  phone: pieces(
    [
      '+49 (0)30 12345',
      '+1.5551234567',
      '(212) 555-0123',
      '0171/1234567',
      '06 12 34 56 78',
      '13800138000',
      '0049 30 12345',
    ],
    [...around, '+', '0', '1', '/', '０', '＋'],
    5,
  ),
  ip: pieces(
    ['192.168.10.254', '10.0.0.1', '2001:db8::8a2e:7334', '::1', '::ffff:203.0.113.7', '1:2:3:4:5:6:7:8'],
    [...around, ':', '0', '255', '256', 'fe80', '::', '01'],
    7,
  ),
  'api-key': pieces(
    [
      `sk-proj-${secretText.slice(0, 24)}`,
      'AKIAIOSFODNN7EXAMPLE',
      `ghp_${'a1B2c3'.repeat(7)}`,
      'xoxb-1234-abcd-9',
      'sk_live_a1B2c3a1B2c3a1B2',
    ],
    [...around, 'sk-', '_', 'AKIA', 'xox', 'k-', 'Z9'],
    6,
  ),
  jwt: pieces(
    ['eyJhbGciOiJI.eyJzdWIiOiIx.sig_1-9', 'eyJhbGciOiJk..aXY.Y2lwaGVy.dGFn'],
    [...around, 'eyJ', '..', '_', 'eyJhbGciOiJI', '.eyJzdWIiOiIx'],
    7,
  ),
  'private-key': pieces(
    [
      '-----BEGIN RSA PRIVATE KEY-----',
      '-----END RSA PRIVATE KEY-----',
      '\nProc-Type: 4,ENCRYPTED',
      '\na1B2+a1B2+a1B2+a1B2+==',
    ],
    [...around, '-----', '\\n', '\r\n', 'a1B2'],
    8,
  ),
};
const everything = fc.oneof(...Object.values(texts));
const several = fc.array(everything, { maxLength: 2 }).map((list) => list.join(' '));

const finder = (name: string): SlowRule['finders'] => (slowFinders[name] ?? []).map((one) => [name, one] as const);
const label = (name: string): string => `[${name.toUpperCase().replaceAll('-', '_')}]`;

interface Rules {
  readonly config: Record<string, unknown>;
  readonly texts: fc.Arbitrary<string>;
  readonly finders: SlowRule['finders'];
  readonly mark?: SlowRule['mark'];
}

const kinds = Object.keys(texts);
const allKinds = ['jwt', 'email', 'iban', 'credit-card', 'ip', 'phone', 'api-key', 'private-key'];
const rules: Readonly<Record<string, Rules>> = {
  ...Object.fromEntries(
    kinds.map((name) => [
      name,
      { config: { patterns: [name] }, texts: texts[name] ?? everything, finders: finder(name) },
    ]),
  ),
  'all kinds': { config: { patterns: allKinds }, texts: several, finders: allKinds.flatMap(finder) },
  'a mark for each character': {
    config: { patterns: ['email', 'ip'], perCharacter: '*' },
    texts: fc.oneof(texts['email'] ?? everything, texts['ip'] ?? everything),
    finders: [...finder('email'), ...finder('ip')],
    mark: (match) => match.replaceAll(/[^]/gu, '*'),
  },
  remove: {
    config: { patterns: ['ip', 'iban'], action: 'remove' },
    texts: fc.oneof(texts['ip'] ?? everything, texts['iban'] ?? everything),
    finders: [...finder('ip'), ...finder('iban')],
    mark: () => '',
  },
  stop: {
    config: { patterns: ['email', 'credit-card', 'jwt'], action: 'stop' },
    texts: several,
    finders: [...finder('email'), ...finder('credit-card'), ...finder('jwt')],
    mark: () => undefined,
  },
  'a pattern of the author': {
    config: { patterns: [{ name: 'own', regex: '(?:ab{1,3}c?|ß{1,4}x|😀a?)', ignoreCase: true }] },
    texts: pieces(['abbc', 'ABBB', 'ßßx', '😀A'], ['a', 'b', 'B', 'c', 'ß', 'x', '\ud83d', '\ude00'], 9),
    finders: [['own', greedy(/(?:ab{1,3}c?|ß{1,4}x|😀a?)/iu)]],
  },
};

const cases = Math.ceil(lawCases / Object.keys(rules).length);

describe.each(Object.entries(rules))('%s', (_name, { config, texts: given, finders, mark }) => {
  it('is the rule applied to the whole text, whatever the cuts', () => {
    const modifier = create(config);
    proveLaw({
      open: () => modifier.open(run, textBlock()),
      oracle: (text) => replaceSlowly(text, { finders, mark: mark ?? ((_match, name) => label(name)) }),
      texts: given,
      cases,
    });
  });
});

describe('what is held', () => {
  it('is only what can still become a match', () => {
    const modifier = create({
      patterns: [
        { name: 'order', regex: 'ORD-[0-9]{2,3}', wholeWords: true },
        { name: 'dots', regex: 'o\\.{3}' },
      ],
    });
    const order = /(?<![\p{L}\p{N}_])ORD-[0-9]{2,3}(?![\p{L}\p{N}_])|o\.{3}/gu;
    proveMinimalHold({
      open: () => modifier.open(run, textBlock()),
      oracle: (text) => text.replaceAll(order, (match) => (match.startsWith('o') ? '[DOTS]' : '[ORDER]')),
      texts: pieces(
        ['ORD-12', 'ORD-123', 'o...'],
        [' ', 'O', 'OR', '-', '1', '.', 'o', '\ud835', '\udec1', '\ud83d'],
        8,
      ),
      goesOn: [
        '',
        ' ',
        'a',
        '1',
        '12',
        '1 ',
        '12 ',
        '-12 ',
        'D-12 ',
        'RD-12 ',
        '...',
        '..',
        '.',
        '\udec1 ',
        '\ude00',
        '\udec1ORD-12 ',
      ],
      cases: Math.ceil(cases / 10),
    });
  });
});
