import type { FrameSink } from './frame-sink.ts';
import type { SluiceError } from './errors.ts';
import type { Run } from './run.ts';
import type { Transport, UpstreamHead, UpstreamRequest } from './upstream.ts';

/** Limits on one attempt, in milliseconds. Each has its own error code. */
export interface AttemptTimeouts {
  /** Until the connection stands, with TLS. */
  readonly connect: number;
  /** From the request to the head of the answer. */
  readonly headers: number;
  /** From the request to the first content. */
  readonly firstToken: number;
  /** Between any two pieces of bytes, pings included. */
  readonly idle: number;
  /** Between two pieces of content. */
  readonly progress: number;
  /** The whole attempt. */
  readonly total: number;
}

/** Takes one answer of a provider. After `onComplete` or `onError` nothing more is called. */
export interface AnswerReceiver {
  readonly frames: FrameSink;
  /** The provider said it is done: the rest of the connection is of no interest. */
  readonly terminated: boolean;
  /** Rises with every piece of content. */
  readonly progress: number;
  /** The provider accepted the request: its answer follows. */
  onAccepted(head: UpstreamHead): void;
  /** One read has passed: write what it made. */
  onReadEnd(): void;
  /** The answer came as one JSON document. */
  onBody(body: string): void;
  /** The provider answered with a status of 400 or more. */
  onRejected(head: UpstreamHead, body: string): void;
  /** The streamed answer ended, by its terminator or by a clean end of the connection. */
  onComplete(): void;
  onError(error: SluiceError): void;
}

export interface ForwardOptions {
  readonly transport: Transport;
  readonly request: UpstreamRequest;
  readonly timeouts: AttemptTimeouts;
  readonly maxFrameBytes: number;
  readonly maxAnswerBytes: number;
  readonly receiver: AnswerReceiver;
  readonly run: Run;
}

export interface ForwardCall {
  /** Stops reading from the provider; its idle timers stand still meanwhile. */
  pause(): void;
  resume(): void;
  /** Closes the connection at once; nothing is called back. */
  abort(): void;
}

/** What a transport is made from: the network profile of a backend, or a script in place of a network. */
export interface TransportOptions {
  readonly profile: 'public' | 'private';
  readonly connectTimeout: number;
  readonly script?: unknown;
}

/** The only way out. Implemented by the forward folder, given to compile as a capability of the process. */
export interface Forwarder {
  createTransport(options: TransportOptions): Transport;
  send(options: ForwardOptions): ForwardCall;
}
