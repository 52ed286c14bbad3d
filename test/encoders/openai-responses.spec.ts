import { describe, expect, it } from '@jest/globals';
import type { ChatRequest } from '../../src/kernel/request.ts';
import {
  type Json,
  dialect,
  meta,
  start,
  say,
  give,
  end,
  sign,
  finish,
  own,
  usage,
  write,
  typesOf,
  finalOf,
  outputOf,
  accumulate,
} from '../support/response-events.ts';

describe('a stream of text', () => {
  const events = write([meta(), start('a', 'text'), say('a', 'Hé'), say('a', 'llo'), end('a'), finish('stop'), usage]);

  it('has all events, in order', () => {
    expect(typesOf(events)).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'content_part.added',
      'output_text.delta',
      'output_text.delta',
      'output_text.done',
      'content_part.done',
      'output_item.done',
      'completed',
    ]);
    const item = { id: 'msg_run-1_0', type: 'message', role: 'assistant' };
    const place = { item_id: 'msg_run-1_0', output_index: 0, content_index: 0 };
    const part = { type: 'output_text', annotations: [], logprobs: [], text: 'Héllo' };
    expect(events.slice(2, 9)).toMatchObject([
      { output_index: 0, item: { ...item, status: 'in_progress', content: [] } },
      { ...place, part: { ...part, text: '' } },
      { ...place, delta: 'Hé', logprobs: [] },
      { ...place, delta: 'llo', logprobs: [] },
      { ...place, text: 'Héllo', logprobs: [] },
      { ...place, part },
      { output_index: 0, item: { ...item, status: 'completed', content: [part] } },
    ]);
  });

  it('tells the whole response at both ends', () => {
    expect(events[0]?.['response']).toMatchObject({
      id: 'resp_run-1',
      object: 'response',
      created_at: 5,
      model: 'm',
      status: 'in_progress',
      output: [],
      usage: null,
    });
    expect(finalOf(events)).toMatchObject({
      id: 'resp_run-1',
      status: 'completed',
      error: null,
      incomplete_details: null,
      output: [{ type: 'message', content: [{ text: 'Héllo' }] }],
      usage: { input_tokens: 3, output_tokens: 4, total_tokens: 7, output_tokens_details: { reasoning_tokens: 2 } },
    });
  });

  it('keeps the identity that was told first', () => {
    const frames = write([
      meta(dialect),
      start('a', 'text'),
      meta(dialect, { responseId: 'resp_q', model: 'n' }),
      say('a', 'x'),
      end('a'),
    ]);
    const identities = frames.flatMap(({ response }) => (response === undefined ? [] : [response as Json]));
    expect(new Set(identities.map(({ id, model }) => `${String(id)} ${String(model)}`))).toEqual(new Set(['resp_p m']));
  });

  it('is whole without a provider and without content', () => {
    expect(typesOf(write([]))).toEqual(['created', 'in_progress', 'completed']);
    expect(finalOf(write([]))).toMatchObject({
      id: 'resp_run-1',
      model: 'support',
      created_at: 1_700_000_000,
      output: [],
    });
  });

  it('repeats what the client asked', () => {
    const request: Partial<ChatRequest> = {
      dialect,
      settings: { temperature: 0.5, reasoningEffort: 'low', toolChoice: 'required' },
      tools: [{ name: 'f', parameters: { type: 'object' }, strict: true }],
      metadata: { a: 'b' },
      messages: [
        { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }], ...own({ instructions: true }) } as never,
      ],
      ext: { [dialect]: { previous_response_id: 'resp_0', truncation: 'auto', store: true } },
    };
    expect(finalOf(write([], [], request))).toMatchObject({
      temperature: 0.5,
      reasoning: { effort: 'low', summary: null },
      tool_choice: 'required',
      tools: [{ type: 'function', name: 'f', description: null, parameters: { type: 'object' }, strict: true }],
      metadata: { a: 'b' },
      instructions: 'Be brief.',
      previous_response_id: 'resp_0',
      truncation: 'auto',
      store: false,
      text: { format: { type: 'text' } },
      parallel_tool_calls: true,
    });
  });

  it('never shows what a step added to the request', () => {
    const response = {
      instructions: 'operator only',
      tools: [{ name: 'hidden' }],
      temperature: 0.3,
      billing: { payer: 'x' },
    };
    expect(finalOf(write([meta(dialect, own({ response }))]))).toMatchObject({
      instructions: null,
      tools: [],
      temperature: 0.3,
      billing: { payer: 'x' },
    });
  });
});

describe('calls', () => {
  it('run side by side, also with text, each under its own index', () => {
    const events = write([
      meta('openai-chat'),
      start('t', 'text'),
      say('t', 'Let me '),
      start('a', 'tool_call', { name: 'f', callId: 'call_a' }),
      give('a', '{"x"'),
      start('b', 'tool_call', { name: 'g' }),
      say('t', 'see.'),
      give('b', '{}'),
      give('a', ':1}'),
      end('a'),
      end('b'),
      end('t'),
      finish('tool_calls'),
    ]);
    expect([...accumulate(events).values()].map(({ texts }) => [...texts.values()])).toEqual([
      ['Let me see.'],
      ['{"x":1}'],
      ['{}'],
    ]);
    expect(outputOf(events)).toMatchObject([
      { type: 'message', content: [{ text: 'Let me see.' }] },
      {
        type: 'function_call',
        id: 'fc_run-1_1',
        call_id: 'call_a',
        name: 'f',
        arguments: '{"x":1}',
        status: 'completed',
      },
      { type: 'function_call', id: 'fc_run-1_2', call_id: 'call_run-1_2', name: 'g', arguments: '{}' },
    ]);
  });

  it('say their name and arguments again when they are whole', () => {
    const events = write([start('a', 'tool_call', { name: 'f', callId: 'c' }), give('a', '{"a":1}'), end('a')]);
    expect(events.find(({ type }) => type === 'response.function_call_arguments.done')).toMatchObject({
      item_id: 'fc_run-1_0',
      output_index: 0,
      name: 'f',
      arguments: '{"a":1}',
    });
  });

  it.each([
    ['that came whole', { final: { city: 'Oslo' } }, '{"city":"Oslo"}'],
    ['that came as text', { final: '{"a":1}' }, '{"a":1}'],
    ['of none', {}, '{}'],
  ])('have the arguments %s', (_name, more, json) => {
    const [item] = outputOf(write([meta('gemini'), start('a', 'tool_call', { name: 'f' }), end('a', more)]));
    expect(item).toMatchObject({ arguments: json });
  });

  it('with the same id get different ones', () => {
    const calls = ['a', 'b'].flatMap((id) => [start(id, 'tool_call', { name: 'f', callId: 'call_0' }), end(id)]);
    expect(outputOf(write([meta(), ...calls])).map((item) => item['call_id'])).toEqual(['call_0', 'call_0_2']);
  });

  it('of custom tools have an input', () => {
    const events = write([
      start('a', 'custom_tool_call', { name: 'sql', callId: 'c' }),
      give('a', 'select 1'),
      end('a'),
    ]);
    expect(typesOf(events).slice(2, 6)).toEqual([
      'output_item.added',
      'custom_tool_call_input.delta',
      'custom_tool_call_input.done',
      'output_item.done',
    ]);
    expect(outputOf(events)).toMatchObject([
      { type: 'custom_tool_call', call_id: 'c', name: 'sql', input: 'select 1' },
    ]);
  });
});

describe('reasoning', () => {
  it('of another provider is a summary per block, with its proof in an envelope', () => {
    const events = write([
      meta(),
      start('r', 'reasoning'),
      say('r', 'Hm.'),
      sign('r', 'sig', 'anthropic-messages'),
      end('r'),
      start('s', 'reasoning_redacted'),
      sign('s', 'enc', 'anthropic-messages', true),
      end('s'),
      start('t', 'text'),
      say('t', 'Yes.'),
      end('t'),
    ]);
    expect(typesOf(events).slice(2, 10)).toEqual([
      'output_item.added',
      'reasoning_summary_part.added',
      'reasoning_summary_text.delta',
      'reasoning_summary_text.done',
      'reasoning_summary_part.done',
      'output_item.done',
      'output_item.added',
      'output_item.done',
    ]);
    expect(outputOf(events)).toMatchObject([
      {
        type: 'reasoning',
        summary: [{ type: 'summary_text', text: 'Hm.' }],
        encrypted_content: 'sluice1.anthropic-messages.s.c2ln',
      },
      { type: 'reasoning', summary: [], encrypted_content: 'sluice1.anthropic-messages.e.ZW5j' },
      { type: 'message' },
    ]);
    accumulate(events);
  });

  it('of this format keeps its items, its parts and its proof', () => {
    const at = { itemId: 'rs_1', nativeIndex: 0 };
    const events = write([
      meta(dialect),
      start('a', 'reasoning_summary', { ...at, index: 0 }),
      say('a', 'One'),
      end('a'),
      start('b', 'reasoning_summary', { ...at, index: 1 }),
      say('b', 'Two'),
      end('b'),
      start('c', 'reasoning', { ...at, index: 0 }),
      say('c', 'Three'),
      sign('c', 'E', dialect, true),
      end('c'),
    ]);
    expect(outputOf(events)).toEqual([
      {
        id: 'rs_1',
        type: 'reasoning',
        summary: [
          { type: 'summary_text', text: 'One' },
          { type: 'summary_text', text: 'Two' },
        ],
        content: [{ type: 'reasoning_text', text: 'Three' }],
        encrypted_content: 'E',
      },
    ]);
    expect(typesOf(events)).toEqual(expect.arrayContaining(['reasoning_text.delta', 'reasoning_text.done']));
    accumulate(events);
  });
});
