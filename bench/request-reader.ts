/** A request head longer than this closes the connection. */
const maxHeadBytes = 16_384;

/**
 * Reads HTTP/1.1 requests with a content-length from one keep-alive connection and forgets their bodies. Calls back
 * with the path and the head of each complete request. No pipelining: the client waits for its answer.
 */
export class RequestReader {
  readonly #onRequest: (path: string) => void;
  #head = '';
  #path = '';
  #bodyLeft = -1;

  constructor(onRequest: (path: string) => void) {
    this.#onRequest = onRequest;
  }

  /** Throws where the bytes are no such request. */
  read(bytes: Buffer): void {
    let rest = bytes.length;
    if (this.#bodyLeft < 0) rest = this.#readHead(bytes);
    if (rest < 0) return;
    this.#bodyLeft -= rest;
    if (this.#bodyLeft > 0) return;
    this.#bodyLeft = -1;
    this.#onRequest(this.#path);
  }

  /** The number of body bytes behind the head, or -1 while the head is not complete. */
  #readHead(bytes: Buffer): number {
    const text = this.#head + bytes.toString('latin1', 0, bytes.length);
    const end = text.indexOf('\r\n\r\n');
    if (end < 0) {
      if (text.length > maxHeadBytes) throw new Error('the request head is too long');
      this.#head = text;
      return -1;
    }
    const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end));
    if (length === null) throw new Error('the request has no content-length');
    this.#path = text.slice(text.indexOf(' ') + 1, text.indexOf(' HTTP/'));
    this.#bodyLeft = Number(length[1]);
    this.#head = '';
    return text.length - end - 4;
  }
}
