/** Cuts the bytes of one streamed answer into frames. */
export interface Framing {
  /** Takes the next bytes, as latin1. Throws FRAME_TOO_LARGE, UPSTREAM_BAD_FRAME, and whatever the sink throws. */
  push(chunk: string): void;
  /** The connection ended cleanly. Passes on what is complete without its end mark; what is not complete is dropped. */
  end(): void;
}
