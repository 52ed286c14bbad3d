import { readFileSync } from 'node:fs';

export interface SseCaseEvent {
  /** `message` where the input names none. */
  readonly event: string;
  readonly data: string;
  readonly lastEventId: string;
}

/** One row of the conformance table: bytes in, events out. */
export interface SseCase {
  readonly name: string;
  readonly bytes: Buffer;
  readonly events: readonly SseCaseEvent[];
  /** After the whole input. */
  readonly lastEventId: string;
  /** Milliseconds, or null where the input sets none. */
  readonly retry: number | null;
  readonly tags: readonly string[];
}

interface CaseFile {
  readonly cases: readonly {
    readonly name: string;
    readonly inputHex: string;
    readonly expect: Pick<SseCase, 'events' | 'lastEventId' | 'retry'>;
    readonly tags: readonly string[];
  }[];
}

/** The table in `test/conformance/sse-conformance.json`. */
export function sseCases(): readonly SseCase[] {
  const file = new URL('../conformance/sse-conformance.json', import.meta.url);
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as CaseFile;
  return cases.map(({ name, inputHex, expect, tags }) => ({
    name,
    bytes: Buffer.from(inputHex, 'hex'),
    ...expect,
    tags,
  }));
}

/** One way in which bytes can arrive. */
export interface Arrival {
  readonly name: string;
  /** Copies: a reader may be proven to keep none of them by overwriting each after its use. */
  readonly chunks: readonly Buffer[];
}

const empty = (): Buffer => Buffer.alloc(0);

/** The bytes whole, byte by byte, byte by byte with empty chunks between, and cut in two at every place, with and without. */
export function* everySplit(bytes: Uint8Array): Generator<Arrival> {
  const whole = Buffer.from(bytes);
  const piece = (start: number, end: number): Buffer => Buffer.from(whole.subarray(start, end));
  const single = (): Buffer[] => Array.from(whole, (byte) => Buffer.of(byte));
  yield { name: 'whole', chunks: [piece(0, whole.length)] };
  yield { name: 'byte by byte', chunks: single() };
  yield {
    name: 'byte by byte, empty chunks between',
    chunks: [empty(), ...single().flatMap((byte) => [byte, empty()])],
  };
  for (let at = 1; at < whole.length; at += 1) {
    yield { name: `cut at ${at}`, chunks: [piece(0, at), piece(at, whole.length)] };
    yield { name: `cut at ${at}, empty chunk between`, chunks: [piece(0, at), empty(), piece(at, whole.length)] };
  }
}

/** Gives each chunk to `write` and overwrites it afterwards, as a transport does that uses its buffers again. */
export function feedTransient(chunks: readonly Buffer[], write: (chunk: Buffer) => void): void {
  for (const chunk of chunks) {
    write(chunk);
    chunk.fill(0xff);
  }
}
