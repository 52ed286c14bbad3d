import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SseFraming } from '../../src/forward/sse-framing.ts';
import type { FrameSink, Lane } from '../../src/kernel/frame-sink.ts';
import { everySplit, sseCases, type Arrival } from '../support/sse-cases.ts';

interface Taken {
  readonly events: { event: string; data: string; lastEventId: string }[];
  readonly bytes: string[];
  readonly laneTexts: string[];
  readonly framing: SseFraming;
}

function read({ chunks }: Pick<Arrival, 'chunks'>, lane?: Lane, maxFrameBytes = 1_048_576): Taken {
  const taken: Omit<Taken, 'framing'> = { events: [], bytes: [], laneTexts: [] };
  const sink: FrameSink = {
    lane,
    frame: (event, data, bytes) => {
      taken.events.push({ event: event === '' ? 'message' : event, data, lastEventId: framing.lastEventId });
      taken.bytes.push(bytes);
    },
    textFrame: (source, start, textStart, textEnd, end) => {
      taken.laneTexts.push(source.slice(textStart, textEnd));
      taken.bytes.push(source.slice(start, end));
      return true;
    },
  };
  const framing = new SseFraming(sink, maxFrameBytes);
  for (const chunk of chunks) framing.push(chunk.toString('latin1'));
  return { ...taken, framing };
}

describe('conformance with the event stream rules of the HTML standard, at every split', () => {
  it.each(sseCases().map((row) => [row.name, row] as const))('%s', (_name, { bytes, events, lastEventId, retry }) => {
    for (const arrival of everySplit(bytes)) {
      const taken = read(arrival);
      expect({
        arrival: arrival.name,
        events: taken.events,
        lastEventId: taken.framing.lastEventId,
        retry: taken.framing.retry ?? null,
      }).toEqual({
        arrival: arrival.name,
        events,
        lastEventId,
        retry,
      });
    }
  });
});

describe('the fast lane', () => {
  const lane: Lane = { before: 'data: {"t":"', after: '"}\n\n' };
  const frameOf = (text: string): string => `data: ${JSON.stringify({ t: text })}\n\n`;

  const stream = Buffer.from(
    [
      frameOf('a'),
      frameOf('say "x" \\'),
      'data: {"t":"b","u":1}\n\n',
      ': ping\n\n',
      frameOf('日本'),
      'data: [DONE]\n\n',
    ].join(''),
  );

  it('takes frames of the shape and only those', () => {
    const { laneTexts, events } = read({ chunks: [stream] }, lane);
    expect(laneTexts).toEqual(['a', 'say \\"x\\" \\\\', Buffer.from('日本').toString('latin1')]);
    expect(events.map(({ data }) => data)).toEqual(['{"t":"b","u":1}', '[DONE]']);
  });

  it('passes the bytes of every frame on, at every split, whichever way a frame takes', () => {
    for (const arrival of everySplit(stream))
      expect(read(arrival, lane).bytes.join('')).toBe(stream.toString('latin1').replace(': ping\n\n', ''));
  });

  it('gives the same frames, in the same order, as no lane', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '{', '}', ':', ',', 't', '\n', 'é', '日', '😀', '\u0000'),
    });
    const frame = fc.oneof(
      text.map(frameOf),
      text.map((value) => `data: {"t":${JSON.stringify(value)},"u":${JSON.stringify(value)}}\n\n`),
      fc.constant('event: x\ndata: {"t":"q"}\n\n'),
      fc.constant(': c\n\n'),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 40 })), (frames, cuts) => {
        const bytes = Buffer.from(frames.join(''));
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < bytes.length; index += 1) {
          const size = cuts[index % Math.max(1, cuts.length)] ?? bytes.length;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(read({ chunks }, lane).bytes.join('')).toBe(read({ chunks }).bytes.join(''));
      }),
    );
  });
});

describe('bounds', () => {
  it('gives up a frame that is larger than allowed, before its end has come', () => {
    const line = Buffer.from(`data: ${'x'.repeat(5_000)}`);
    expect(() => read({ chunks: [line] }, undefined, 4_096)).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    expect(() =>
      read({ chunks: Array.from({ length: 5_000 }, () => Buffer.from('data: x\n')) }, undefined, 4_096),
    ).toThrow(expect.objectContaining({ code: 'FRAME_TOO_LARGE' }));
  });

  it('keeps apart what many comments and many frames add up to', () => {
    const { events } = read(
      { chunks: Array.from({ length: 2_000 }, () => Buffer.from(': a comment\n\ndata: x\n\n')) },
      undefined,
      1_024,
    );
    expect(events).toHaveLength(2_000);
  });

  it('joins a frame of ten million bytes from small pieces in one pass', () => {
    const piece = Buffer.from('x'.repeat(16_384));
    const { events } = read(
      { chunks: [Buffer.from('data: '), ...Array.from({ length: 640 }, () => piece), Buffer.from('\n\n')] },
      undefined,
      16_777_216,
    );
    expect(events[0]?.data).toHaveLength(640 * 16_384);
  });
});
