import { sseFrame } from './openai-stream.ts';

/*
 * What an upstream does, as plain data: a table of faults is a table of these. Everything in it survives
 * JSON.parse(JSON.stringify(x)).
 */

/** What to write. `sse` is the data of one frame, or of several: text as it is, anything else as JSON. */
export type Payload =
  | { readonly text: string }
  | { readonly base64: string }
  | { readonly sse: unknown }
  | { readonly repeat: string; readonly times: number };

/** How the end of the body is told. `close`: neither length nor chunks, the body lasts until FIN. */
export type BodyFraming = 'chunked' | 'length' | 'close';

/** The head of the answer. Comes first; without a later `end` step the answer is completed after the last step. */
export interface HeadStep {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  /** Default `chunked`. */
  readonly framing?: BodyFraming;
  /** With framing `length`: the length to announce, if not the true one. */
  readonly length?: number;
  /** The body is compressed, each write flushed, and announced as gzip. */
  readonly gzip?: boolean;
}

export type WriteStep = {
  readonly write: Payload & {
    /** Bytes per packet: the bytes on the wire, chunk sizes included, leave in pieces of this size, one a turn. */
    readonly slice?: number;
    /** Bytes per HTTP chunk; default is one chunk per write. */
    readonly chunk?: number;
    /** The chunk's size line announces this many bytes, and nothing follows the payload: the chunk stays open. */
    readonly announce?: number;
    /** Straight to the socket, outside of any framing. */
    readonly raw?: boolean;
    /** Waits for the gate first. */
    readonly gate?: string;
  };
};

/** Waits for a gate (text) or for milliseconds on the test's clock (number). */
export interface WaitStep {
  readonly wait: string | number;
}

/** Writes the payload again and again until the connection is closed, as fast as the other side reads. */
export interface ForeverStep {
  readonly forever: Payload;
  /** Milliseconds on the test's clock between two writes. */
  readonly every?: number;
}

/** A head with so many bytes of headers. Comes in place of a head. */
export interface HeaderOverflowStep {
  readonly headerOverflow: number;
}

/**
 * - `end`: completes the body; the connection stays open for the next request.
 * - `fin`: closes in good order (behind `end`: close after the answer; without it: a cut).
 * - `rst`: lets the other side read what was written, then resets.
 * - `destroy`: drops the connection as a dying process does.
 * - `stall`: does nothing more until the other side leaves.
 * - `not-http`: greets in another protocol.
 */
export type PlainStep = 'end' | 'fin' | 'rst' | 'destroy' | 'stall' | 'not-http';

export type Step = HeadStep | WriteStep | WaitStep | ForeverStep | HeaderOverflowStep | PlainStep;

/** `valid` is signed by the upstream's own authority, for one who trusts it; the others fail. */
export type TlsMode = 'valid' | 'expired' | 'wrong-name' | 'untrusted' | 'handshake-stall';

export interface Scenario {
  readonly steps: readonly Step[];
  /** Speaks TLS. Belongs to the whole server, so all scenarios of one must agree; the first that says it decides. */
  readonly tls?: TlsMode;
  /**
   * When it is played: for a whole request (default), as soon as the head of one has come, or as soon as the connection
   * is accepted. A list of scenarios is used up in order, by connections and requests alike.
   */
  readonly on?: 'request' | 'head' | 'accept';
}

/** A scenario, or just its steps. */
export type ScenarioLike = Scenario | readonly Step[];

export function scenarioOf(like: ScenarioLike): Scenario {
  return 'steps' in like ? like : { steps: like };
}

export function payloadBytes(payload: Payload): Buffer {
  if ('text' in payload) return Buffer.from(payload.text);
  if ('base64' in payload) return Buffer.from(payload.base64, 'base64');
  if ('repeat' in payload) return Buffer.from(payload.repeat.repeat(payload.times));
  const frames = Array.isArray(payload.sse) ? payload.sse : [payload.sse];
  return Buffer.from(frames.map((frame) => sseFrame(frame)).join(''));
}

const eventStream = { 'content-type': 'text/event-stream; charset=utf-8' };

/** An event stream: the head, one write per frame, then `steps` in place of a good end. */
export function streaming(frames: readonly string[], steps: readonly Step[] = ['end']): readonly Step[] {
  return [{ status: 200, headers: eventStream }, ...frames.map((text): Step => ({ write: { text } })), ...steps];
}

/** An answer in one JSON document, with its true length. */
export function answering(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): readonly Step[] {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return [
    { status, headers: { 'content-type': 'application/json', ...headers }, framing: 'length' },
    { write: { text } },
    'end',
  ];
}
