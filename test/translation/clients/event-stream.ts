import { createParser } from 'eventsource-parser';
import { demand } from './strict.ts';

export interface Frame {
  /** `message` where the frame names none. */
  readonly event: string;
  readonly data: string;
}

/** The frames of an event stream; a frame that no blank line ends, or bytes that are no UTF-8, are a violation. */
export function framesOf(bytes: Buffer): readonly Frame[] {
  const words = utf8(bytes);
  const frames: Frame[] = [];
  const parser = createParser({
    onEvent: ({ event, data }) => frames.push({ event: event ?? 'message', data }),
    onError: (error) => demand(false, error.message),
  });
  parser.feed(words);
  demand(words === '' || /\n\r?\n$/.test(words), `the last frame is not ended: ${words.slice(-120)}`);
  return frames;
}

export function utf8(bytes: Buffer): string {
  const words = bytes.toString('utf8');
  demand(Buffer.from(words).equals(bytes), 'the bytes are no UTF-8');
  return words;
}
