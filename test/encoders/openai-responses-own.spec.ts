import { describe, expect, it } from '@jest/globals';
import type { DecodedFrame } from '../../src/kernel/component.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  type Json,
  dialect,
  template,
  meta,
  start,
  say,
  give,
  end,
  finish,
  own,
  open,
  read,
  write,
  outputOf,
  accumulate,
} from '../support/response-events.ts';

describe('a provider of this format', () => {
  const search = { id: 'ws_1', type: 'web_search_call', status: 'in_progress', action: { type: 'search', query: 'q' } };

  it('keeps its built-in tools, under the index that they have here', () => {
    const raw = (type: string, more: Json): AnswerEvent => ({
      type: 'raw',
      dialect,
      event: type,
      data: JSON.stringify({ type, sequence_number: 99, ...more }),
    });
    const events = write([
      meta(dialect),
      start('i', 'text', { source: 'modifier:insert' }),
      say('i', 'By the way.'),
      end('i'),
      start('w', 'server_tool_call', { itemId: 'ws_1', nativeIndex: 0, name: 'web_search', initial: search }),
      raw('response.web_search_call.searching', { item_id: 'ws_1', output_index: 0, extra: 1 }),
      raw('response.web_search_call.searching', { item_id: 'ws_9', output_index: 7 }),
      raw('response.output_text.done', { item_id: 'ws_1', output_index: 0, text: 'secret' }),
      raw('response.brand_new', { a: 1 }),
      { type: 'raw', dialect, data: 'no JSON' },
      { type: 'raw', dialect: 'gemini', data: '{"type":"x"}' },
      end('w', { final: { ...search, status: 'completed' } }),
    ]);
    expect(events.filter(({ type }) => /search_call|brand_new/.test(String(type)))).toEqual([
      { type: 'response.web_search_call.searching', sequence_number: 9, item_id: 'ws_1', output_index: 1, extra: 1 },
      { type: 'response.brand_new', sequence_number: 10, a: 1 },
    ]);
    expect(outputOf(events)).toMatchObject([{ type: 'message' }, { ...search, status: 'completed' }]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });

  it('keeps its ids, its fields and its citations', () => {
    const annotation = { type: 'file_citation', file_id: 'f', index: 0, filename: 'a' };
    const events = write([
      meta(dialect),
      start('a', 'text', {
        itemId: 'msg_1',
        nativeIndex: 0,
        index: 0,
        ...own({ item: { phase: 'commentary', id: 'x' }, part: { mood: 1 } }),
      }),
      say('a', 'x', own({ obfuscation: 'abc' })),
      { type: 'annotation', blockId: 'a', annotation, dialect },
      end('a'),
      start('b', 'tool_call', {
        itemId: 'fc_1',
        callId: 'c',
        name: 'f',
        initial: { type: 'function_call', namespace: 'n', arguments: '' },
      }),
      give('b', '{}'),
      end('b', { final: { type: 'function_call', arguments: '{"not":"this"}', caller: { type: 'direct' } } }),
    ]);
    expect(outputOf(events)).toEqual([
      {
        phase: 'commentary',
        id: 'msg_1',
        type: 'message',
        status: 'completed',
        role: 'assistant',
        content: [{ mood: 1, type: 'output_text', annotations: [annotation], logprobs: [], text: 'x' }],
      },
      {
        namespace: 'n',
        caller: { type: 'direct' },
        id: 'fc_1',
        type: 'function_call',
        status: 'completed',
        call_id: 'c',
        name: 'f',
        arguments: '{}',
      },
    ]);
    expect(events.find(({ type }) => type === 'response.output_text.delta')).toMatchObject({ obfuscation: 'abc' });
  });

  it('with empty or repeated ids gets good ones', () => {
    const at = (blockId: string, itemId: string) => [start(blockId, 'tool_call', { itemId, name: 'f' }), end(blockId)];
    expect(
      outputOf(write([meta(dialect, { responseId: '' }), ...at('a', ''), ...at('b', 'x'), ...at('c', 'x')])),
    ).toMatchObject([{ id: 'fc_run-1_0' }, { id: 'x' }, { id: 'x_2' }]);
  });

  it('never has its own words repeated where a modifier changed them', () => {
    const events = write([
      meta(dialect, own({ response: { output_text: 'the secret' } })),
      start('a', 'text', { itemId: 'msg_1', ...own({ item: { content: ['secret'] }, part: { text: 'secret' } }) }),
      say('a', 'the ***'),
      end('a', { final: 'the secret', ...own({ item: { content: [{ text: 'the secret' }] } }) }),
      finish('stop'),
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

describe('copied frames', () => {
  const at = { itemId: 'msg_1', nativeIndex: 0, index: 0 };
  const delta = (text: string, number: number): AnswerEvent => say('a', text, own({ sequence_number: number }));
  const frame = (event: AnswerEvent): DecodedFrame => ({ events: [event], transparent: true });
  const bytesOf = (text: string, number: number): string =>
    `event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":${number},"item_id":"msg_1","output_index":0,"content_index":0,"delta":"${text}","logprobs":[]}\n\n`;

  it('go on in the same numbers, and their text is in what is repeated', () => {
    const stream = open();
    let bytes = stream.encode(meta(dialect)) + stream.encode(start('a', 'text', at)) + stream.encode(delta('A', 4));
    expect(stream.copies(frame(delta('B', 5)))).toBe(true);
    bytes += bytesOf('B', 5);
    bytes += stream.encodeText('a', template, 'C');
    expect(stream.copies(frame(delta('D', 7)))).toBe(true);
    bytes += bytesOf('D', 7);
    bytes += stream.encode(end('a')) + stream.encode(finish('stop')) + stream.end();
    const events = read(bytes);
    expect(accumulate(events).get(0)?.texts).toEqual(new Map([['c0', 'ABCD']]));
    expect(outputOf(events)).toMatchObject([{ content: [{ text: 'ABCD' }] }]);
  });

  it.each([
    ['of another number', delta('B', 9)],
    ['without a number', say('a', 'B')],
    ['of an unknown block', say('z', 'B', own({ sequence_number: 5 }))],
    ['of something else', end('a')],
  ])('are none %s', (_name, event) => {
    const stream = open();
    for (const earlier of [meta(dialect), start('a', 'text', at), delta('A', 4)]) stream.encode(earlier);
    expect(stream.copies(frame(event))).toBe(false);
    expect(stream.copies({ events: [], transparent: true })).toBe(false);
  });

  it('are none once the index is another one', () => {
    const stream = open();
    const inserted = [start('i', 'text'), say('i', 'x'), end('i')];
    for (const event of [meta(dialect), ...inserted, start('a', 'text', at)]) stream.encode(event);
    expect([...Array(20).keys()].some((number) => stream.copies(frame(delta('B', number))))).toBe(false);
  });
});
