import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { NdjsonFraming } from '../../src/forward/ndjson-framing.ts';
import type { FrameSink, Lane } from '../../src/kernel/frame-sink.ts';
import { everySplit } from '../support/sse-cases.ts';

interface Taken {
  /** The text of each line that went the slow way. */
  readonly lines: string[];
  /** The bytes of all frames, whichever way they went. */
  readonly bytes: string[];
  readonly laneTexts: string[];
}

interface Reading {
  readonly chunks: readonly Buffer[];
  readonly lane?: Lane | undefined;
  readonly maxFrameBytes?: number;
  /** What the sink says to a frame of its lane. */
  readonly takes?: boolean;
}

function read({ chunks, lane, maxFrameBytes = 1_048_576, takes = true }: Reading): Taken {
  const taken: Taken = { lines: [], bytes: [], laneTexts: [] };
  const sink: FrameSink = {
    lane,
    frame: (event, data, bytes) => {
      expect(event).toBe('');
      taken.lines.push(data);
      taken.bytes.push(bytes);
    },
    textFrame: (source, start, textStart, textEnd, end, plain) => {
      if (!takes) return false;
      const json = source.slice(textStart, textEnd);
      expect(plain).toBe(/^[ -~]*$/.test(json) && !/["\\]/.test(json));
      taken.laneTexts.push(json);
      taken.bytes.push(source.slice(start, end));
      return true;
    },
  };
  const framing = new NdjsonFraming(sink, maxFrameBytes);
  for (const chunk of chunks) framing.push(chunk.toString('latin1'));
  framing.end();
  return taken;
}

const latin1 = (text: string): string => Buffer.from(text).toString('latin1');
const hex = (text: string): Buffer => Buffer.from(text, 'hex');

const cases: readonly (readonly [string, string | Buffer, readonly string[]])[] = [
  ['nothing', '', []],
  ['one line', '{"a":1}\n', ['{"a":1}']],
  ['several lines', '{"a":1}\n{"b":2}\n{"c":3}\n', ['{"a":1}', '{"b":2}', '{"c":3}']],
  ['CRLF', '{"a":1}\r\n{"b":2}\r\n', ['{"a":1}', '{"b":2}']],
  ['LF and CRLF', '{"a":1}\n{"b":2}\r\n{"c":3}\n', ['{"a":1}', '{"b":2}', '{"c":3}']],
  ['empty lines', '\n\n{"a":1}\n\n\r\n  \t\n{"b":2}\n\n', ['{"a":1}', '{"b":2}']],
  ['a CR inside', '{"a":\r1}\n', ['{"a":\r1}']],
  ['characters of every length', '{"a":"é日😀"}\n{"b":"ß"}\n', ['{"a":"é日😀"}', '{"b":"ß"}']],
  ['a line separator that is none here', '{"a":"\u2028\u2029\u0085"}\n', ['{"a":"\u2028\u2029\u0085"}']],
  ['escaped line ends', '{"a":"\\n\\r\\n"}\n', ['{"a":"\\n\\r\\n"}']],
  ['a byte order mark', Buffer.concat([hex('efbbbf'), Buffer.from('{"a":1}\n{"b":2}\n')]), ['{"a":1}', '{"b":2}']],
  ['a mark in front of a last line', Buffer.concat([hex('efbbbf'), Buffer.from('{"a":1}')]), ['{"a":1}']],
  ['invalid UTF-8', Buffer.concat([hex('7b2261223a22ff22'), Buffer.from('}\n')]), ['{"a":"\ufffd"}']],
  ['half a character', Buffer.concat([hex('7b2261223a22f09f98'), Buffer.from('"}\n')]), ['{"a":"\ufffd"}']],
  ['a no-break space alone, cut in two bytes', Buffer.concat([hex('a0'), Buffer.from('\n')]), ['\ufffd']],
  ['what is no JSON is left to the reader', 'hello\n{"a":1}\n', ['hello', '{"a":1}']],
  ['a last line without an end', '{"a":1}\n{"b":2}', ['{"a":1}', '{"b":2}']],
  ['a last line without an end, with a CR', '{"a":1}\n{"b":"é"}\r', ['{"a":1}', '{"b":"é"}']],
  ['a last line that was cut off', '{"a":1}\n{"b":', ['{"a":1}']],
  ['a last line that was cut off in a character', Buffer.concat([Buffer.from('{"b":"'), hex('e697')]), []],
];

describe('lines, at every split', () => {
  it.each(cases)('%s', (_name, input, lines) => {
    for (const arrival of everySplit(Buffer.from(input)))
      expect({ arrival: arrival.name, lines: read(arrival).lines }).toEqual({ arrival: arrival.name, lines });
  });

  it('are handed on as valid UTF-8 with an LF, whatever came', () => {
    const bytes = Buffer.concat([Buffer.from('{"a":"é"}\r\n\r\n{"b":"'), hex('ff'), Buffer.from('"}\n{"c":1}')]);
    for (const arrival of everySplit(bytes))
      expect(read(arrival).bytes).toEqual(['{"a":"é"}\n', '{"b":"\ufffd"}\n', '{"c":1}\n'].map(latin1));
  });
});

describe('the lane', () => {
  const lane: Lane = { before: latin1('{"m":"é","t":"'), after: '"}\n' };
  const lineOf = (text: string): string => `${JSON.stringify({ m: 'é', t: text })}\n`;
  const stream = Buffer.from(
    [lineOf('a'), lineOf('say "x" \\'), '{"m":"é","t":"b","u":1}\n', '\n', lineOf('日本'), '{"done":true}\n'].join(''),
  );

  it('takes lines of the shape and only those', () => {
    const { laneTexts, lines } = read({ chunks: [stream], lane });
    expect(laneTexts).toEqual(['a', 'say \\"x\\" \\\\', latin1('日本')]);
    expect(lines).toEqual(['{"m":"é","t":"b","u":1}', '{"done":true}']);
  });

  it('passes the bytes of every line on, at every split, whichever way a line takes', () => {
    const expected = stream.toString('latin1').replace('\n\n', '\n');
    for (const { chunks } of everySplit(stream)) {
      expect(read({ chunks, lane }).bytes.join('')).toBe(expected);
      expect(read({ chunks, lane, takes: false }).bytes.join('')).toBe(expected);
    }
  });

  it('is left where a line is too large, and where its end is a CRLF', () => {
    expect(() => read({ chunks: [Buffer.from(lineOf('x'.repeat(100)))], lane, maxFrameBytes: 64 })).toThrow(
      expect.objectContaining({ code: 'FRAME_TOO_LARGE' }),
    );
    const { laneTexts, lines } = read({ chunks: [Buffer.from(lineOf('a').replace('\n', '\r\n'))], lane });
    expect({ laneTexts, lines }).toEqual({ laneTexts: [], lines: ['{"m":"é","t":"a"}'] });
  });

  it('gives the same lines, in the same order, as no lane, in any pieces', () => {
    const text = fc.string({
      unit: fc.constantFrom('a', '"', '\\', '{', '}', ':', ',', 't', '\n', 'é', '日', '😀', '\0'),
    });
    const line = fc.oneof(
      text.map(lineOf),
      text.map((value) => `${JSON.stringify({ m: 'é', t: value, u: value })}\n`),
      text.map((value) => lineOf(value).replace('\n', '\r\n')),
      fc.constantFrom('\n', '\r\n', '{"m":"é","t":"broken\n', '{"m":"é","t":"a"}{"m":"é","t":"b"}\n'),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), fc.array(fc.integer({ min: 1, max: 40 })), (lines, cuts) => {
        const bytes = Buffer.from(lines.join(''));
        const chunks: Buffer[] = [];
        for (let at = 0, index = 0; at < bytes.length; index += 1) {
          const size = cuts[index % Math.max(1, cuts.length)] ?? bytes.length;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const whole = read({ chunks: [bytes] }).bytes;
        expect(read({ chunks }).bytes).toEqual(whole);
        expect(read({ chunks, lane }).bytes.join('')).toBe(whole.join(''));
      }),
    );
  });
});

describe('bounds', () => {
  const tooLarge = expect.objectContaining({ code: 'FRAME_TOO_LARGE' });

  it('gives up a line that is larger than allowed, before its end has come', () => {
    const pieces = Array.from({ length: 100 }, () => Buffer.from('x'.repeat(50)));
    expect(() => read({ chunks: pieces, maxFrameBytes: 4_096 })).toThrow(tooLarge);
    expect(() => read({ chunks: [Buffer.from(`${'x'.repeat(5_000)}\n`)], maxFrameBytes: 4_096 })).toThrow(tooLarge);
    expect(() => read({ chunks: [Buffer.from(`${' '.repeat(5_000)}\n`)], maxFrameBytes: 4_096 })).toThrow(tooLarge);
  });

  it('draws the line at the same byte, however the bytes arrive', () => {
    const [fits, over] = [`"${'x'.repeat(6)}"\r\n`, `"${'x'.repeat(7)}"\r\n`].map((text) => Buffer.from(text));
    for (const { chunks } of everySplit(fits ?? Buffer.alloc(0)))
      expect(read({ chunks, maxFrameBytes: 8 }).lines).toEqual(['"xxxxxx"']);
    for (const { chunks } of everySplit(over ?? Buffer.alloc(0)))
      expect(() => read({ chunks, maxFrameBytes: 8 })).toThrow(tooLarge);
  });

  it('keeps apart what many lines add up to', () => {
    const chunks = Array.from({ length: 2_000 }, () => Buffer.from('{"a":1}\n\n{"b"'));
    expect(() => read({ chunks: [Buffer.from(':1}\n'), ...chunks], maxFrameBytes: 32 })).not.toThrow();
  });

  it('joins a line of ten million bytes from small pieces in one pass', () => {
    const piece = Buffer.from('x'.repeat(16_384));
    const chunks = [Buffer.from('"'), ...Array.from({ length: 640 }, () => piece), Buffer.from('"\n')];
    expect(read({ chunks, maxFrameBytes: 16_777_216 }).lines[0]).toHaveLength(640 * 16_384 + 2);
  });
});
