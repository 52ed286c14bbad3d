import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AnswerEvent, BlockKind } from '../../src/kernel/event.ts';
import {
  type Json,
  framesOf,
  bytesOf,
  contentOf,
  open,
  foreign,
  own,
  start,
  call,
  say,
  input,
  sign,
  end,
  ext,
} from '../support/message-stream.ts';

describe('blocks', () => {
  const useOf = (blockId: string, name: string, value: unknown): Json => ({
    type: 'tool_use',
    id: `call_${blockId}`,
    name,
    input: value,
  });

  it.each<readonly [string, readonly AnswerEvent[], unknown]>([
    [
      'without text are left out, where their provider speaks another format',
      [foreign, start('a', 'text'), say('a', ''), end('a'), start('r', 'reasoning'), end('r')],
      [],
    ],
    [
      'without text keep their places, where it speaks this one',
      [own, start('a', 'text', { nativeIndex: 0 }), end('a')],
      [{ type: 'text', text: '' }],
    ],
    [
      'of two tools',
      [foreign, call('a', 'f'), input('a', '{"x"'), input('a', ':1}'), end('a'), call('b', 'g'), end('b')],
      [useOf('a', 'f', { x: 1 }), useOf('b', 'g', {})],
    ],
    [
      'of two tools, with mixed pieces',
      [
        foreign,
        call('a', 'f'),
        call('b', 'g'),
        input('b', '{"y"'),
        input('a', '{"x"'),
        input('b', ':2}'),
        input('a', ':"}"}'),
        end('a'),
        end('b'),
      ],
      [useOf('a', 'f', { x: '}' }), useOf('b', 'g', { y: 2 })],
    ],
    [
      'of a tool whose arguments come whole',
      [foreign, call('a', 'f'), end('a', { final: { x: 1 } })],
      [useOf('a', 'f', { x: 1 })],
    ],
    [
      'of a tool whose call has no id',
      [foreign, start('a', 'tool_call', { name: 'f' }), end('a')],
      [{ type: 'tool_use', id: 'toolu_run-1_0', name: 'f', input: {} }],
    ],
    [
      'of a tool that takes free text',
      [
        foreign,
        start('a', 'custom_tool_call', { name: 'f', callId: 'call_a' }),
        input('a', 'a "b"'),
        input('a', '\n'),
        end('a'),
      ],
      [useOf('a', 'f', { input: 'a "b"\n' })],
    ],
    [
      'of a tool that takes free text, and got none',
      [foreign, start('a', 'custom_tool_call', { name: 'f', callId: 'call_a' }), end('a')],
      [useOf('a', 'f', { input: '' })],
    ],
    [
      'of a text that goes on while a tool is called',
      [
        foreign,
        start('a', 'text'),
        say('a', 'one '),
        call('b', 'f'),
        say('a', 'two'),
        input('b', '{}'),
        end('a'),
        end('b'),
      ],
      [{ type: 'text', text: 'one ' }, useOf('b', 'f', {}), { type: 'text', text: 'two' }],
    ],
    [
      'of a call that is whole, though it has not ended: what follows does not wait',
      [foreign, call('b', 'f'), input('b', '{"x":[]}'), start('a', 'text'), say('a', 'two'), end('a'), end('b')],
      [useOf('b', 'f', { x: [] }), { type: 'text', text: 'two' }],
    ],
    [
      'that nobody ended',
      [foreign, call('a', 'f'), call('b', 'g'), input('b', '{"y":2}'), start('c', 'text'), say('c', 'x')],
      [useOf('a', 'f', {}), useOf('b', 'g', { y: 2 }), { type: 'text', text: 'x' }],
    ],
    [
      'of reasoning, with the proof of its own format as it is',
      [
        own,
        start('r', 'reasoning'),
        say('r', 'hm'),
        sign('r', 'abc', { format: 'anthropic-messages' }),
        end('r'),
        start('s', 'reasoning_redacted'),
        sign('s', 'def', { format: 'anthropic-messages', encrypted: true }),
        end('s'),
      ],
      [
        { type: 'thinking', thinking: 'hm', signature: 'abc' },
        { type: 'redacted_thinking', data: 'def' },
      ],
    ],
    [
      'of reasoning, with the proof of another format in an envelope',
      [
        { ...foreign, provider: 'gemini' } as AnswerEvent,
        start('r', 'reasoning_summary'),
        sign('r', 'abc', { format: 'gemini' }),
        end('r'),
        start('s', 'reasoning_redacted'),
        sign('s', 'def', { encrypted: true }),
        end('s'),
      ],
      [
        { type: 'thinking', thinking: '', signature: 'sluice1.gemini.s.YWJj' },
        { type: 'redacted_thinking', data: 'sluice1.gemini.e.ZGVm' },
      ],
    ],
    ['of a refusal', [foreign, start('a', 'refusal'), say('a', 'No.'), end('a')], [{ type: 'text', text: 'No.' }]],
    [
      'that only this format has',
      [
        own,
        start('a', 'server_tool_call', {
          name: 'web_search',
          callId: 's1',
          initial: { type: 'server_tool_use', id: 's1', name: 'web_search', input: {} },
        }),
        input('a', '{"query":"x"}'),
        end('a'),
        start('b', 'server_tool_result', {
          initial: { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
        }),
        end('b'),
      ],
      [
        { type: 'server_tool_use', id: 's1', name: 'web_search', input: { query: 'x' } },
        { type: 'web_search_tool_result', tool_use_id: 's1', content: [] },
      ],
    ],
    [
      'with citations of this format',
      [
        own,
        start('a', 'text'),
        say('a', 'x'),
        { type: 'annotation', blockId: 'a', dialect: 'anthropic-messages', annotation: { type: 'char_location' } },
        end('a'),
      ],
      [{ type: 'text', text: 'x', citations: [{ type: 'char_location' }] }],
    ],
    [
      'with the unknown fields of their provider',
      [own, call('a', 'f', ext({ content_block: { caller: { type: 'direct' } } })), input('a', '{}'), end('a')],
      [{ ...useOf('a', 'f', {}), caller: { type: 'direct' } }],
    ],
  ])('%s', (_name, events, expected) => {
    expect(contentOf(events)).toEqual(expected);
  });

  it('are told at once, but for what has to wait for an open call', () => {
    const stream = open();
    const lengths = [foreign, call('a', 'f'), input('a', '{'), call('b', 'g'), input('a', '}'), input('b', '{}')].map(
      (event) => framesOf(stream.encode(event)).map((frame) => frame.event),
    );
    expect(lengths).toEqual([
      [],
      ['message_start', 'content_block_start'],
      ['content_block_delta'],
      [],
      ['content_block_delta', 'content_block_stop', 'content_block_start'],
      ['content_block_delta'],
    ]);
  });

  it('may wait only up to a limit', () => {
    const stream = open();
    for (const event of [foreign, call('a', 'f'), call('b', 'g')]) stream.encode(event);
    const piece = 'x'.repeat(4_194_304);
    const write = (): void => {
      for (let count = 0; count < 5; count += 1) stream.encode(input('b', piece));
    };
    expect(write).toThrow(expect.objectContaining({ code: 'ANSWER_TOO_LARGE' }));
  });

  it('of many calls at once are all told, without a stack of calls', () => {
    const ids = Array.from({ length: 10_000 }, (_, index) => `t${index}`);
    const events = [foreign, ...ids.map((id) => call(id, 'f')), ...ids.toReversed().map((id) => end(id))];
    expect(framesOf(bytesOf(events)).filter(({ event }) => event === 'content_block_stop')).toHaveLength(ids.length);
  });

  it('say the same in whatever order their pieces come', () => {
    const kinds = fc.constantFrom<BlockKind>('text', 'reasoning', 'refusal', 'tool_call');
    const pieces = fc.array(fc.string({ maxLength: 4 }), { maxLength: 5 });
    const blocks = fc.array(fc.record({ kind: kinds, pieces }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(blocks, fc.infiniteStream(fc.nat(1_000)), (plan, choice) => {
        const left = plan.map(({ kind, pieces: texts }, index) => blockEvents(`b${index}`, kind, texts));
        const events: AnswerEvent[] = [foreign];
        while (left.some((block) => block.length > 0)) {
          const ready = left.filter((block) => block.length > 0);
          const block = ready[choice.next().value % ready.length];
          const event = block?.shift();
          if (event !== undefined) events.push(event);
        }
        const content = contentOf(events) as readonly Json[];
        const said = (type: string, field: string): string =>
          content
            .filter((block) => block['type'] === type)
            .map((block) => String(block[field]))
            .sort()
            .join('');
        const sorted = (text: string): string => [...text].sort().join('');
        const meant = (wanted: readonly BlockKind[]): string =>
          plan
            .filter(({ kind }) => wanted.includes(kind))
            .flatMap((block) => block.pieces)
            .join('');
        expect(sorted(said('text', 'text'))).toBe(sorted(meant(['text', 'refusal'])));
        expect(sorted(said('thinking', 'thinking'))).toBe(sorted(meant(['reasoning'])));
        const calls = Object.fromEntries(
          content.filter(({ type }) => type === 'tool_use').map((block) => [block['id'], block['input']]),
        );
        const wanted = plan.flatMap(({ kind, pieces: texts }, index) =>
          kind === 'tool_call' ? [[`call_b${index}`, texts.length === 0 ? {} : { v: texts.join('') }]] : [],
        );
        expect(calls).toEqual(Object.fromEntries(wanted));
      }),
    );
  });
});

/** The events of one block whose text, or one argument, is these pieces. */
function blockEvents(blockId: string, kind: BlockKind, texts: readonly string[]): AnswerEvent[] {
  if (kind !== 'tool_call') return [start(blockId, kind), ...texts.map((text) => say(blockId, text)), end(blockId)];
  const inner = texts.map((text) => input(blockId, JSON.stringify(text).slice(1, -1)));
  const json = texts.length === 0 ? [] : [input(blockId, '{"v":"'), ...inner, input(blockId, '"}')];
  return [call(blockId, 'f'), ...json, end(blockId)];
}
