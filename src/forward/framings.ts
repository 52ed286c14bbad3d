import type { FrameSink } from '../kernel/frame-sink.ts';
import { AwsEventStreamFraming } from './aws-event-stream-framing.ts';
import type { Framing } from './framing.ts';
import { NdjsonFraming } from './ndjson-framing.ts';
import { SseFraming } from './sse-framing.ts';

type CreateFraming = (sink: FrameSink, maxFrameBytes: number) => Framing;

const framings: ReadonlyMap<string, CreateFraming> = new Map<string, CreateFraming>([
  ['text/event-stream', (sink, limit) => new SseFraming(sink, limit)],
  ['application/x-ndjson', (sink, limit) => new NdjsonFraming(sink, limit)],
  ['application/vnd.amazon.eventstream', (sink, limit) => new AwsEventStreamFraming(sink, limit)],
]);

/** The framing of a stream of this media type, or undefined where it is no stream that anybody here reads. */
export function framingOf(mediaType: string | undefined): CreateFraming | undefined {
  return mediaType === undefined ? undefined : framings.get(mediaType);
}
