import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import { escapeJsonText } from '../../src/kernel/json/json-text.ts';
import {
  dialect,
  template,
  meta,
  start,
  say,
  give,
  end,
  finish,
  open,
  read,
  typesOf,
  accumulate,
} from '../support/response-events.ts';

describe('any order of events', () => {
  const kinds = ['text', 'refusal', 'reasoning', 'reasoning_summary', 'tool_call', 'custom_tool_call'] as const;
  const step = fc.record({ block: fc.nat(3), text: fc.string({ unit: 'binary', maxLength: 6 }), ends: fc.boolean() });
  const plan = fc.record({
    provider: fc.constantFrom(dialect, 'anthropic-messages'),
    kinds: fc.array(fc.constantFrom(...kinds), { minLength: 4, maxLength: 4 }),
    steps: fc.array(step, { maxLength: 24 }),
    fast: fc.boolean(),
  });

  it('makes a stream that a client puts together to the same text, and the fast way is the slow way', () => {
    fc.assert(
      fc.property(plan, ({ provider, kinds: kindOf, steps, fast }) => {
        const stream = open();
        const slow = open();
        let bytes = '';
        const both = (event: AnswerEvent): void => {
          const expected = slow.encode(event);
          const isText = event.type === 'text.delta' && fast;
          const made = isText
            ? stream.encodeText(event.blockId, template, escapeJsonText(event.text))
            : stream.encode(event);
          expect(made).toBe(expected);
          bytes += made;
        };
        both(meta(provider));
        const opened = new Map<number, { readonly id: string; readonly kind: BlockKind; text: string }>();
        const texts: string[] = [];
        const close = (index: number): void => {
          const block = opened.get(index);
          if (block === undefined) return;
          opened.delete(index);
          both(end(block.id));
          if (block.text !== '') texts.push(block.text.toWellFormed());
        };
        for (const [count, { block: index, text, ends }] of steps.entries()) {
          const kind = kindOf[index] ?? 'text';
          const block = opened.get(index) ?? { id: `b${count}`, kind, text: '' };
          if (!opened.has(index)) both(start(block.id, kind, { name: 'f', itemId: `item_${index}` }));
          opened.set(index, block);
          both(kind.endsWith('call') ? give(block.id, text) : say(block.id, text));
          block.text += text;
          if (ends) close(index);
        }
        for (const index of [...opened.keys()]) close(index);
        both(finish('stop'));
        bytes += stream.end();
        const seen = accumulate(read(bytes));
        const found = [...seen.values()].flatMap(({ texts: parts, done }) => {
          expect(done).toBeDefined();
          return [...parts.values()].filter((text) => text !== '' && text !== '{}');
        });
        expect(found.map((text) => text.toWellFormed()).toSorted()).toEqual(
          texts.filter((text) => text !== '{}').toSorted(),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('and any failure in it never ends as complete', () => {
    fc.assert(
      fc.property(fc.nat(8), (count) => {
        const events = [
          meta(),
          start('a', 'reasoning'),
          say('a', 'x'),
          end('a'),
          start('b', 'tool_call'),
          give('b', '{'),
          end('b'),
        ];
        const stream = open();
        const bytes = events
          .slice(0, count)
          .map((event) => stream.encode(event))
          .join('');
        const types = typesOf(read(bytes + stream.fail(new SluiceError('UPSTREAM_RESET'))));
        expect(types.at(-1)).toBe('failed');
        expect(types).not.toContain('completed');
      }),
    );
  });
});
