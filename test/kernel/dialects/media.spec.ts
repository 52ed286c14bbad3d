import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkBase64, checkInline, readDataUri, writeDataUri } from '../../../src/kernel/dialects/media.ts';

describe('a data URI', () => {
  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', base64: 'AAAA' }],
    ['data:application/vnd.x+json;base64,', { mediaType: 'application/vnd.x+json', base64: '' }],
    ['data:text/plain;charset=utf-8;base64,AAAA', undefined],
    ['data:image/png,AAAA', undefined],
    ['https://e.example/data:image/png;base64,AAAA', undefined],
    ['', undefined],
  ] as const)('%s', (text, media) => {
    expect(readDataUri(text)).toEqual(media);
  });

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.base64String(), (base64) => {
        const media = { mediaType: 'image/png', base64 };
        expect(readDataUri(writeDataUri({ kind: 'image', ...media }))).toEqual(media);
      }),
    );
  });

  it('without a type is of bytes', () => {
    expect(writeDataUri({ kind: 'file', base64: 'AA' })).toBe('data:application/octet-stream;base64,AA');
  });
});

describe('inline media', () => {
  const limits = { types: ['image/png', 'image/gif'], maxBytes: 6 };
  const check = (fields: object) => (): void => checkInline({ kind: 'image', ...fields }, limits, 'here');

  it.each([
    [{}],
    [{ url: 'https://e.example' }],
    [{ base64: 'AAAAAAAA', mediaType: 'image/png' }],
    [{ base64: 'AA-_', mediaType: 'image/gif' }],
  ])('%j is taken', (fields) => {
    expect(check(fields)).not.toThrow();
  });

  it.each([
    [{ base64: '', mediaType: 'image/png' }, 'here: the data is no base64'],
    [{ base64: 'A A', mediaType: 'image/png' }, 'here: the data is no base64'],
    [{ base64: 'AAAAAAAAAAAA', mediaType: 'image/png' }, 'here: 9 bytes are more than the 6'],
    [{ base64: 'AAAA', mediaType: 'image/tiff' }, 'here: expected one of image/png, image/gif, got "image/tiff"'],
    [{ base64: 'AAAA' }, 'here: expected one of image/png, image/gif, got "no type"'],
  ])('%j is refused: %s', (fields, reason) => {
    expect(check(fields)).toThrow(reason);
  });

  it('is looked at at both ends, however long it is', () => {
    const long = 'A'.repeat(10_000);
    expect(() => checkBase64({ kind: 'image', base64: long }, 'here')).not.toThrow();
    expect(() => checkBase64({ kind: 'image', base64: `!${long}` }, 'here')).toThrow('no base64');
    expect(() => checkBase64({ kind: 'image', base64: `${long}!` }, 'here')).toThrow('no base64');
  });
});
