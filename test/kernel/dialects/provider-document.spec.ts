import { describe, expect, it } from '@jest/globals';
import { parseBody, parseFrame } from '../../../src/kernel/dialects/provider-document.ts';

const deep = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;

describe('a frame of a provider', () => {
  it('is an object, with the number of its strings', () => {
    expect(parseFrame('{"a":"b","c":["d",1]}')).toEqual({ document: { a: 'b', c: ['d', 1] }, strings: 4 });
  });

  it.each(['', '{', '[]', 'null', '"secret words"', 'secret words', deep(1_000)])(
    '%j is a bad frame, and its words stay unsaid',
    (data) => {
      let thrown: unknown;
      try {
        parseFrame(data);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: 'UPSTREAM_BAD_FRAME' });
      expect(JSON.stringify(thrown)).not.toContain('secret');
    },
  );
});

describe('an answer in one piece', () => {
  it('is an object', () => {
    expect(parseBody('{"a":1}')).toEqual({ a: 1 });
  });

  it.each(['', '<html></html>', '[]', '5', deep(1_000)])('%j is no answer', (body) => {
    expect(() => parseBody(body)).toThrow(expect.objectContaining({ code: 'UPSTREAM_BAD_CONTENT' }));
  });
});
