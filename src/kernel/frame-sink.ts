const filler = /^[\w-]{0,128}$/;
const blanks = /^ {0,128}$/;

/** True for what a provider pads frames with: letters and digits, no words that somebody could read. */
export function isFiller(text: string): boolean {
  return filler.test(text);
}

/** True for the padding before `tail`: a filler inside of a string, blanks between the parts of a document. */
export function isPadding(text: string, tail: string): boolean {
  return tail.startsWith('"') ? isFiller(text) : blanks.test(text);
}

/**
 * The shape that frames of plain text currently have, in latin1 of UTF-8. `after` begins with the closing quote of the
 * text; with a `tail`, padding (`isPadding`) stands between the two.
 */
export interface Lane {
  readonly before: string;
  readonly after: string;
  readonly tail?: string | undefined;
}

/** Takes the frames of one streamed answer, in order. */
export interface FrameSink {
  /** While set, frames of exactly this shape are offered to `textFrame`. Read before every frame. */
  readonly lane: Lane | undefined;
  /**
   * A complete frame that took the slow way. `data` is text; `bytes` is the frame as latin1 of its bytes, ready to go
   * out again: line ends are LF, comments, ids and retry lines are gone.
   */
  frame(event: string, data: string, bytes: string): void;
  /**
   * A frame of the lane's shape: `source.slice(start, end)` is the frame and `source.slice(textStart, textEnd)` the
   * JSON-escaped text in it. `plain` promises printable ASCII without escapes. False sends it the slow way.
   */
  textFrame(source: string, start: number, textStart: number, textEnd: number, end: number, plain: boolean): boolean;
}
