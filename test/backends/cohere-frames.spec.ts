import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { decode, framesOf, open } from '../support/cohere-answers.ts';
import {
  begin,
  callDelta,
  callEnd,
  callStart,
  end,
  endOf,
  frame,
  piece,
  plan,
  start,
} from '../support/cohere-frames.ts';

const done = '[DONE]';

const text = [start, begin(0), piece(0, 'Hel'), piece(0, 'lo'), endOf(0), end(), done];

describe('a frame is transparent', () => {
  const isTransparent = (document: unknown): boolean | undefined =>
    framesOf([start, begin(0), piece(0, 'x'), callStart(0, 'f'), document]).at(-1)?.transparent;

  it.each([
    [start],
    [begin(1)],
    [piece(0, 'Hi')],
    [piece(0, 'Hm', 'thinking')],
    [endOf(0)],
    [plan('I look.')],
    [callStart(1, 'g', '{}')],
    [callDelta(0, '{}')],
    [callEnd(0)],
    [frame('citation-end', undefined, 0)],
    [end()],
  ])('where its events show all: %j', (document) => {
    expect(isTransparent(document)).toBe(true);
  });

  it.each<readonly [unknown]>([
    [{ ...piece(0, 'Hi'), note: 'secret' }],
    [frame('content-delta', { content: { text: 'Hi', note: 1 } }, 0)],
    [frame('content-delta', { content: { text: 'Hi' }, note: 'secret' }, 0)],
    [{ ...piece(0, 'Hi'), logprobs: { text: 'Hi' } }],
    [frame('content-start', { content: { type: 'a secret', text: '' } }, 0)],
    [frame('citation-start', { citations: { text: 'secret', sources: [] } }, 0)],
    [end('a secret')],
    [{ type: 'constructor' }],
    [{ type: 'debug', prompt: 'secret' }],
    [JSON.stringify(piece(0, 'Hi')).replace('"text":', '"text":"secret","text":')],
  ])('and not where something else is in it: %j', (document) => {
    expect(isTransparent(document)).toBe(false);
  });
});

describe('the template of a frame', () => {
  it('is learned from the second piece of a block on, and frames the text as the frame did', () => {
    const frames = framesOf([start, begin(0), piece(0, 'a'), piece(0, 'b'), piece(0, 'c"'), endOf(0)]);
    const templates = frames.map(({ events: [event] }) => (event?.type === 'text.delta' ? event.template : undefined));
    const [, , first, second, third] = templates;
    expect(first).toBeUndefined();
    expect(third).toBe(second);
    expect(`${second?.before}x${second?.after}`).toBe(
      `event: content-delta\ndata: ${JSON.stringify(piece(0, 'x'))}\n\n`,
    );
  });
});

describe('bytes in any pieces, and any change of them', () => {
  it('give the same events', () => {
    const frames = [start, begin(0), piece(0, 'Grüße 😀'), piece(0, '日本'), endOf(0), end()];
    const bytes = Buffer.from(
      `${frames.map((each) => `event: ${String(each['type'])}\ndata: ${JSON.stringify(each)}\n\n`).join('')}data: [DONE]\n\n`,
    );
    const read = (chunks: readonly Buffer[]): readonly AnswerEvent[] => {
      const decoder = open();
      const events: AnswerEvent[] = [];
      const framing = new SseFraming(
        {
          lane: undefined,
          frame: (event, data) => void events.push(...decoder.frame(event, data).events),
          textFrame: () => false,
        },
        65_536,
      );
      for (const chunk of chunks) framing.push(chunk.toString('latin1'));
      return events;
    };
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const ends = [...cuts.sort((one, other) => one - other), bytes.length];
        expect(read(ends.map((to, index) => bytes.subarray(ends[index - 1] ?? 0, to)))).toEqual(read([bytes]));
      }),
    );
  });

  it('never throw anything but a SluiceError, and never break the order', () => {
    const hostile = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(null, 'x', [], {}, [null], -1, 1.5),
    );
    const mutated = fc
      .tuple(
        fc.constantFrom(
          ...text,
          ...[plan('p'), callStart(0, 'f'), callDelta(0, '{'), callEnd(0), begin(0, 'thinking')],
        ),
        fc.constantFrom('type', 'index', 'delta', 'message', 'content', 'tool_calls', 'function', 'text', 'none'),
        hostile,
      )
      .map(([original, field, value]) =>
        typeof original === 'string'
          ? original
          : (JSON.parse(JSON.stringify(original), (key, inner: unknown) => (key === field ? value : inner)) as unknown),
      );
    fc.assert(
      fc.property(fc.array(mutated, { maxLength: 8 }), (frames) => {
        try {
          decode(frames);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).toMatch(/^UPSTREAM_/);
        }
      }),
      { numRuns: 400 },
    );
  });
});
