import type { FrameSink } from '../kernel/frame-sink.ts';
import { NdjsonFraming } from './ndjson-framing.ts';
import { SseFraming } from './sse-framing.ts';

/** Cuts the bytes of one streamed answer into frames. */
export interface Framing {
  /** Takes the next bytes, as latin1. Throws FRAME_TOO_LARGE, UPSTREAM_BAD_FRAME, and whatever the sink throws. */
  push(chunk: string): void;
  /** The connection ended cleanly. Passes on what is complete without its end mark; what is not complete is dropped. */
  end(): void;
}

type CreateFraming = (sink: FrameSink, maxFrameBytes: number) => Framing;

const framings: ReadonlyMap<string, CreateFraming> = new Map<string, CreateFraming>([
  ['text/event-stream', (sink, limit) => new SseFraming(sink, limit)],
  ['application/x-ndjson', (sink, limit) => new NdjsonFraming(sink, limit)],
]);

/** The framing of a stream of this media type, or undefined where it is no stream that anybody here reads. */
export function framingOf(mediaType: string | undefined): CreateFraming | undefined {
  return mediaType === undefined ? undefined : framings.get(mediaType);
}
