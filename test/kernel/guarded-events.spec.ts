import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventOrder } from '../../src/kernel/event-order.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { guardedEvents } from '../../src/kernel/guarded-events.ts';

const leak = 'the secret plan';
const blockId = 'b0';
const role = 'assistant' as const;
const ext = { 'openai-chat': { choices: { delta: { thoughts: leak } } } };
const template = { dialect: 'openai-chat', before: `data: {"note":"${leak}","content":"`, after: '"}\n\n' };

describe('of a frame that nobody read as a whole', () => {
  it.each<readonly [string, AnswerEvent, AnswerEvent | undefined]>([
    [
      'fields that nobody knows',
      { type: 'text.delta', blockId, role, text: 'a', ext },
      { type: 'text.delta', blockId, role, text: 'a' },
    ],
    [
      'the frame around a text',
      { type: 'text.delta', blockId, role, text: 'a', template },
      { type: 'text.delta', blockId, role, text: 'a' },
    ],
    [
      'log probabilities',
      { type: 'text.delta', blockId, role, text: 'a', logprobs: { content: [{ token: leak }] } },
      { type: 'text.delta', blockId, role, text: 'a' },
    ],
    [
      'the whole of a block at its start',
      { type: 'block.start', blockId, kind: 'audio', role, initial: { transcript: leak } },
      { type: 'block.start', blockId, kind: 'audio', role },
    ],
    ['the whole of a block at its end', { type: 'block.end', blockId, final: leak }, { type: 'block.end', blockId }],
    ['citations', { type: 'annotation', blockId, annotation: { cited_text: leak }, start: 1 }, undefined],
    ['events that nobody knows', { type: 'raw', dialect: 'openai-chat', data: leak }, undefined],
    [
      'the usage in the words of the provider',
      { type: 'usage', total: 3, raw: { note: leak } },
      { type: 'usage', total: 3 },
    ],
    [
      'verdicts with a citation',
      {
        type: 'safety',
        scope: 'completion',
        verdicts: [{ protected_material: { citation: leak } }],
        blocked: true,
        reason: leak,
      },
      { type: 'safety', scope: 'completion', verdicts: [], blocked: true },
    ],
    [
      'the explanation of a refusal',
      { type: 'finish', reason: { unified: 'refusal' }, refusal: { category: leak, explanation: leak } },
      { type: 'finish', reason: { unified: 'refusal' } },
    ],
    [
      'the end of the text that matched a stop sequence',
      { type: 'finish', reason: { unified: 'stop', raw: 'stop' }, stopSequence: leak },
      { type: 'finish', reason: { unified: 'stop', raw: 'stop' } },
    ],
    [
      'fields of the metadata that nobody knows',
      { type: 'response.meta', model: 'm', ext },
      { type: 'response.meta', model: 'm' },
    ],
  ])('stay behind: %s', (_what, given, expected) => {
    const [left, ...more] = guardedEvents([given]);
    expect([left, more]).toEqual([expected, []]);
    expect(JSON.stringify(left ?? '')).not.toContain('secret');
  });

  it('what the guard reads, and what can hold no text of the answer, goes on', () => {
    const events: readonly AnswerEvent[] = [
      { type: 'response.meta', responseId: 'r', model: 'm', provider: 'openai-chat', created: 1, role },
      { type: 'block.start', blockId, kind: 'reasoning', role, index: 0, choice: 1 },
      { type: 'text.delta', blockId, role, text: 'a', choice: 1 },
      { type: 'reasoning.signature', blockId, value: 'opaque', encrypted: true, choice: 1 },
      { type: 'block.end', blockId, choice: 1, synthetic: true },
      { type: 'block.start', blockId: 'b1', kind: 'tool_call', role, name: 'find', callId: 'c1', nativeIndex: 0 },
      { type: 'toolArgs.delta', blockId: 'b1', json: '{}' },
      { type: 'block.end', blockId: 'b1' },
      { type: 'usage', input: { total: 1 }, output: { total: 2 }, total: 3, final: true },
      { type: 'finish', reason: { unified: 'stop', raw: 'stop' }, choice: 1 },
      { type: 'stream.end', outcome: 'ok' },
    ];
    expect(guardedEvents(events)).toEqual(events);
  });

  it('nothing is changed in the events that came', () => {
    const events: readonly AnswerEvent[] = [
      { type: 'text.delta', blockId, role, text: 'a', ext, template, logprobs: [] },
    ];
    const before = structuredClone(events);
    guardedEvents(events);
    expect(events).toEqual(before);
  });
});

/** Blocks one after another, with what may stand in them. */
const blocks = fc.array(
  fc.record({
    kind: fc.constantFrom('text', 'reasoning', 'audio'),
    inside: fc.array(fc.constantFrom('text', 'annotation', 'raw', 'usage', 'signature', 'media'), { maxLength: 5 }),
  }),
  { maxLength: 5 },
);

function inside(what: string, id: string): AnswerEvent {
  switch (what) {
    case 'annotation':
      return { type: 'annotation', blockId: id, annotation: leak };
    case 'raw':
      return { type: 'raw', dialect: 'openai-chat', data: leak };
    case 'usage':
      return { type: 'usage', total: 1, raw: leak };
    case 'signature':
      return { type: 'reasoning.signature', blockId: id, value: 'v' };
    case 'media':
      return { type: 'media.delta', blockId: id, base64: 'AAAA', ext };
    default:
      return { type: 'text.delta', blockId: id, role, text: 'a', ext, logprobs: leak };
  }
}

it('the order of what is left holds, whatever stays behind', () => {
  fc.assert(
    fc.property(blocks, (list) => {
      const events = list.flatMap(({ kind, inside: parts }, index): AnswerEvent[] => [
        { type: 'block.start', blockId: `b${index}`, kind: kind as 'text', role, initial: leak, ext },
        ...parts.map((part) => inside(part, `b${index}`)),
        { type: 'block.end', blockId: `b${index}`, final: leak },
      ]);
      const left = guardedEvents([...events, { type: 'stream.end', outcome: 'ok' }]);
      const order = new EventOrder();
      for (const event of left) order.accept(event);
      expect(JSON.stringify(left)).not.toContain('secret');
      expect(left.filter(({ type }) => type === 'text.delta').length).toBe(
        list.flatMap((block) => block.inside).filter((part) => part === 'text').length,
      );
    }),
  );
});
