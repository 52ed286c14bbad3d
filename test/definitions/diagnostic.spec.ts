import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { arrangeDiagnostics, formatDiagnostic, quote, type Diagnostic } from '../../src/definitions/diagnostic.ts';
import { editDistance, nearestName } from '../../src/definitions/nearest-name.ts';

const finding = (line: number, rest: Partial<Diagnostic> = {}): Diagnostic => ({
  code: 'schema.required',
  severity: 'error',
  message: `missing ${line}`,
  file: 'pipelines/a.json',
  pointer: '',
  line,
  column: 1,
  ...rest,
});

describe('a diagnostic', () => {
  it('is one line', () => {
    expect(formatDiagnostic(finding(4, { column: 35 }))).toBe(
      'pipelines/a.json:4:35  error  schema.required  missing 4',
    );
    expect(formatDiagnostic(finding(1, { message: 'a\nb\u0000c\u2028d' }))).not.toMatch(/[\n\u0000\u2028]/);
  });

  it('stands in the order of the text, once, the own file first', () => {
    const other = finding(1, { file: 'pipelines/resources/backend/a.json' });
    expect(arrangeDiagnostics([other, finding(9), finding(2), finding(9)], 'pipelines/a.json')).toEqual([
      finding(2),
      finding(9),
      other,
    ]);
  });

  it('is one of at most a hundred; errors are kept before warnings', () => {
    const many = Array.from({ length: 150 }, (_, index) =>
      finding(index + 1, { severity: index < 90 ? 'warning' : 'error' }),
    );
    const shown = arrangeDiagnostics(many, 'pipelines/a.json');
    expect(shown).toHaveLength(100);
    expect(shown.filter(({ severity, code }) => severity === 'error' && code !== 'diagnostics.more')).toHaveLength(60);
    expect(shown.at(-1)).toMatchObject({ code: 'diagnostics.more', message: '51 more findings are not shown' });
  });
});

describe('a quoted value', () => {
  it.each([
    ['reserch', '"reserch"'],
    ['two\nlines', '"two\\nlines"'],
    ['x'.repeat(70), `"${'x'.repeat(60)}..."`],
    ['openai-production-eu-west-1', '"openai-production-eu-west-1"'],
    ['xai-backend', '"xai-backend"'],
    [['sk', 'proj', 'abcdefgh12345678'].join('-'), '"sk-..."'],
    ['AKIA'.padEnd(20, 'ABCD1234'), '"AKI..."'],
    ['Bearer something', '"Bea..."'],
    ['a1b2c3d4e5f6a7b8c9d0e1f2', '"a1b..."'],
  ])('%j is shown as %s', (value, shown) => {
    expect(quote(value)).toBe(shown);
  });
});

describe('the nearest name', () => {
  it.each<[name: string, candidates: string[], nearest: string | undefined]>([
    ['wrods', ['with', 'words'], 'words'],
    ['reserch', ['mask', 'research', 'format'], 'research'],
    ['Words', ['words'], 'words'],
    ['gtp', ['gpt', 'sonnet'], 'gpt'],
    ['timeout', ['timeouts', 'type'], 'timeouts'],
    ['mask', ['research'], undefined],
    ['a', ['xyz'], undefined],
    ['x'.repeat(100), ['x'.repeat(100)], undefined],
  ])('of %j in %j is %j', (name, candidates, nearest) => {
    expect(nearestName(name, candidates)).toBe(nearest);
  });

  it('is measured by a distance: symmetric, zero for equal texts only, at most the longer length', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 8 });
    fc.assert(
      fc.property(word, word, (one, other) => {
        const distance = editDistance(one, other);
        expect(distance).toBe(editDistance(other, one));
        expect(distance === 0).toBe(one === other);
        expect(distance).toBeLessThanOrEqual(Math.max(one.length, other.length));
      }),
    );
  });
});
