import type { SluiceError } from './errors.ts';

/** What a run needs to know of the client's connection. */
export interface ClientListener {
  /** The client reads again after `write` had returned false. */
  onDrain(): void;
  /** The connection ended before the answer did: FIN, reset or destroy. */
  onGone(): void;
}

/** The way to one client. The head leaves with the first frames, so that a failure before has its true status. */
export interface ClientAnswer {
  /** Asked once, when the head leaves. */
  setHeaders(read: () => Readonly<Record<string, string>>): void;
  listen(listener: ClientListener): void;
  /** Frames that go first on the stream; they leave with the head. */
  open(frames: string): void;
  /** Sends frames (latin1), with the head if that has not left yet. False asks for a pause until `onDrain`. */
  write(frames: string): boolean;
  /** Sends the last frames, terminator included, and ends the stream. */
  end(frames: string): void;
  /** Ends with one JSON document. */
  endWithJson(body: string): void;
  /** Ends with the error: as a status with a body before the head has left, else with `frame` and nothing after it. */
  fail(error: SluiceError, frame: string): void;
  /** After one of the three: calls back when the system has taken every byte or the connection is gone, maybe at once. */
  whenSent(callback: () => void): void;
  /** Cuts the connection, whatever waits to be sent. */
  drop(): void;
  readonly headCommitted: boolean;
  /** Monotonic milliseconds of the last write, for the heartbeat. */
  readonly lastWrite: number;
  /** Monotonic milliseconds since when the client does not read, also after the end, or undefined. */
  readonly stalledSince: number | undefined;
}
