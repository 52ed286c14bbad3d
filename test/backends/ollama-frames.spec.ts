import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NdjsonFraming } from '../../src/forward/ndjson-framing.ts';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import { decode, essence, framesOf, open } from '../support/ollama-answers.ts';
import { lastOllamaLine, ollamaLine } from '../support/ollama-lines.ts';

type Json = Record<string, unknown>;

describe('a line is transparent', () => {
  const isTransparent = (document: unknown): boolean | undefined =>
    framesOf([ollamaLine(0, { content: 'x' }), document]).at(-1)?.transparent;

  it.each([
    [ollamaLine(1, { content: 'Hi' })],
    [ollamaLine(1, { thinking: 'Hm' })],
    [ollamaLine(1, { content: '', images: null, tool_calls: [] })],
    [ollamaLine(1, { tool_calls: [{ id: 'c', function: { index: 0, name: 'f', arguments: { a: ['b'] } } }] })],
    [ollamaLine(1, { content: 'Hi' }, { remote_model: 'gpt-oss:120b', remote_host: 'https://ollama.com:443' })],
    [lastOllamaLine(1)],
    [lastOllamaLine(1, { done_reason: 'length' })],
  ])('where its events show all: %j', (document) => {
    expect(isTransparent(document)).toBe(true);
  });

  it.each<readonly [unknown]>([
    [ollamaLine(1, { content: 'Hi', note: 'secret' })],
    [ollamaLine(1, { content: 'Hi' }, { note: 'secret' })],
    [ollamaLine(1, { content: 'Hi' }, { note: { deep: 1 } })],
    [ollamaLine(1, { content: 'Hi' }, { logprobs: [{ token: 'Hi', logprob: 0 }] })],
    [ollamaLine(1, { content: 'Hi' }, { model: 'secret' })],
    [ollamaLine(1, { content: 'Hi' }, { created_at: 'secret' })],
    [ollamaLine(1, { content: 'Hi' }, { remote_host: 'x'.repeat(500) })],
    [ollamaLine(1, { role: 'secret' })],
    [ollamaLine(1, { content: { text: 'secret' } })],
    [ollamaLine(1, { tool_calls: [{ function: { name: 'f', arguments: 'secret' } }] })],
    [ollamaLine(1, { tool_calls: [{ function: { name: 'f', arguments: {}, note: 'secret' } }] })],
    [ollamaLine(1, { tool_calls: { note: 'secret' } })],
    [lastOllamaLine(1, { done_reason: 'secret' })],
    [lastOllamaLine(1, { eval_count: 'secret' })],
    [{ status: 'secret' }],
    [`{"content":"secret",${JSON.stringify(ollamaLine(1, { content: 'Hi' })).slice(1)}`],
    [JSON.stringify(ollamaLine(1, { content: 'Hi' })).replace('"content":"Hi"', '"content":"secret","content":"Hi"')],
  ])('and not where something else is in it: %j', (document) => {
    expect(isTransparent(document)).toBe(false);
  });
});

describe('the template of a line', () => {
  const templates = (lines: readonly Json[]): (string | undefined)[] =>
    framesOf(lines).map(({ events: [event] }) => (event?.type === 'text.delta' ? event.template?.before : undefined));

  it('is never learned while a server dates every line', () => {
    expect(templates([1, 2, 3, 4].map((serial) => ollamaLine(serial, { content: `w${serial}` })))).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });

  it('is learned from lines of one date, and from the next date again', () => {
    const before = (serial: number): string =>
      JSON.stringify(ollamaLine(serial, { content: '' }))
        .split('""')[0]
        ?.concat('"') ?? '';
    expect(templates([1, 1, 1, 2, 2].map((serial, index) => ollamaLine(serial, { content: `w${index}` })))).toEqual([
      undefined,
      before(1),
      before(1),
      undefined,
      before(2),
    ]);
  });

  it('frames the text as one line, and holds no field twice', () => {
    const [, frame] = framesOf([ollamaLine(1, { content: 'a' }), ollamaLine(1, { content: 'é"' })]);
    const event = frame?.events[0];
    const template = event?.type === 'text.delta' ? event.template : undefined;
    expect(event?.ext).toBeUndefined();
    expect(`${template?.before}x${template?.after}`).toBe(`${JSON.stringify(ollamaLine(1, { content: 'x' }))}\n`);
  });
});

describe('bytes in any pieces, and any change of them', () => {
  const stream = [
    ollamaLine(1, { thinking: 'Grüße 😀' }),
    ollamaLine(2, { content: '日本' }),
    ollamaLine(2, { content: '語 "x"' }),
    ollamaLine(3, { tool_calls: [{ id: 'c', function: { name: 'f', arguments: { a: 'é' } } }] }),
    lastOllamaLine(4),
  ];
  const bytes = Buffer.from(stream.map((document) => `${JSON.stringify(document)}\n`).join(''));

  function eventsOf(chunks: readonly Buffer[]): readonly AnswerEvent[] {
    const decoder = open();
    const events: AnswerEvent[] = [];
    const framing = new NdjsonFraming(
      {
        lane: undefined,
        frame: (event, data) => void events.push(...decoder.frame(event, data).events),
        textFrame: () => false,
      },
      65_536,
    );
    for (const chunk of chunks) framing.push(chunk.toString('latin1'));
    framing.end();
    return [...events, ...decoder.end()];
  }

  it('give the same events', () => {
    const whole = eventsOf([bytes]);
    expect(essence(whole)).toEqual(essence(decode(stream)));
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const ends = [...cuts.sort((one, other) => one - other), bytes.length];
        expect(eventsOf(ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end)))).toEqual(whole);
      }),
    );
  });

  it('never throw anything but a SluiceError, and never break the order', () => {
    const hostile = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.constantFrom<unknown>(null, '', 'x', 5, [], {}, [null], [[]], true, { function: null }, [{ function: {} }]),
    );
    const fields = fc.dictionary(
      fc.constantFrom('model', 'created_at', 'message', 'done', 'done_reason', 'logprobs', 'error', 'eval_count'),
      hostile,
      { noNullPrototype: true },
    );
    const message = fc.dictionary(
      fc.constantFrom('role', 'content', 'thinking', 'images', 'tool_calls', '__proto__', 'constructor'),
      hostile,
      { noNullPrototype: true },
    );
    const mutated = fc.oneof(
      fields,
      message.map((value) => ollamaLine(1, value)),
      fc.tuple(message, fields).map(([value, others]) => ({ ...ollamaLine(1, value), ...others, message: value })),
    );
    fc.assert(
      fc.property(fc.array(mutated, { maxLength: 6 }), (lines) => {
        try {
          decode(lines);
        } catch (error) {
          expect(error).toBeInstanceOf(SluiceError);
          expect((error as SluiceError).code).toMatch(/^UPSTREAM_/);
        }
      }),
      { numRuns: 400 },
    );
  });
});
