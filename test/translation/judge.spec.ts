import { describe, expect, it } from '@jest/globals';
import { judge } from './matrix/judge.ts';

const differ = (...names: readonly string[]) =>
  new Map(names.map((name) => [name, { told: 1, read: undefined }] as const));

describe('the judge', () => {
  it.each([
    ['nothing lost and nothing said', differ(), [], 0],
    ['a loss that was said', differ('seed'), ['request.seed'], 0],
    ['two of them', differ('seed', 'topK'), ['request.top_k', 'request.seed'], 0],
    ['a loss in silence', differ('seed'), [], 1],
    ['a loss under another name', differ('seed'), ['request.stop'], 2],
    ['a loss that was said and is none', differ(), ['request.seed'], 1],
    ['a loss that nobody knows', differ(), ['request.mood'], 1],
    ['a loss that can not be seen here', differ(), ['request.show_reasoning', 'request.field.logit_bias'], 0],
    [
      'a proof that is lost with the text of its reasoning',
      differ('earlierReasoning', 'proof'),
      ['request.reasoning'],
      1,
    ],
  ] as const)('%s', (_case, differences, lost, complaints) => {
    expect(judge(differences, lost)).toHaveLength(complaints);
  });

  it('takes no loss of what the provider could have been told', () => {
    expect(judge(differ('seed'), ['request.seed'], ['seed'])).toEqual([
      'request.seed is lost, which the format could say',
    ]);
  });

  it('shows where two values differ', () => {
    const values = new Map([['messages', { told: [{ a: 1 }, { b: { c: 2 } }], read: [{ a: 1 }, { b: { c: 3 } }] }]]);
    expect(judge(values, [])).toEqual(['messages:[1].b.c told 2, read 3; reported: nothing']);
  });
});
