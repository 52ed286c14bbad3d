import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { EventStreamCodec } from '@smithy/eventstream-codec';

const folder = new URL('../../../shared/fixtures/bedrock-converse/', import.meta.url);
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes as Uint8Array).toString('utf8'),
  (text) => Buffer.from(text),
);

/** False where the recorded streams are not beside the project; tests then say so and skip. */
export const hasConverseStreams = existsSync(folder);

export interface ConverseFrame {
  readonly event: string;
  readonly data: string;
}

/** One binary message, with string headers. */
export function encodeMessage(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const typed = Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, { type: 'string' as const, value }]),
  );
  return Buffer.from(codec.encode({ headers: typed, body: Buffer.from(payload) }));
}

/** An event of the Converse API. */
export function encodeEvent(event: string, payload: object): Buffer {
  const headers = { ':event-type': event, ':content-type': 'application/json', ':message-type': 'event' };
  return encodeMessage(headers, JSON.stringify(payload));
}

export function encodeException(type: string, payload: object): Buffer {
  const headers = { ':exception-type': type, ':content-type': 'application/json', ':message-type': 'exception' };
  return encodeMessage(headers, JSON.stringify(payload));
}

/** Recorded files whose name ends so, with their bytes. */
export function converseFiles(ending: string): readonly { readonly name: string; readonly bytes: Buffer }[] {
  if (!hasConverseStreams) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(ending))
    .map((name) => ({ name, bytes: readFileSync(new URL(name, folder)) }));
}

/** The messages of a binary stream, cut by their lengths. Reads no checksum: that is what is tested. */
export function readMessages(bytes: Buffer): readonly ConverseFrame[] {
  const frames: ConverseFrame[] = [];
  for (let at = 0; at < bytes.length; at += bytes.readUInt32BE(at)) {
    const headerEnd = at + 12 + bytes.readUInt32BE(at + 4);
    const names = bytes.subarray(at + 12, headerEnd).toString('latin1');
    const event = /:event-type\x07..(\w+)/s.exec(names)?.[1] ?? '';
    frames.push({ event, data: bytes.subarray(headerEnd, at + bytes.readUInt32BE(at) - 4).toString('utf8') });
  }
  return frames;
}

/** All recorded streams as frames: binary ones, and those that hold one event as JSON per line. */
export function recordedConverseStreams(): readonly {
  readonly name: string;
  readonly frames: readonly ConverseFrame[];
}[] {
  const binary = converseFiles('.eventstream.bin').map(({ name, bytes }) => ({ name, frames: readMessages(bytes) }));
  const lines = converseFiles('.chunks.txt').map(({ name, bytes }) => ({
    name,
    frames: bytes
      .toString('utf8')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .flatMap(frameOfLine),
  }));
  return [...binary, ...lines];
}

function frameOfLine(line: string): ConverseFrame[] {
  const events = Object.entries(JSON.parse(line) as Record<string, unknown>);
  return events.map(([event, payload]) => ({ event, data: JSON.stringify(payload) }));
}
