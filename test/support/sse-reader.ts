import { createParser } from 'eventsource-parser';

export interface ReadFrame {
  /** `message` where the frame names none. */
  readonly event: string;
  readonly data: string;
  readonly id: string | undefined;
}

/** What a client got, cut into frames by a parser that is not ours. */
export interface ReadStream {
  readonly frames: readonly ReadFrame[];
  readonly comments: readonly string[];
  /** What stands behind the last blank line: a frame that was cut off. */
  readonly tail: string;
  /** False when the bytes are not UTF-8. A character that is cut off at the very end counts too. */
  readonly validUtf8: boolean;
  /** Frames and comments that came after frame `index`. */
  after(index: number): number;
}

/** Reads the bytes of an event stream. */
export function readSse(bytes: Uint8Array): ReadStream {
  const text = Buffer.from(bytes).toString('utf8');
  const frames: ReadFrame[] = [];
  const comments: string[] = [];
  const arrivals: ('frame' | 'comment')[] = [];
  const parser = createParser({
    onEvent: ({ event, data, id }) => {
      frames.push({ event: event ?? 'message', data, id });
      arrivals.push('frame');
    },
    onComment: (comment) => {
      comments.push(comment);
      arrivals.push('comment');
    },
  });
  parser.feed(text);
  return {
    frames,
    comments,
    tail: text.slice(lastBlankLine(text)),
    validUtf8: isUtf8(bytes),
    after(index) {
      const place = arrivals.flatMap((kind, at) => (kind === 'frame' ? [at] : []))[index];
      return place === undefined ? 0 : arrivals.length - place - 1;
    },
  };
}

function lastBlankLine(text: string): number {
  let end = 0;
  for (const match of text.matchAll(/(?:\r\n|\n|\r(?!\n)){2}/g)) end = match.index + match[0].length;
  return end;
}

function isUtf8(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}
