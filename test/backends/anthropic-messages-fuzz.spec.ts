import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import { EventOrder } from '../../src/kernel/event-order.ts';
import {
  blockDelta,
  blockStart,
  blockStop,
  frame,
  message,
  textDelta,
  textStart,
} from '../support/anthropic-frames.ts';

describe('whatever comes', () => {
  const frames = message(
    blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
    blockDelta(0, { type: 'thinking_delta', thinking: 'hm' }),
    blockDelta(0, { type: 'signature_delta', signature: 'x' }),
    blockStop(0),
    textStart(1),
    textDelta('a', 1),
    blockDelta(1, { type: 'citations_delta', citation: { type: 'char_location', cited_text: 'x' } }),
    blockStop(1),
    blockStart(2, { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }),
    blockDelta(2, { type: 'input_json_delta', partial_json: '{}' }),
    blockStop(2),
    blockStart(3, { type: 'server_tool_use', id: 's', name: 'f', input: {} }),
    blockStop(3),
    blockStart(4, { type: 'compaction', content: null }),
    blockDelta(4, { type: 'compaction_delta', content: 'x' }),
    blockStop(4),
    frame('error', { error: { type: 'api_error', message: 'm' } }),
  );
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(null, -1, 1e300, '', [], {}, 'text', 'tool_use'),
  );

  /** Puts another value in one place of a document. */
  function mutate(document: unknown, path: readonly number[], replacement: unknown): unknown {
    const [step, ...rest] = path;
    if (step === undefined || typeof document !== 'object' || document === null) return replacement;
    const names = Object.keys(document);
    const name = names[step % Math.max(1, names.length)];
    if (name === undefined) return replacement;
    const changed = mutate((document as Record<string, unknown>)[name], rest, replacement);
    return Array.isArray(document) ? [changed] : { ...document, [name]: changed };
  }

  it('mutated frames end in a SluiceError or keep the order of events', () => {
    const mutation = fc.tuple(
      fc.nat({ max: frames.length - 1 }),
      fc.array(fc.nat({ max: 5 }), { maxLength: 3 }),
      value,
    );
    const order = fc.array(fc.nat({ max: frames.length - 1 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 3 }), order, fc.boolean(), (mutations, extra, named) => {
        const mutated = frames.map(({ event, data }, index) => {
          const changes = mutations.filter(([at]) => at === index);
          const document = changes.reduce<unknown>((known, [, path, to]) => mutate(known, path, to), JSON.parse(data));
          return { event: named ? event : '', data: JSON.stringify(document) };
        });
        const again = extra.flatMap((index) => mutated[index] ?? []);
        const decoder = new MessageStreamDecoder();
        const accepted = new EventOrder();
        try {
          for (const { event, data } of [...mutated.slice(0, -3), ...again, ...mutated.slice(-3)])
            for (const decoded of decoder.frame(event, data).events) accepted.accept(decoded);
          for (const decoded of decoder.end()) accepted.accept(decoded);
          accepted.accept({ type: 'stream.end', outcome: 'ok' });
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).not.toBe('EVENT_ORDER');
        }
      }),
    );
  });

  it('no text at all is a crash', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 40 }),
        fc.constantFrom('', 'message_start', 'ping', 'x'),
        (data, event) => {
          try {
            new MessageStreamDecoder().frame(event, data);
          } catch (error) {
            expect(error).toBeInstanceOf(SluiceError);
          }
        },
      ),
    );
  });
});
