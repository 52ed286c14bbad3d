import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MessageStreamDecoder } from '../../src/backends/anthropic-messages/stream-decoder.ts';
import { anthropicMessagesEncoder } from '../../src/encoders/anthropic-messages.ts';
import { nativeEncoder } from '../../src/encoders/native.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import { AnswerPipe, type FrameCounters } from '../../src/kernel/answer-pipe.ts';
import type { Encoder } from '../../src/kernel/component.ts';
import type { Modifier } from '../../src/kernel/modifier.ts';
import type { FrameSink } from '../../src/kernel/frame-sink.ts';
import type { Bound } from '../../src/kernel/bound-modifier.ts';
import {
  blockDelta,
  blockStart,
  blockStop,
  bytesOf,
  frame,
  message,
  messageDelta,
  messageStart,
  messageStop,
  textDelta,
  textStart,
} from '../support/anthropic-frames.ts';
import { maskStep } from '../support/bound-modifiers.ts';
import { chatRequest } from '../support/chat-run.ts';
import type { RecordedFrame } from '../support/recorded-streams.ts';
import { readSse } from '../support/sse-reader.ts';
import { testRun } from '../support/test-run.ts';

const own = 'anthropic-messages';
const encoders: Readonly<Record<string, () => Encoder>> = {
  [own]: () => anthropicMessagesEncoder.create({}, {}),
  'openai-chat': () => openaiChatEncoder.create({}, {}),
  native: () => nativeEncoder.create({}, testRun().capabilities),
};

interface Passed {
  readonly bytes: string;
  readonly error: string | undefined;
  readonly counters: FrameCounters;
}

/** Sends the bytes of a provider through decoder, modifiers and encoder, with or without the fast lane. */
function pass(
  chunks: readonly Buffer[],
  dialect: string,
  modifiers: readonly Bound<Modifier>[] = [],
  lane = true,
): Passed {
  let bytes = '';
  let error: string | undefined;
  const counters: FrameCounters = { pass: 0, scan: 0, splice: 0, slow: 0 };
  const { run } = testRun();
  const encoder = encoders[dialect]?.().open({ run, request: chatRequest({ dialect }), created: 1_700_000_000 });
  if (encoder === undefined) throw new TypeError(`no encoder of ${dialect}`);
  const pipe = new AnswerPipe({
    run,
    encoder,
    choices: 1,
    sameDialect: dialect === own,
    modifiers: () => modifiers,
    counters,
    output: {
      write: (frames) => void (bytes += frames),
      complete: (frames) => void (bytes += frames),
      pause: () => undefined,
      began: () => undefined,
      ended: () => undefined,
      fail: (failure) => void (error = failure.code),
    },
  });
  pipe.attach(new MessageStreamDecoder());
  const slowSink: FrameSink = {
    lane: undefined,
    frame: (event, data, raw) => pipe.frame(event, data, raw),
    textFrame: () => false,
  };
  const framing = new SseFraming(lane ? pipe : slowSink, 1_048_576);
  try {
    for (const chunk of chunks) {
      framing.push(chunk.toString('latin1'));
      pipe.flush();
    }
    pipe.end();
  } catch (thrown) {
    pipe.flush();
    error = (thrown as { code?: string }).code ?? String(thrown);
  }
  return { bytes, error, counters };
}

/** The text that a client of the format puts together. */
function textOf(bytes: string): string {
  return readSse(Buffer.from(bytes, 'latin1'))
    .frames.map(({ data }) => JSON.parse(data) as { delta?: { text?: string; thinking?: string } })
    .map(({ delta }) => delta?.text ?? delta?.thinking ?? '')
    .join('');
}

const words = ['the ', 'se', 'cret', ' plan', ' on', ' hold'];
const stream = Buffer.from(bytesOf(message(textStart(), ...words.map((text) => textDelta(text)), blockStop())));
// The first frame of the text has no template, the second one teaches it.
const fast = words.length - 2;

describe('which way frames take', () => {
  it('passes what nobody reads, with its own bytes', () => {
    const { bytes, counters } = pass([stream], own);
    expect(bytes).toBe(stream.toString('latin1'));
    expect(counters).toEqual({ pass: fast, scan: 0, splice: 0, slow: 7 });
  });

  it.each(['openai-chat', 'native'])('passes them in another dialect: %s', (dialect) => {
    const { bytes, counters, error } = pass([stream], dialect);
    expect(error).toBeUndefined();
    expect(bytes).toContain(' plan');
    expect(counters).toEqual({ pass: fast, scan: 0, splice: 0, slow: 7 });
  });

  it('scans what stays and splices what changes', () => {
    const { bytes, counters } = pass([stream], own, [maskStep(['secret'])]);
    expect(textOf(bytes)).toBe('the *** plan on hold');
    expect(counters).toEqual({ pass: 0, scan: 3, splice: 1, slow: 7 });
  });

  it('thinking takes the lane too, and each block learns its own', () => {
    const thinking = ['a', 'b', 'c', 'd'].map((text) => blockDelta(0, { type: 'thinking_delta', thinking: text }));
    const text = ['e', 'f', 'g', 'h'].map((piece) => textDelta(piece, 1));
    const frames = message(
      blockStart(0, { type: 'thinking', thinking: '', signature: '' }),
      ...thinking,
      blockDelta(0, { type: 'signature_delta', signature: 'c2ln' }),
      blockStop(0),
      textStart(1),
      ...text,
      blockStop(1),
    );
    const { bytes, counters } = pass([Buffer.from(bytesOf(frames))], own);
    expect(bytes).toBe(bytesOf(frames));
    expect(counters.pass).toBe(4);
  });

  it('frames that the provider pads with blanks take it too', () => {
    const pad = ({ event, data }: RecordedFrame, index: number): RecordedFrame => ({
      event,
      data: `${data.slice(0, -1)}${' '.repeat(index % 5)}}`,
    });
    const frames = message(textStart(), ...words.map((text) => textDelta(text)), blockStop()).map(pad);
    for (const dialect of [own, 'openai-chat']) {
      const { bytes, error, counters } = pass([Buffer.from(bytesOf(frames))], dialect);
      expect([error, counters.pass]).toEqual([undefined, fast]);
      if (dialect === own) expect(bytes).toBe(bytesOf(frames));
    }
  });
});

const piece = fc.oneof(
  fc.constantFrom('a', 'sec', 'ret', 'secret', ' ', '"', '\\', '\n', '日本', '😀', '\ud83d', '\ude00', '\u2028', ''),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const variant = fc.constantFrom('plain', 'padded', 'unknown', 'unnamed', 'thinking key');
const deltas = fc.array(fc.tuple(piece, variant), { maxLength: 25 });

function variantOf([text, kind]: readonly [string, string]): string {
  const { event, data } = textDelta(text);
  switch (kind) {
    case 'padded':
      return `event: ${event}\ndata: ${data.slice(0, -1)}${' '.repeat(text.length)}}\n\n`;
    case 'unknown':
      return `event: ${event}\ndata: ${data.slice(0, -1)},"note":"the secret"}\n\n`;
    case 'unnamed':
      return `data: ${data}\n\n`;
    case 'thinking key':
      return `data: ${data}\nevent: ${event}\n\n`;
    default:
      return `event: ${event}\ndata: ${data}\n\n`;
  }
}

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < bytes.length; index += 1) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

describe('the fast lane writes the same bytes as the slow way, however the bytes are cut', () => {
  const chains = { 'no modifier': [], 'a mask': [maskStep(['secret', '日本', 'aba'])] };
  for (const dialect of Object.keys(encoders)) {
    it.each(Object.entries(chains))(`${dialect}, %s`, (_name, modifiers) => {
      fc.assert(
        fc.property(deltas, fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 5 }), (pieces, sizes) => {
          const bytes =
            bytesOf([messageStart(), textStart()]) +
            pieces.map(variantOf).join('') +
            bytesOf([blockStop(), messageDelta(), messageStop]);
          const chunks = cut(Buffer.from(bytes), sizes);
          const { counters: _fast, ...quick } = pass(chunks, dialect, modifiers, true);
          const { counters: _slow, ...slow } = pass(chunks, dialect, modifiers, false);
          const { counters: _whole, ...whole } = pass([Buffer.from(bytes)], dialect, modifiers, true);
          expect(quick).toEqual(slow);
          expect(quick).toEqual(whole);
        }),
      );
    });
  }
});

const leak = 'the secret word';
const start = JSON.parse(messageStart().data) as { message: Record<string, unknown> };
const leaks: readonly (readonly [string, readonly RecordedFrame[]])[] = [
  [
    'an unknown field beside the text',
    [frame('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'x' }, note: leak })],
  ],
  ['an unknown field of the delta', [blockDelta(0, { type: 'text_delta', text: 'x', note: leak })]],
  ['an unknown delta', [blockDelta(0, { type: 'note_delta', note: leak })]],
  ['an unknown event', [frame('note', { note: leak })]],
  ['a citation', [blockDelta(0, { type: 'citations_delta', citation: { type: 'char_location', cited_text: leak } })]],
  ['a text', [textDelta(leak)]],
  ['a text without a name', [{ event: '', data: textDelta(leak).data }]],
  ['the text of a start', [blockStop(), blockStart(1, { type: 'text', text: leak }), blockStop(1)]],
  [
    'a key that is there twice',
    [
      {
        event: 'content_block_delta',
        data: `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"${leak}","text":"x"}}`,
      },
    ],
  ],
  ['an unknown block', [blockStop(), blockStart(1, { type: 'note', text: leak }), blockStop(1)]],
  [
    'results of a tool',
    [
      blockStop(),
      blockStart(1, { type: 'web_search_tool_result', tool_use_id: 's', content: [{ title: leak }] }),
      blockStop(1),
    ],
  ],
  [
    'a compaction',
    [
      blockStop(),
      blockStart(1, { type: 'compaction', content: null }),
      blockDelta(1, { type: 'compaction_delta', content: leak }),
      blockStop(1),
    ],
  ],
  ['the stop of a block', [frame('content_block_stop', { index: 0, note: leak })]],
  ['the end of the message', [blockStop(), messageDelta('end_turn', { note: leak })]],
  [
    'a word in the usage',
    [blockStop(), frame('message_delta', { delta: { stop_reason: 'end_turn' }, usage: { note: leak } })],
  ],
  [
    'the details of a second end',
    [blockStop(), messageDelta(), messageDelta('refusal', { stop_details: { type: 'refusal', explanation: leak } })],
  ],
];

describe('what a guard is to hide', () => {
  it.each(leaks)('does not leave by %s', (_name, frames) => {
    const bytes = Buffer.from(
      bytesOf([messageStart(), textStart(), textDelta('a'), textDelta('b')]) +
        frames.map(({ event, data }) => (event === '' ? `data: ${data}\n\n` : bytesOf([{ event, data }]))).join('') +
        bytesOf([blockStop(), messageDelta(), messageStop]),
    );
    for (const dialect of Object.keys(encoders)) {
      const passed = pass([bytes], dialect, [maskStep(['secret'])]);
      expect({ dialect, ...passed, bytes: '' }).toMatchObject({ error: undefined });
      expect(passed.bytes).not.toContain('secret');
    }
  });

  it('nor by the start of the message', () => {
    for (const fields of [{ note: leak }, { container: { note: leak } }, { content: [{ type: 'text', text: leak }] }]) {
      const opening = frame('message_start', { message: { ...start.message, ...fields } });
      const bytes = Buffer.from(bytesOf([opening, textStart(), blockStop(), messageDelta(), messageStop]));
      expect(pass([bytes], own, [maskStep(['secret'])]).bytes).not.toContain('secret');
    }
  });
});

describe('transparent', () => {
  const usage = { input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 0 }, service_tier: 'standard' };
  const container = { id: 'container_011CWH', expires_at: '2026-01-01T00:00:00.5Z' };
  it.each([
    ['a start', messageStart({ usage, container, stop_details: null })],
    ['a ping', frame('ping')],
    ['a block of text', textStart(1)],
    ['a block of text with an empty list', blockStart(1, { type: 'text', text: '', citations: [] })],
    ['a call', blockStart(1, { type: 'tool_use', id: 't', name: 'f', input: {}, caller: { type: 'direct' } })],
    [
      'a call of a tool of the provider',
      blockStart(1, { type: 'mcp_tool_use', id: 't', name: 'f', input: {}, server_name: 'echo' }),
    ],
    ['arguments', blockDelta(2, { type: 'input_json_delta', partial_json: '{' })],
    ['text', textDelta('a')],
    [
      'an end',
      messageDelta('end_turn', { container, stop_details: null }, { usage, context_management: { applied_edits: [] } }),
    ],
  ])('is %s', (_title, { event, data }) => {
    const decoder = new MessageStreamDecoder();
    const before = [messageStart(), textStart(0), blockStart(2, { type: 'tool_use', id: 'x', name: 'f', input: {} })];
    if (event !== 'message_start') for (const known of before) decoder.frame(known.event, known.data);
    expect(decoder.frame(event, data).transparent).toBe(true);
  });

  it('only the whole first frame opens the choice', () => {
    const opens = (fields: object): number | undefined => {
      const { event, data } = messageStart({ ...fields });
      return new MessageStreamDecoder().frame(event, data).opens;
    };
    expect(opens({})).toBe(0);
    for (const fields of [
      { id: '' },
      { model: null },
      { role: 'user' },
      { usage: null },
      { content: [{ type: 'text', text: 'a' }] },
    ])
      expect(opens(fields)).toBeUndefined();
  });
});
