import { describe, expect, it } from '@jest/globals';
import { AnswerFold } from '../../src/kernel/answer.ts';
import { isCutCall } from '../../src/kernel/cut-call.ts';
import type { EventOfType } from '../../src/kernel/event.ts';

const end: EventOfType<'block.end'> = { type: 'block.end', blockId: 'b1' };
const cut = { ...end, incomplete: true, source: 'modifier:mask' };

describe('a call', () => {
  it.each([
    ['that a modifier has cut', cut, '{"a":"x', true],
    ['that a modifier has cut before its arguments', cut, '', true],
    ['that was whole when a modifier ended the answer', cut, '{"a":"x"}', false],
    ['that ended', { ...end, source: 'modifier:mask' }, '{"a":"x', false],
    ['that its provider has cut', { ...end, incomplete: true }, '{"a":"x', false],
  ])('%s', (_what, event, json, isCut) => {
    expect(isCutCall(event, json)).toBe(isCut);
  });
});

it('is no part of a whole answer where it was cut', () => {
  const fold = new AnswerFold();
  for (const blockId of ['b0', 'b1'])
    fold.push({ type: 'block.start', blockId, kind: 'tool_call', role: 'assistant', name: blockId, callId: blockId });
  fold.push({ type: 'toolArgs.delta', blockId: 'b0', json: '{}' });
  fold.push({ type: 'toolArgs.delta', blockId: 'b1', json: '{"a":"' });
  fold.push({ ...cut, blockId: 'b0' });
  fold.push(cut);
  expect(fold.answer.choices[0]?.blocks.map(({ start }) => start.name)).toEqual(['b0']);
});
