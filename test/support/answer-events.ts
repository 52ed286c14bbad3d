import * as fc from 'fast-check';
import type { AnswerEvent } from '../../src/kernel/event.ts';

/*
 * Answers of every order that is allowed, for property tests: blocks of two choices, one inside another, with text that
 * is cut anywhere.
 */

const role = 'assistant' as const;
const piece = fc.oneof(
  fc.constantFrom(
    'sec',
    'ret',
    'secret',
    's',
    'e',
    'a ',
    '-',
    '--',
    'plan',
    'se',
    'cret',
    '😀',
    '\ud83d',
    '\ude00',
    '',
  ),
  fc.string({ unit: 'binary', maxLength: 4 }),
);
const block = fc.record({
  kind: fc.constantFrom('text', 'reasoning', 'refusal', 'reasoning_summary', 'tool_call'),
  choice: fc.constantFrom(0, 1),
  pieces: fc.array(piece, { maxLength: 6 }),
  signed: fc.boolean(),
  beside: fc.constantFrom('usage', 'raw', 'annotation', 'progress', 'nothing'),
});
type Block = typeof block extends fc.Arbitrary<infer B> ? B : never;

function besides(what: string, blockId: string): readonly AnswerEvent[] {
  switch (what) {
    case 'usage':
      return [{ type: 'usage', total: 1 }];
    case 'raw':
      return [{ type: 'raw', dialect: 'openai-chat', data: '{}' }];
    case 'annotation':
      return [{ type: 'annotation', blockId, annotation: { start: 0 } }];
    case 'progress':
      return [{ type: 'step.progress', processorId: 'p', message: 'on' }];
    default:
      return [];
  }
}

function eventsOf({ kind, choice, pieces, signed, beside }: Block, index: number): readonly AnswerEvent[] {
  const blockId = `b${index}`;
  const ofChoice = choice === 0 ? {} : { choice };
  const isTool = kind === 'tool_call';
  return [
    { type: 'block.start', blockId, kind: kind as 'text', role, ...ofChoice },
    ...pieces.map((text): AnswerEvent =>
      isTool
        ? { type: 'toolArgs.delta', blockId, json: text, ...ofChoice }
        : { type: 'text.delta', blockId, role, text, ...ofChoice },
    ),
    ...(signed && !isTool
      ? [{ type: 'reasoning.signature', blockId, value: `proof ${index}`, ...ofChoice } as const]
      : []),
    ...besides(beside, blockId),
    { type: 'block.end', blockId, ...ofChoice },
  ];
}

/** Takes from the lists in turn, as `order` says. */
function interleave(lists: readonly (readonly AnswerEvent[])[], order: readonly number[]): readonly AnswerEvent[] {
  const rest = lists.map((list) => [...list]).filter((list) => list.length > 0);
  const events: AnswerEvent[] = [];
  for (let turn = 0; rest.length > 0; turn += 1) {
    const at = (order[turn % Math.max(1, order.length)] ?? 0) % rest.length;
    const event = rest[at]?.shift();
    if (event !== undefined) events.push(event);
    if (rest[at]?.length === 0) rest.splice(at, 1);
  }
  return events;
}

/** The events of one whole answer, from the metadata to `stream.end`. */
export const answerEvents: fc.Arbitrary<readonly AnswerEvent[]> = fc
  .tuple(fc.array(block, { maxLength: 4 }), fc.array(fc.nat({ max: 3 }), { maxLength: 12 }))
  .map(([blocks, order]) => [
    { type: 'response.meta', responseId: 'r', model: 'm' },
    ...interleave(blocks.map(eventsOf), order),
    { type: 'finish', reason: { unified: 'stop' } },
    { type: 'finish', reason: { unified: 'length' }, choice: 1 },
    { type: 'stream.end', outcome: 'ok' },
  ]);
