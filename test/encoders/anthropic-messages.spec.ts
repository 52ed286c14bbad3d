import { describe, expect, it } from '@jest/globals';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { AnswerEvent } from '../../src/kernel/event.ts';
import {
  type Json,
  framesOf,
  bytesOf,
  read,
  open,
  foreign,
  own,
  start,
  call,
  say,
  sign,
  end,
  finish,
  ext,
} from '../support/message-stream.ts';

describe('the events of a message', () => {
  it('are named, in order, and complete', () => {
    const usage: AnswerEvent = { type: 'usage', input: { total: 9, cacheRead: 4 }, output: { total: 7, reasoning: 2 } };
    const events = [foreign, start('a', 'text'), say('a', 'Hé'), say('a', 'llo'), end('a'), finish('stop'), usage];
    expect(framesOf(bytesOf(events))).toEqual([
      {
        event: 'message_start',
        data: {
          type: 'message_start',
          message: {
            id: 'c1',
            type: 'message',
            role: 'assistant',
            model: 'm',
            content: [],
            stop_reason: null,
            stop_sequence: null,
            usage: {
              input_tokens: 0,
              cache_creation_input_tokens: 0,
              cache_read_input_tokens: 0,
              output_tokens: 0,
            },
          },
        },
      },
      {
        event: 'content_block_start',
        data: { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      },
      {
        event: 'content_block_delta',
        data: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hé' } },
      },
      {
        event: 'content_block_delta',
        data: { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'llo' } },
      },
      { event: 'content_block_stop', data: { type: 'content_block_stop', index: 0 } },
      {
        event: 'message_delta',
        data: {
          type: 'message_delta',
          delta: { stop_reason: 'end_turn', stop_sequence: null, stop_details: null },
          usage: {
            input_tokens: 5,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 4,
            output_tokens: 7,
            output_tokens_details: { thinking_tokens: 2 },
          },
        },
      },
      { event: 'message_stop', data: { type: 'message_stop' } },
    ]);
  });

  it('name the answer by the run where its provider did not', () => {
    expect(read(bytesOf([]))).toMatchObject({
      id: 'msg_run-1',
      model: 'support',
      content: [],
      stop_reason: 'end_turn',
    });
  });

  it('keep the identity that they began with', () => {
    const other = { ...foreign, responseId: 'c2' } as AnswerEvent;
    expect(read(bytesOf([foreign, start('a', 'text'), say('a', 'x'), other, end('a')]))['id']).toBe('c1');
  });

  it('tell in the start what is known of the usage, but no output: some clients would count it twice', () => {
    const bytes = bytesOf([foreign, { type: 'usage', input: { total: 5 }, output: { total: 3 } }, finish('stop')]);
    const [first] = framesOf(bytes);
    expect(first?.data).toMatchObject({ message: { usage: { input_tokens: 5, output_tokens: 0 } } });
    expect(read(bytes)['usage']).toMatchObject({ input_tokens: 5, output_tokens: 3 });
  });

  it('have a heartbeat that no client takes for an event', () => {
    expect(open().heartbeat).toBe('event: ping\ndata: {"type":"ping"}\n\n');
  });

  it('end with an error, and with nothing else, where the run failed', () => {
    const stream = open();
    const before = [foreign, start('a', 'text'), say('a', 'x')].map((event) => stream.encode(event)).join('');
    expect(before).not.toBe('');
    expect(framesOf(stream.fail(new SluiceError('UPSTREAM_OVERLOADED')))).toEqual([
      {
        event: 'error',
        data: {
          type: 'error',
          error: {
            type: 'overloaded_error',
            message: 'The model provider is overloaded.',
            code: 'UPSTREAM_OVERLOADED',
          },
          request_id: 'run-1',
        },
      },
    ]);
  });
});

describe('usage', () => {
  it('has parts that are no more than the whole, for clients that add them up', () => {
    const usage: AnswerEvent = { type: 'usage', input: { total: 7, cacheRead: 161 } };
    expect(read(bytesOf([foreign, finish('stop'), usage]))).toMatchObject({
      usage: { input_tokens: 0, cache_read_input_tokens: 7 },
    });
  });
});

describe('the reason', () => {
  const text = [start('a', 'text'), say('a', 'x'), end('a')];
  it.each<readonly [string, readonly AnswerEvent[], Json]>([
    ['stop', [foreign, ...text, finish('stop')], { stop_reason: 'end_turn' }],
    [
      'a stop sequence',
      [foreign, finish('stop', { stopSequence: 'END' })],
      { stop_reason: 'stop_sequence', stop_sequence: 'END' },
    ],
    ['length', [foreign, finish('length')], { stop_reason: 'max_tokens' }],
    ['calls', [foreign, call('t', 'f'), end('t'), finish('tool_calls')], { stop_reason: 'tool_use' }],
    ['calls that the format can not say', [foreign, ...text, finish('tool_calls')], { stop_reason: 'end_turn' }],
    [
      'calls that a provider ends with a stop',
      [foreign, call('t', 'f'), end('t'), finish('stop')],
      { stop_reason: 'tool_use' },
    ],
    ['a filter', [foreign, finish('content_filter')], { stop_reason: 'refusal', stop_details: null }],
    [
      'a refusal with its reason',
      [foreign, finish('refusal', { refusal: { category: 'bio' } })],
      { stop_reason: 'refusal', stop_details: { type: 'refusal', category: 'bio', explanation: null } },
    ],
    [
      'a refusal in words',
      [foreign, start('r', 'refusal'), say('r', 'No'), end('r'), finish('stop')],
      { stop_reason: 'refusal' },
    ],
    ['a pause', [foreign, finish('pause')], { stop_reason: 'pause_turn' }],
    ['a model that failed', [foreign, finish('error')], { stop_reason: 'error' }],
    [
      'a word of this format',
      [own, { type: 'finish', reason: { unified: 'length', raw: 'model_context_window_exceeded' } }],
      { stop_reason: 'model_context_window_exceeded' },
    ],
    [
      'a word that a step has overruled',
      [own, { type: 'finish', reason: { unified: 'content_filter', raw: 'end_turn' } }],
      { stop_reason: 'refusal' },
    ],
    [
      'a word of another format',
      [foreign, { type: 'finish', reason: { unified: 'stop', raw: 'eos' } }],
      { stop_reason: 'end_turn' },
    ],
    [
      'with the further fields of its provider',
      [own, finish('stop', ext({ context_management: { applied_edits: [] }, delta: { container: { id: 'c' } } }))],
      { stop_reason: 'end_turn', container: { id: 'c' } },
    ],
  ])('%s', (_name, events, expected) => {
    expect(read(bytesOf(events))).toMatchObject(expected);
  });

  it('stands beside the fields that the provider sent with it', () => {
    const frames = framesOf(bytesOf([own, finish('stop', ext({ context_management: { applied_edits: [] } }))]));
    expect(frames.at(-2)?.data).toMatchObject({ context_management: { applied_edits: [] } });
  });
});

describe('losses', () => {
  it.each<readonly [string, readonly AnswerEvent[]]>([
    [
      'answer.server_tools',
      [foreign, start('a', 'server_tool_call', { name: 'x', initial: { type: 'web_search_call' } }), end('a')],
    ],
    ['answer.server_tools', [own, start('a', 'server_tool_result'), end('a')]],
    ['answer.media', [foreign, start('a', 'image', { initial: { type: 'image_url' } }), end('a')]],
    [
      'answer.citations',
      [foreign, start('a', 'text'), { type: 'annotation', blockId: 'a', annotation: {}, url: 'https://a.example' }],
    ],
    ['answer.logprobs', [foreign, start('a', 'text'), { ...say('a', 'x'), logprobs: [] } as AnswerEvent]],
    ['answer.choices', [foreign, start('a', 'text', { choice: 1 }), { ...say('a', 'x'), choice: 1 } as AnswerEvent]],
    ['answer.safety', [foreign, { type: 'safety', scope: 'prompt', verdicts: [] }]],
    ['answer.compaction', [foreign, start('a', 'compaction', { initial: {} })]],
  ])('%s is named, and nothing of it is written', (what, events) => {
    const lost: string[] = [];
    const content = read(bytesOf(events, open(lost)))['content'] as readonly Json[];
    expect(new Set(lost)).toEqual(new Set([what]));
    expect(content.filter(({ type }) => type !== 'text')).toEqual([]);
  });

  it('are none where all is said', () => {
    const lost: string[] = [];
    const events = [foreign, start('r', 'reasoning'), say('r', 'x'), sign('r', 'y', { format: 'gemini' }), end('r')];
    bytesOf([...events, finish('stop', { stopSequence: 'x' }), { type: 'usage', total: 1 }], open(lost));
    expect(lost).toEqual([]);
  });
});

describe('events that nobody knows', () => {
  const raw = (data: string, event?: string): AnswerEvent => ({
    type: 'raw',
    dialect: 'anthropic-messages',
    data,
    ...(event !== undefined && { event }),
  });
  const namesOf = (event: AnswerEvent): unknown => framesOf(open().encode(event)).map((frame) => frame.event);

  it.each<readonly [string, AnswerEvent, readonly string[]]>([
    ['pass', raw('{"type":"news","text":"x"}', 'news'), ['message_start', 'news']],
    ['get the name that official clients ask for', raw('{"type":"news"}'), ['message_start', 'news']],
    ['do not pass where a client would break on them', raw('no json', 'news'), []],
    ['do not pass without a name', raw('{"x":1}'), []],
    ['never begin or end a message', raw('{"type":"message_stop"}', 'message_stop'), []],
    ['do not pass to clients of another format', { type: 'raw', dialect: 'gemini', data: '{"type":"news"}' }, []],
  ])('%s', (_name, event, names) => {
    expect(namesOf(event)).toEqual(names);
  });

  it('are told under the place of their block', () => {
    const stream = open();
    const before = [own, start('x', 'text'), say('x', 'inserted'), end('x'), start('a', 'text', { nativeIndex: 0 })];
    for (const event of before) stream.encode(event);
    const delta = raw('{"type":"content_block_delta","index":0,"delta":{"type":"new_delta"}}', 'content_block_delta');
    expect(framesOf(stream.encode(delta))).toEqual([
      {
        event: 'content_block_delta',
        data: { type: 'content_block_delta', index: 1, delta: { type: 'new_delta' } },
      },
    ]);
  });
});
