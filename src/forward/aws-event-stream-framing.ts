import { EventStreamCodec, type MessageHeaders } from '@smithy/eventstream-codec';
import { SluiceError } from '../kernel/errors.ts';
import type { FrameSink } from '../kernel/frame-sink.ts';
import { badFrame } from '../kernel/dialects/provider-document.ts';

/** Total length and length of the headers, each 32 bits, then their checksum. */
const preludeBytes = 12;
/** A message without headers and payload: the prelude and the checksum of the whole. */
const minMessageBytes = 16;
/** The format allows no more. */
const maxHeaderBytes = 131_072;

const codec = new EventStreamCodec(
  (bytes) => (typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('utf8')),
  (text) => Buffer.from(text),
);

/**
 * Cuts the binary messages of `application/vnd.amazon.eventstream`. The name of a frame is the type of an event, or
 * `exception:` and its type, or `error:` and its code; the data is the payload, for an error a document with its message.
 * Nothing of the bytes is handed on, because no client speaks this format: `bytes` is empty.
 *
 * A message that claims to be larger than the limit is refused before anything of it is kept. Both checksums are verified
 * by the codec; a message that fails them, or that is none, is UPSTREAM_BAD_FRAME.
 */
export class AwsEventStreamFraming {
  readonly #sink: FrameSink;
  readonly #maxFrameBytes: number;
  /** Pieces of an unfinished message: joined only when enough is there, else a long message costs its square. */
  #unfinished: string[] = [];
  #unfinishedBytes = 0;
  #needed = preludeBytes;

  constructor(sink: FrameSink, maxFrameBytes: number) {
    this.#sink = sink;
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Takes the next bytes, as latin1. Throws FRAME_TOO_LARGE, UPSTREAM_BAD_FRAME, and whatever the sink throws. */
  push(chunk: string): void {
    if (this.#unfinishedBytes + chunk.length < this.#needed) {
      this.#keep(chunk);
      return;
    }
    const text = this.#unfinished.length === 0 ? chunk : this.#unfinished.join('') + chunk;
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
    this.#needed = preludeBytes;
    let position = 0;
    while (text.length - position >= preludeBytes) {
      const length = this.#readLength(text, position);
      if (text.length - position < length) {
        this.#needed = length;
        break;
      }
      this.#pass(text.slice(position, position + length));
      position += length;
    }
    this.#keep(text.slice(position));
  }

  /** What is not whole is dropped: its reader finds out that the answer is not complete. */
  end(): void {
    this.#unfinished = [];
    this.#unfinishedBytes = 0;
  }

  #keep(text: string): void {
    if (text === '') return;
    this.#unfinished.push(text);
    this.#unfinishedBytes += text.length;
  }

  #readLength(text: string, position: number): number {
    const length = readUint32(text, position);
    const headerLength = readUint32(text, position + 4);
    if (length < minMessageBytes || headerLength > maxHeaderBytes || headerLength > length - minMessageBytes)
      throw badFrame('the lengths of a binary message are impossible');
    if (length > this.#maxFrameBytes)
      throw new SluiceError('FRAME_TOO_LARGE', { details: { limit: this.#maxFrameBytes } });
    return length;
  }

  #pass(message: string): void {
    const { headers, body } = decode(message);
    const payload = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8');
    const type = textOf(headers, ':message-type');
    switch (type) {
      case 'event':
        this.#sink.frame(textOf(headers, ':event-type'), payload, '');
        return;
      case 'exception':
        this.#sink.frame(`exception:${textOf(headers, ':exception-type')}`, payload, '');
        return;
      case 'error':
        this.#sink.frame(
          `error:${textOf(headers, ':error-code')}`,
          JSON.stringify({ message: textOf(headers, ':error-message') }),
          '',
        );
        return;
      default:
        throw badFrame('a binary message is neither an event nor an error');
    }
  }
}

/** The codec reads by the lengths in the headers, so the message lies in memory of its own: nothing else can be reached. */
function decode(message: string): { readonly headers: MessageHeaders; readonly body: Uint8Array } {
  const bytes = Buffer.alloc(message.length);
  bytes.write(message, 'latin1');
  try {
    return codec.decode(bytes);
  } catch {
    throw badFrame('a binary message is broken');
  }
}

function textOf(headers: MessageHeaders, name: string): string {
  const header = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return header?.type === 'string' ? header.value : '';
}

function readUint32(text: string, position: number): number {
  return (
    text.charCodeAt(position) * 0x1000000 +
    (text.charCodeAt(position + 1) << 16) +
    (text.charCodeAt(position + 2) << 8) +
    text.charCodeAt(position + 3)
  );
}
