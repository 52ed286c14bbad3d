import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { AwsEventStreamFraming } from '../../src/forward/aws-event-stream-framing.ts';
import { framingOf } from '../../src/forward/framings.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import {
  converseFiles,
  encodeEvent,
  encodeException,
  encodeMessage,
  hasConverseStreams,
  readMessages,
} from '../support/aws-event-stream.ts';

interface Reading {
  readonly frames: readonly (readonly string[])[];
  readonly error: string | undefined;
}

/** What comes out of a stream that arrives in these pieces. */
function read(pieces: readonly Buffer[], maxFrameBytes = 1_000_000): Reading {
  const frames: string[][] = [];
  const framing = new AwsEventStreamFraming(
    { lane: undefined, frame: (...frame) => void frames.push(frame), textFrame: () => false },
    maxFrameBytes,
  );
  try {
    for (const piece of pieces) framing.push(piece.toString('latin1'));
    framing.end();
  } catch (error) {
    return { frames, error: (error as SluiceError).code };
  }
  return { frames, error: undefined };
}

const cutAt = (bytes: Buffer, places: readonly number[]): Buffer[] => {
  const ends = [...new Set([...places, bytes.length])].sort((one, other) => one - other);
  return ends.map((end, at) => bytes.subarray(ends[at - 1] ?? 0, end));
};

const small = Buffer.concat([
  encodeEvent('messageStart', { role: 'assistant' }),
  encodeEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Grüße 世界 😀' } }),
  encodeException('throttlingException', { message: 'Too many requests' }),
  encodeMessage({ ':message-type': 'error', ':error-code': 'Internal', ':error-message': 'no "luck"' }, ''),
]);
const smallFrames = [
  ['messageStart', '{"role":"assistant"}', ''],
  ['contentBlockDelta', '{"contentBlockIndex":0,"delta":{"text":"Grüße 世界 😀"}}', ''],
  ['exception:throttlingException', '{"message":"Too many requests"}', ''],
  ['error:Internal', '{"message":"no \\"luck\\""}', ''],
];

describe('binary event streams', () => {
  it('are known by their media type', () => {
    expect(framingOf('application/vnd.amazon.eventstream')).toBeDefined();
  });

  it('give events, exceptions and errors, each by its name', () => {
    expect(read([small])).toEqual({ frames: smallFrames, error: undefined });
  });

  it('are the same at every cut in two, and byte by byte', () => {
    for (let cut = 0; cut <= small.length; cut += 1)
      expect(read([small.subarray(0, cut), small.subarray(cut)]).frames).toEqual(smallFrames);
    expect(read([...small].map((byte) => Buffer.of(byte))).frames).toEqual(smallFrames);
  });

  it('are the same in any pieces', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(small.length), { maxLength: 20 }), (places) => {
        expect(read(cutAt(small, places))).toEqual({ frames: smallFrames, error: undefined });
      }),
    );
  });

  it('drop a message that is not whole at the end', () => {
    for (let cut = 1; cut < small.length; cut += 1) {
      const { frames, error } = read([small.subarray(0, cut)]);
      expect(error).toBeUndefined();
      expect(frames).toEqual(smallFrames.slice(0, frames.length));
      expect(frames.length).toBeLessThan(smallFrames.length);
    }
  });

  it('never give a wrong frame where a byte is wrong', () => {
    for (let at = 0; at < small.length; at += 1) {
      for (const change of [0x01, 0x80, 0xff]) {
        const broken = Buffer.from(small);
        broken[at] = (broken[at] ?? 0) ^ change;
        const { frames, error } = read([broken]);
        expect(frames).toEqual(smallFrames.slice(0, frames.length));
        // A length that became larger waits for bytes that never come: the reader then misses the end.
        expect(frames.length).toBeLessThan(smallFrames.length);
        expect([undefined, 'UPSTREAM_BAD_FRAME', 'FRAME_TOO_LARGE']).toContain(error);
      }
    }
  });

  it('are UPSTREAM_BAD_FRAME or FRAME_TOO_LARGE or unfinished where they are garbage, and nothing else', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (garbage) => {
        const { frames, error } = read([Buffer.from(garbage)]);
        expect(frames).toEqual([]);
        expect([undefined, 'UPSTREAM_BAD_FRAME', 'FRAME_TOO_LARGE']).toContain(error);
      }),
    );
    expect(read([Buffer.from('<html><body>Bad gateway</body></html>')]).error).toBe('UPSTREAM_BAD_FRAME');
  });

  it.each([
    ['a total of nothing', [0, 0], 'UPSTREAM_BAD_FRAME'],
    ['a total below the overhead', [15, 0], 'UPSTREAM_BAD_FRAME'],
    ['headers that are larger than the message', [100, 85], 'UPSTREAM_BAD_FRAME'],
    ['headers that are larger than the format allows', [400_000, 200_000], 'UPSTREAM_BAD_FRAME'],
    ['more than the limit', [1_000_001, 0], 'FRAME_TOO_LARGE'],
    ['four gigabytes', [0xffffffff, 0], 'FRAME_TOO_LARGE'],
  ])('refuse %s before anything is kept', (_title, [total = 0, headers = 0], code) => {
    const prelude = Buffer.alloc(12);
    prelude.writeUInt32BE(total, 0);
    prelude.writeUInt32BE(headers, 4);
    expect(read([prelude]).error).toBe(code);
  });

  it('take a message of exactly the limit', () => {
    const message = encodeEvent('metadata', { p: 'x'.repeat(100) });
    expect(read([message], message.length).frames.length).toBe(1);
    expect(read([message], message.length - 1).error).toBe('FRAME_TOO_LARGE');
  });

  it.each([
    ['no type', {}],
    ['an unknown type', { ':message-type': 'greeting' }],
    ['a type that no name of an object gives it', { toString: 'event' }],
  ])('refuse a message with %s', (_title, headers) => {
    expect(read([encodeMessage(headers, '{}')]).error).toBe('UPSTREAM_BAD_FRAME');
  });

  it('show nothing from outside of a message whose header lies about its length', () => {
    const message = encodeMessage({ ':message-type': 'event', ':event-type': 'x' }, '');
    // The valid checksums of a hostile sender: the last header says that its value goes on behind the message.
    const headers = message.subarray(12, message.length - 4);
    headers.writeUInt16BE(60_000, headers.length - 3);
    expect(read([resealed(message)])).toEqual({ frames: [], error: 'UPSTREAM_BAD_FRAME' });
  });
});

/** The message with its checksums made anew, by the definition of CRC-32. */
function resealed(message: Buffer): Buffer {
  message.writeUInt32BE(crc32(message.subarray(0, 8)), 8);
  message.writeUInt32BE(crc32(message.subarray(0, message.length - 4)), message.length - 4);
  return message;
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

const title = hasConverseStreams ? 'recorded streams' : 'recorded streams (SKIPPED: ../shared/fixtures is not there)';

(hasConverseStreams ? describe : describe.skip)(title, () => {
  it.each(converseFiles('.eventstream.bin'))('$name, whole and in pieces', ({ bytes }) => {
    const expected = readMessages(bytes).map(({ event, data }) => [event, data, '']);
    expect(expected.length).toBeGreaterThan(4);
    expect(read([bytes])).toEqual({ frames: expected, error: undefined });
    for (const size of [1, 7, 113, 4_096]) {
      const places = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => at * size);
      expect(read(cutAt(bytes, places)).frames).toEqual(expected);
    }
  });
});
