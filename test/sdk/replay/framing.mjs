import { createRequire } from 'node:module';
import { join } from 'node:path';
import { projectFolder } from '../product.mjs';

const { EventStreamCodec } = createRequire(join(projectFolder, 'package.json'))('@smithy/eventstream-codec');
const codec = new EventStreamCodec(
  (bytes) => Buffer.from(bytes).toString('utf8'),
  (text) => Buffer.from(text, 'utf8'),
);

/** The bytes of a recording as its provider sends them. Lines of payloads get back the frames that they stood in. */
export function wireBytes({ framing, backend, read, wire }) {
  if (wire !== undefined) return wire;
  const bytes = read();
  if (framing !== 'chunks') return { bytes };
  const lines = bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '');
  if (backend.type === 'bedrock-converse')
    return { bytes: Buffer.concat(lines.map(awsMessage)), contentType: 'application/vnd.amazon.eventstream' };
  return { bytes: Buffer.from(lines.map((line) => sseEvent(line, backend.type)).join('') + endOf(backend.type)) };
}

const named = new Set(['anthropic-messages', 'openai-responses', 'cohere']);

function sseEvent(line, type) {
  const name = named.has(type) ? typeOf(line) : undefined;
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${line}\n\n`;
}

/** One recording has lines that are no JSON; they keep their name all the same. */
function typeOf(line) {
  try {
    return JSON.parse(line).type;
  } catch {
    return /^\{"type":"([^"]+)"/.exec(line)?.[1];
  }
}

function endOf(type) {
  return type === 'openai-chat' || type === 'cohere' ? 'data: [DONE]\n\n' : '';
}

function awsMessage(line) {
  const [[name, payload]] = Object.entries(JSON.parse(line));
  const value = (text) => ({ type: 'string', value: text });
  return codec.encode({
    headers: {
      ':event-type': value(name),
      ':content-type': value('application/json'),
      ':message-type': value('event'),
    },
    body: Buffer.from(JSON.stringify(payload)),
  });
}

/** The events of server-sent bytes: `{ event, data }`, data joined by line ends. What no blank line ends is not there. */
export function sseEvents(bytes) {
  const events = [];
  let event = '';
  let data = [];
  for (const line of bytes
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\n|\r/)) {
    if (line === '') {
      if (data.length > 0) events.push({ event, data: data.join('\n') });
      event = '';
      data = [];
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === 'event') event = value;
    if (field === 'data') data.push(value);
  }
  return events;
}

/** The messages of an AWS event stream: `{ kind: 'event' | 'exception', name, payload }`. */
export function awsEvents(bytes) {
  const events = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at);
    const { headers, body } = codec.decode(bytes.subarray(at, at + length));
    const kind = headers[':message-type'].value;
    const name = (headers[':event-type'] ?? headers[':exception-type'] ?? headers[':error-code']).value;
    events.push({ kind, name, payload: JSON.parse(Buffer.from(body).toString('utf8') || '{}') });
    at += length;
  }
  return events;
}

/** The documents of lines of JSON. */
export function jsonLines(bytes) {
  return bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}
