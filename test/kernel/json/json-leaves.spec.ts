import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { JsonLeaves, type LeafRewriter } from '../../../src/kernel/json/json-leaves.ts';
import { buildWordAutomaton } from '../../../src/kernel/words/word-automaton.ts';
import { createWordMasker } from '../../../src/kernel/words/word-mask.ts';
import { cut } from '../../support/law.ts';

const automaton = buildWordAutomaton(['secret', '😀', '密码']);
const mask = (): LeafRewriter => createWordMasker(automaton, { with: '***' });

/** What leaves for each fragment, and at the end. */
function run(fragments: readonly string[], open: (pointer: string) => LeafRewriter | undefined = mask): string[] {
  const leaves = new JsonLeaves(open);
  return [...fragments.map((fragment) => leaves.push(fragment)), leaves.flush()];
}

const rewrite = (json: string, open?: (pointer: string) => LeafRewriter | undefined): string =>
  run([json], open).join('');

describe('strings in JSON', () => {
  it.each([
    ['a value', '{"a": "my secret"}', '{"a": "my ***"}'],
    ['no key', '{"secret": 1}', '{"secret": 1}'],
    ['a list', '["secret", ["secret"]]', '["***", ["***"]]'],
    ['a string by itself', ' "secret" ', ' "***" '],
    ['escaped', String.raw`{"a":"\u0073ecret"}`, '{"a":"***"}'],
    ['escaped pairs', String.raw`{"a":"\ud83d\ude00"}`, '{"a":"***"}'],
    ['a quote beside it', String.raw`["\"secret\""]`, String.raw`["\"***\""]`],
    ['the same key twice', '{"a":"secret","a":"secret"}', '{"a":"***","a":"***"}'],
    ['keys with quotes', String.raw`{"a\"b":"secret","\\":"secret"}`, String.raw`{"a\"b":"***","\\":"***"}`],
    ['numbers and words', '{"a":-1.5e+10,"b":[true,false,null,0]}', '{"a":-1.5e+10,"b":[true,false,null,0]}'],
    ['a number by itself', ' 42 ', ' 42 '],
    ['nothing', '', ''],
    ['line ends in a string', '{"a":"x\nsecret\ty"}', String.raw`{"a":"x` + '\n***' + String.raw`\ty"}`],
  ])('%s', (_title, json, expected) => {
    const expectedValue = expected.replaceAll('\t', String.raw`\t`);
    for (const size of [1, 2, 3, json.length || 1]) {
      const left = run(cut(json, [size])).join('');
      expect(left.replaceAll('\t', String.raw`\t`)).toBe(expectedValue);
    }
  });

  it('keeps the spelling of what it leaves', () => {
    const json = String.raw`{"a":"caf\u00e9 \/ \u0041","b":"\ud83d\ude01"}`;
    for (const size of [1, 5, 100]) expect(run(cut(json, [size])).join('')).toBe(json);
  });

  it('escapes what a rewriter puts in', () => {
    const quoting = (): LeafRewriter => ({ text: () => '"\\\n', flush: () => '\ud83d' });
    expect(rewrite('["a"]', quoting)).toBe(String.raw`["\"\\\n\ud83d"]`);
  });

  it('spells both halves of a pair in one way', () => {
    const slow = (): LeafRewriter => {
      let held = '';
      return {
        text: (chunk) => {
          const left = held;
          held = chunk.replace('x', '');
          return left;
        },
        flush: () => held,
      };
    };
    for (const json of ['["ab😀x"]', '["x😀ab😀"]', '["x😀"]']) {
      const left = run(cut(json, [1]), slow).join('');
      expect(JSON.parse(left)).toEqual(JSON.parse(json.replaceAll('x', '')));
      expect(left.isWellFormed()).toBe(true);
    }
  });

  it('gives back the very same fragment', () => {
    const fragments = ['{"path": "a long', ' text', ' with \\n escapes', '", "b": [', '"x"]', ' , "c": 1}'];
    expect(run(fragments, () => ({ text: (chunk) => chunk, flush: () => '' }))).toEqual([...fragments, '']);
  });

  it('tells where each string is', () => {
    const pointers: string[] = [];
    const open = (pointer: string): undefined => void pointers.push(pointer);
    rewrite(String.raw`{"a":"","b":[1,"",{"c/d":"","~":[[""]]}],"\u0061":"","":""}`, open);
    expect(pointers).toEqual(['/a', '/b/1', '/b/2/c~1d', '/b/2/~0/0/0', '/a', '/']);
  });

  it('leaves a string alone where nobody wants it', () => {
    const open = (pointer: string): LeafRewriter | undefined => (pointer === '/a' ? mask() : undefined);
    const json = String.raw`{"b":"secret \" \\","a":"secret"}`;
    for (const size of [1, 2, 3, 50])
      expect(run(cut(json, [size]), open).join('')).toBe(String.raw`{"b":"secret \" \\","a":"***"}`);
  });
});

describe('a rewriter that halts', () => {
  /** Ends with the first `!`, which leaves; in `flush` where there is none. */
  const halting = (halt: () => void): LeafRewriter => ({
    text: (chunk) => {
      const at = chunk.indexOf('!');
      if (at === -1) return chunk;
      halt();
      return chunk.slice(0, at + 1);
    },
    flush: () => {
      halt();
      return '.';
    },
  });

  it.each([
    ['in a string', '{"a":"one! two","b":"three"}', '{"a":"one!'],
    ['at its end', '{"a":"one","b":"three"}', '{"a":"one.'],
    ['before an escape', String.raw`["a!\n"]`, '["a!'],
    ['before an escape that is cut', String.raw`["a!\u00`, '["a!'],
    ['at the end of a cut text', '["a', '["a.'],
    ['where the JSON breaks', String.raw`["a\x`, '["a.'],
    ['in plain text', 'a! b', 'a!'],
  ])('%s', (_title, json, expected) => {
    for (const size of [1, 2, 100]) {
      const leaves: JsonLeaves = new JsonLeaves(() => halting(() => leaves.halt()));
      const left = cut(json, [size]).map((piece) => leaves.push(piece));
      expect([...left, leaves.flush()].join('')).toBe(expected);
    }
  });
});

describe('what is no JSON', () => {
  it.each([
    ['plain text', 'a secret', 'a ***'],
    ['a word that begins like null', 'nsecret secret', 'n*** ***'],
    ['a word behind a number', '12secret', '12***'],
    ['trailing garbage', '{"a":"secret"} secret', '{"a":"***"} ***'],
    ['two documents', '{"a":1}{"b":"secret"}', '{"a":1}{"b":"***"}'],
    ['single quotes', "{'a': 'secret'}", "{'a': '***'}"],
    ['an escape that is none', String.raw`["secret\x secret"]`, String.raw`["***\x ***"]`],
    ['a cut escape that is none', String.raw`["secret\u00zz secret"]`, String.raw`["***\u00zz ***"]`],
    ['a cut string', '["a secret', '["a ***'],
    ['a cut escape', String.raw`["a secret\u00`, String.raw`["a ***\u00`],
    ['a cut word', '[tru', '[tru'],
    ['a comma too many', '["a",] secret', '["a",] ***'],
    ['no comma', '["a" secret', '["a" ***'],
    ['a bracket of the other sort', '["a"} secret', '["a"} ***'],
    ['a value without a key', '{secret}', '{***}'],
    ['a mark before it', '\ufeff{"a":"secret"}', '\ufeff{"a":"***"}'],
    ['white space at the end', '{} \n', '{} \n'],
  ])('%s', (_title, json, expected) => {
    for (const size of [1, 2, 3, json.length]) expect(run(cut(json, [size])).join('')).toBe(expected);
  });

  it('shows a number that is none to the rewriter, whole', () => {
    const phone = buildWordAutomaton(['12 34 56', '1-800-5', 'true story', 'trust', '1.x']);
    const open = (): LeafRewriter => createWordMasker(phone, { with: '***' });
    const texts = [
      ['12 34 56', '***'],
      ['1-800-5', '***'],
      ['true story', '***'],
      ['trust', '***'],
      ['1.', '1.'],
      ['12 ', '12 '],
    ];
    for (const [text = '', expected] of texts) {
      for (const size of [1, 2, 100]) expect(run(cut(text, [size]), open).join('')).toBe(expected);
      expect(run([`{"a":${text}`], open).join('')).toBe(`{"a":${expected}`);
    }
  });

  it('never throws, loses nothing, and is the same however it is cut', () => {
    const odd = fc.string({
      unit: fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '\\',
        'u',
        '0',
        '1',
        '-',
        'e',
        't',
        'r',
        ' ',
        '\n',
        's',
        '\ud83d',
        '\ude00',
      ),
      maxLength: 40,
    });
    fc.assert(
      fc.property(odd, fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }), (json, lengths) => {
        expect(run(cut(json, lengths), () => ({ text: (chunk) => chunk, flush: () => '' })).join('')).toBe(json);
        expect(decoded(run(cut(json, lengths)).join(''))).toBe(decoded(rewrite(json)));
      }),
      { numRuns: 20_000 },
    );
  });
});

describe('hostile text', () => {
  it.each([
    ['deep lists', '['.repeat(200_000)],
    ['deep objects', '{"a":'.repeat(60_000) + '"secret"'],
    ['many strings', `[${'"",'.repeat(200_000)}""]`],
    ['many escapes', `["${String.raw`\n\u0041`.repeat(100_000)}"]`],
    ['backslashes', `["${'\\'.repeat(500_000)}"]`],
    ['a long key', `{"${'k'.repeat(500_000)}":""}`],
    ['a long number', `[${'1'.repeat(500_000)}]`],
    ['white space behind a number', `[1${' '.repeat(500_000)}]`],
    ['halves of pairs', `["${'\ud83d'.repeat(200_000)}"]`],
  ])('%s: linear, and the same in single units', (_title, json) => {
    const whole = rewrite(json);
    expect(run(cut(json, [1])).join('') === whole).toBe(true);
    expect(whole.includes('secret')).toBe(false);
  });

  it('caps pointers', () => {
    let longest = 0;
    const open = (pointer: string): undefined => void (longest = Math.max(longest, pointer.length));
    rewrite(`{"${'k'.repeat(5_000)}":`.repeat(300) + '""', open);
    expect(longest).toBeGreaterThan(100);
    expect(longest).toBeLessThan(4_096);
  });
});

/** Escapes are spelled anew in a piece that was changed, so how a text is spelled depends on its cuts. */
function decoded(json: string): string {
  return json
    .replaceAll(/\\u([\da-f]{4})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replaceAll(String.raw`\n`, '\n');
}
