import { readSse, type ReadStream } from './sse-reader.ts';

type Json = Readonly<Record<string, unknown>>;

/** A stream of the native dialect as a client sees it. */
export interface NativeReading extends ReadStream {
  /** The payloads, in order. */
  readonly events: readonly Json[];
  /** All `text.delta` joined, reasoning included. */
  readonly text: string;
  readonly types: readonly string[];
  /** The `error` event. */
  readonly error: Json | undefined;
  /** Outcome of `stream.end`, in the words of the event; undefined when it never came. */
  readonly outcome: string | undefined;
  /** Frames and comments behind the first `stream.end`; 0 is right. */
  readonly afterTerminal: number;
  /** Data that is no JSON object with a type. */
  readonly malformed: readonly string[];
}

export function readNativeStream(bytes: Uint8Array): NativeReading {
  const stream = readSse(bytes);
  const read = stream.frames.map(({ data }) => ({ data, event: eventOf(data) }));
  const events = read.flatMap(({ event }) => (event === undefined ? [] : [event]));
  const outcome = events.find((event) => event['type'] === 'stream.end')?.['outcome'];
  return {
    ...stream,
    events,
    types: events.map((event) => String(event['type'])),
    text: events.map((event) => (event['type'] === 'text.delta' ? textOf(event['text']) : '')).join(''),
    error: events.find((event) => event['type'] === 'error'),
    outcome: outcome === undefined ? undefined : textOf(outcome),
    afterTerminal:
      outcome === undefined ? 0 : stream.after(read.findIndex(({ event }) => event?.['type'] === 'stream.end')),
    malformed: read.filter(({ event }) => event === undefined).map(({ data }) => data),
  };
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

function eventOf(data: string): Json | undefined {
  try {
    const value = JSON.parse(data) as unknown;
    return typeof value === 'object' && value !== null && 'type' in value ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}
