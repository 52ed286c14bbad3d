import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { readXmlFields } from '../../../../src/kernel/tokens/aws/xml-fields.ts';

const read = (text: string): Record<string, string> | undefined => {
  const fields = readXmlFields(text);
  return fields === undefined ? undefined : Object.fromEntries(fields);
};

describe('an answer in XML', () => {
  it.each([
    ['<a>b</a>', { a: 'b' }],
    ['<?xml version="1.0" encoding="UTF-8"?>\n<a x="1">\n  <b> c </b>\n  <d/>\n</a>\n', { 'a/b': 'c' }],
    ['<a><b>1</b><c><b>2</b></c></a>', { 'a/b': '1', 'a/c/b': '2' }],
    ['<a>&lt;b&gt; &amp;amp; &#65;&#x42; &quot;&apos;</a>', { a: '<b> &amp; AB "\'' }],
    ['<a></a>', { a: '' }],
    // Nobody can say which one was meant.
    ['<a><b>1</b><b>2</b></a>', {}],
    ['<a><b>1</b><b>2</b><b>3</b></a>', {}],
    ['<__proto__>a</__proto__>', { ['__proto__']: 'a' }],
  ])('%j has its texts', (text, fields) => {
    expect(read(text)).toEqual(fields);
  });

  it.each([
    '',
    ' ',
    'text',
    '<a>',
    '<a',
    '</a>',
    '<a></b>',
    '<a>b</a><c>d</c>',
    '<a>b</a>c',
    'x<a>b</a>',
    '<a/>',
    '<a>b<c>d</c></a>',
    '<a><c>d</c>b</a>',
    '<a>&b;</a>',
    '<a>& b</a>',
    '<a>&#0;</a>',
    '<a>&#x110000;</a>',
    '<!DOCTYPE a><a>b</a>',
    '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
    '<a><!-- b --></a>',
    '<a><![CDATA[b]]></a>',
    '<a><?b c?></a>',
    '<1>b</1>',
    `<${'a'.repeat(200)}>b</${'a'.repeat(200)}>`,
    '<a>'.repeat(20) + '</a>'.repeat(20),
    `<a>${'<b/>'.repeat(600)}</a>`,
  ])('%j is none', (text) => {
    expect(read(text)).toBeUndefined();
  });

  it('gives back every text that was written into it', () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,6}$/), { minLength: 1, maxLength: 6 });
    const text = fc.string({ unit: 'binary' }).map((one) => one.toWellFormed().replaceAll('\0', ''));
    const escape = (one: string): string =>
      one.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    fc.assert(
      fc.property(names, fc.array(text, { minLength: 6, maxLength: 6 }), (keys, texts) => {
        const elements = keys.map((key, index) => `<${key}>${escape(texts[index] ?? '')}</${key}>`);
        const expected = keys.map((key, index) => [`R/${key}`, (texts[index] ?? '').trim()]);
        expect(read(`<R>${elements.join('\n')}</R>`)).toEqual(Object.fromEntries(expected));
      }),
    );
  });

  it('reads anything, and cut answers as none', () => {
    const whole = '<R a="b"><C><K>one</K><L>two &amp; three</L></C></R>';
    for (let length = 0; length < whole.length; length += 1) expect(read(whole.slice(0, length))).toBeUndefined();
    const pieces = fc.array(fc.constantFrom('<', '>', '/', 'a', 'b', '&', ';', '#', '!', '?', '"', ' ', '<a>', '</a>'));
    fc.assert(fc.property(pieces, (parts) => void read(parts.join(''))));
  });

  it.each(['<', '<a ', '&', '<a>&', '<a>b</a>', '</', '<a><'])('takes a single pass over a million of %j', (piece) => {
    expect(read(piece.repeat(1_000_000 / piece.length))).toBeUndefined();
  });
});
