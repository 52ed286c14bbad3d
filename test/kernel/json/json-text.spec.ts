import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  countStringTokens,
  escapeJson,
  escapeJsonText,
  fromLatin1,
  isJsonText,
  measureJson,
  toLatin1,
  unescapeJson,
  unescapeJsonText,
} from '../../../src/kernel/json/json-text.ts';

const anyText = fc.string({ unit: 'binary' });
const wellFormed = anyText.filter((text) => text.isWellFormed());

describe('text inside JSON', () => {
  it('is what JSON.stringify writes between the quotes, halves of pairs included', () => {
    fc.assert(
      fc.property(
        anyText,
        (text) => escapeJson(text) === JSON.stringify(text).slice(1, -1) && unescapeJson(escapeJson(text)) === text,
      ),
    );
  });

  it('goes through bytes without loss', () => {
    fc.assert(
      fc.property(
        wellFormed.filter((text) => !text.includes('\ufffd')),
        (text) => fromLatin1(toLatin1(text)) === text && unescapeJsonText(escapeJsonText(text)) === text,
      ),
    );
  });

  it.each([
    ['a"b', false],
    ['a\\', false],
    ['a\nb', false],
    ['\\x', false],
    ['\\u12', false],
    ['a","b":"c', false],
    ['a\\"b', true],
    ['é', true],
    ['\\u00e9', true],
    ['', true],
  ])('%j may stand between quotes: %s', (json, expected) => {
    expect(isJsonText(json)).toBe(expected);
    expect(unescapeJsonText(toLatin1(json)) !== undefined).toBe(expected);
  });

  it('leaves bytes that are no UTF-8 to the slow way', () => {
    expect(unescapeJsonText('caf\xe9')).toBeUndefined();
    expect(unescapeJsonText('caf\xc3\xa9')).toBe('café');
  });
});

describe('strings of a document', () => {
  it('are as many in the text as in the value', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), (json) => {
        const value: unknown = JSON.parse(json);
        return countStringTokens(JSON.stringify(value)) === measureJson(value).strings;
      }),
    );
  });

  it('are more in the text when a key is there twice', () => {
    const json = '{"a":"hidden","a":"seen"}';
    expect(countStringTokens(json)).toBe(4);
    expect(measureJson(JSON.parse(json)).strings).toBe(2);
  });

  it('does not overflow on deep documents', () => {
    expect(measureJson(JSON.parse('['.repeat(50_000) + ']'.repeat(50_000))).depth).toBe(50_000);
  });
});
