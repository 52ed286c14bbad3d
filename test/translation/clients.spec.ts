import { describe, expect, it } from '@jest/globals';
import { neutralClients } from './clients.ts';
import type { NeutralReading } from './neutral.ts';

type Event = Readonly<Record<string, unknown>>;

const read = (dialect: string, text: string): NeutralReading => {
  const client = neutralClients.find((candidate) => candidate.dialect === dialect);
  if (client === undefined) throw new Error(`no client of ${dialect}`);
  return client.readStream(Buffer.from(text));
};
const data = (...events: readonly unknown[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
const named = (...events: readonly Event[]): string =>
  events.map((event) => `event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`).join('');
const lines = (...events: readonly Event[]): string => events.map((event) => `${JSON.stringify(event)}\n`).join('');

const chunk = (delta: Event, finish: string | null = null, head: Event = {}): Event => ({
  id: 'c1',
  object: 'chat.completion.chunk',
  created: 1,
  model: 'm',
  choices: [{ index: 0, delta, finish_reason: finish }],
  ...head,
});
const role = chunk({ role: 'assistant', content: 'Hi' });
const stop = chunk({}, 'stop');

const opening = {
  type: 'message_start',
  message: {
    id: 'm1',
    type: 'message',
    role: 'assistant',
    model: 'm',
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: { input_tokens: 1, output_tokens: 1 },
  },
};
const block = { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } };
const piece = { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Hi' } };
const closed = { type: 'content_block_stop', index: 0 };
const ending = {
  type: 'message_delta',
  delta: { stop_reason: 'end_turn', stop_sequence: null },
  usage: { output_tokens: 2 },
};
const end = { type: 'message_stop' };

const candidate = (parts: readonly Event[], finishReason?: string): Event => ({
  candidates: [{ content: { role: 'model', parts }, ...(finishReason !== undefined && { finishReason }) }],
});
const line = (content: string, more: Event = { done: false }): Event => ({
  model: 'm',
  created_at: '2026-01-01T00:00:00Z',
  message: { role: 'assistant', content },
  ...more,
});
const done = { done: true, done_reason: 'stop' };

describe('a client takes a whole answer', () => {
  it.each([
    ['openai-chat', data(role, stop, '[DONE]')],
    ['anthropic-messages', named(opening, block, { type: 'ping' }, piece, closed, ending, end)],
    ['gemini', data(candidate([{ text: 'H' }]), candidate([{ text: 'i' }], 'STOP'))],
    ['ollama', lines(line('H'), line('i', done))],
  ])('of %s', (dialect, text) => {
    const { end: howItEnded, answer } = read(dialect, text);
    expect([howItEnded, answer.text, answer.finish]).toEqual(['ok', 'Hi', 'stop']);
  });
});

describe('a client rejects what the official one rejects', () => {
  it.each([
    ['openai-chat', 'no role', data(chunk({ content: 'Hi' }), stop, '[DONE]')],
    ['openai-chat', 'another id', data(role, { ...stop, id: 'c2' }, '[DONE]')],
    ['openai-chat', 'no finish reason', data(role, '[DONE]')],
    ['openai-chat', 'no end', data(role, stop)],
    ['openai-chat', 'two ends', data(role, stop, '[DONE]', '[DONE]')],
    ['openai-chat', 'a frame that is no JSON', data(role, '{', stop, '[DONE]')],
    ['openai-chat', 'no choices', data({ ...role, choices: undefined }, stop, '[DONE]')],
    [
      'openai-chat',
      'a call without an index',
      data(
        chunk({ role: 'assistant', tool_calls: [{ id: 'x', type: 'function', function: { name: 'f' } }] }),
        stop,
        '[DONE]',
      ),
    ],
    ['openai-chat', 'text behind the finish', data(role, stop, role, '[DONE]')],
    ['openai-chat', 'a last frame that is cut', data(role, stop, '[DONE]').slice(0, -1)],
    [
      'openai-responses',
      'a delta for an unknown item',
      named({ type: 'response.output_text.delta', sequence_number: 0, output_index: 0 }),
    ],
    ['anthropic-messages', 'no message_stop', named(opening, block, piece, closed, ending)],
    ['anthropic-messages', 'two of them', named(opening, block, piece, closed, ending, end, end)],
    ['anthropic-messages', 'no stop reason', named(opening, block, piece, closed, end)],
    ['anthropic-messages', 'text outside of a block', named(opening, piece, ending, end)],
    ['anthropic-messages', 'a block in a block', named(opening, block, { ...block, index: 1 }, closed, ending, end)],
    ['anthropic-messages', 'an index that is skipped', named(opening, { ...block, index: 1 }, ending, end)],
    ['anthropic-messages', 'an open block at the end', named(opening, block, piece, ending, end)],
    ['anthropic-messages', 'events without names', data(opening, block, piece, closed, ending, end)],
    ['gemini', 'no finish reason', data(candidate([{ text: 'Hi' }]))],
    ['gemini', 'an end of another format', data(candidate([{ text: 'Hi' }], 'STOP'), '[DONE]')],
    ['gemini', 'a name before the data', `event: x\n${data(candidate([{ text: 'Hi' }], 'STOP'))}`],
    ['gemini', 'a last chunk that is cut', data(candidate([{ text: 'Hi' }], 'STOP')).slice(0, -1)],
    ['ollama', 'no end', lines(line('Hi'))],
    ['ollama', 'a line behind the end', lines(line('Hi', done), line('Hi'))],
    [
      'ollama',
      'arguments as text',
      lines(
        line('', {
          ...done,
          message: { role: 'assistant', content: '', tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
        }),
      ),
    ],
    ['native', 'no first event', named({ type: 'stream.end', seq: 1, t: 0, outcome: 'ok' })],
  ])('%s: %s', (dialect, _what, text) => {
    expect(read(dialect, text).end).toBe('cut');
  });

  it.each([
    ['openai-chat', data(role, { error: { message: 'No', type: 'server_error', code: null } })],
    ['anthropic-messages', named(opening, { type: 'error', error: { type: 'api_error', message: 'No' } })],
    ['gemini', data({ error: { code: 503, message: 'No', status: 'UNAVAILABLE' } })],
    ['ollama', lines(line('Hi'), { error: 'No' })],
  ])('%s: and knows an error', (dialect, text) => {
    expect(read(dialect, text)).toMatchObject({ end: 'error', error: { message: 'No' } });
  });
});
