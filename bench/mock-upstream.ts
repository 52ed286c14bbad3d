import { createServer, type AddressInfo, type Socket } from 'node:net';
import { pathToFileURL } from 'node:url';
import { dialects } from './dialects.ts';
import { EventWheel, type WheelEntry } from './event-wheel.ts';
import { burstEvents, burstWriteCount, jsonBody, loneIntervalMilliseconds, streamFrames } from './mock-answers.ts';
import { messageFrames } from './mock-messages.ts';
import { RequestReader } from './request-reader.ts';

/*
 * The provider of the bench: a raw TCP server that writes prepared bytes and parses no more than it must. The first
 * part of the path chooses the answer, /json, /single, /burst, /padded, /lone-<events> or /idle; the end of the path its
 * format, and only the burst comes in Anthropic's. Started by run.ts with an IPC channel, on which it sends its port; it
 * ends when the channel closes.
 */

const maxLoneEvents = 1_000;
const streamHead =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n';
const lastChunk = '0\r\n\r\n';
const doneFrame = dialects.openai.terminator;

function httpChunk(text: string): string {
  return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function wholeStream(events: number): Buffer {
  return Buffer.from(`${streamHead}${streamFrames(events).map(httpChunk).join('')}${httpChunk(doneFrame)}${lastChunk}`);
}

/** The writes of a burst: like a provider that sends what has come together since its last write. */
function burstWrites(frames: readonly string[], terminator: string): Buffer[] {
  const chunks = frames.map(httpChunk);
  chunks[0] = `${streamHead}${chunks[0]}`;
  chunks.push(`${httpChunk(terminator)}${lastChunk}`);
  const perWrite = Math.ceil(chunks.length / burstWriteCount);
  return Array.from({ length: burstWriteCount }, (_, index) =>
    Buffer.from(chunks.slice(index * perWrite, (index + 1) * perWrite).join('')),
  );
}

function writeAll(socket: Socket, writes: readonly Buffer[]): void {
  for (const bytes of writes) socket.write(bytes);
}

const jsonBytes = Buffer.byteLength(jsonBody);
const jsonHead = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${jsonBytes}\r\n\r\n`;
const jsonAnswer = Buffer.from(jsonHead + jsonBody);
/** Role, one text delta, finish reason, usage. */
const singleAnswer = wholeStream(4);
const burstAnswer = burstWrites(streamFrames(burstEvents), doneFrame);
const paddedAnswer = burstWrites(streamFrames(burstEvents, true), doneFrame);
const messagesBurstAnswer = burstWrites(messageFrames(burstEvents), dialects.anthropic.terminator);
const idleAnswer = Buffer.from(`${streamHead}${streamFrames(burstEvents).slice(0, 2).map(httpChunk).join('')}`);
const notFound = Buffer.from('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');

/** The writes of a paced stream: the head with the role, then one event each; the usage takes the terminator along. */
function loneWrites(events: number): Buffer[] {
  const frames = streamFrames(events).map(httpChunk);
  const last = frames.pop() ?? '';
  const first = frames.shift() ?? '';
  return [`${streamHead}${first}`, ...frames, `${last}${httpChunk(doneFrame)}${lastChunk}`].map((text) =>
    Buffer.from(text),
  );
}

const loneWritesByLength = new Map<number, Buffer[]>();

function preparedLoneWrites(events: number): Buffer[] {
  const known = loneWritesByLength.get(events);
  if (known !== undefined) return known;
  const writes = loneWrites(events);
  loneWritesByLength.set(events, writes);
  return writes;
}

const wheel = new EventWheel(loneIntervalMilliseconds);

function startLoneStream(socket: Socket, events: number): void {
  const writes = preparedLoneWrites(events);
  let next = 0;
  const entry: WheelEntry = {
    tick() {
      const bytes = writes[next++];
      if (bytes === undefined || socket.destroyed) return false;
      socket.write(bytes);
      return next < writes.length;
    },
  };
  entry.tick();
  wheel.add(entry);
}

function answer(socket: Socket, path: string): void {
  const mode = path.slice(1, path.indexOf('/', 1));
  if (path.endsWith(dialects.anthropic.resource)) answerMessages(socket, mode);
  else answerChat(socket, mode);
}

function answerMessages(socket: Socket, mode: string): void {
  if (mode === 'burst') writeAll(socket, messagesBurstAnswer);
  else socket.write(notFound);
}

function answerChat(socket: Socket, mode: string): void {
  if (mode === 'json') socket.write(jsonAnswer);
  else if (mode === 'burst') writeAll(socket, burstAnswer);
  else if (mode === 'padded') writeAll(socket, paddedAnswer);
  else if (mode === 'single') socket.write(singleAnswer);
  else if (mode === 'idle') socket.write(idleAnswer);
  else if (/^lone-\d{1,4}$/.test(mode)) startLoneStream(socket, Math.min(Number(mode.slice(5)), maxLoneEvents));
  else socket.write(notFound);
}

function serve(socket: Socket): void {
  const reader = new RequestReader((path) => answer(socket, path));
  socket.on('data', (bytes: Buffer) => {
    try {
      reader.read(bytes);
    } catch {
      socket.destroy();
    }
  });
  socket.on('error', () => socket.destroy());
}

export function startMockUpstream(onListening: (port: number) => void): void {
  const server = createServer({ noDelay: true }, serve);
  server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, () =>
    onListening((server.address() as AddressInfo).port),
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  process.on('disconnect', () => process.exit(0));
  startMockUpstream((port) => process.send?.({ port }));
}
