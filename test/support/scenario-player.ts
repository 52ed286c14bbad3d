import { constants, createGzip, type Gzip } from 'node:zlib';
import { payloadBytes, type BodyFraming, type HeadStep, type Payload, type Step, type WriteStep } from './scenario.ts';
import { turn } from './turn.ts';

/** What a scenario is played on. All waits end with `left`, which the player checks after each of them. */
export interface Stage {
  /** Resolves when more may be written, or the connection is closed. */
  write(bytes: Uint8Array): Promise<void>;
  /** Resolves when the system has taken what was written. */
  flushed(): Promise<void>;
  fin(): void;
  reset(): void;
  destroy(): void;
  pass(gate: string): Promise<void>;
  sleep(milliseconds: number): Promise<void>;
  /** The connection is closed, or the other side has said that it will read no more. */
  readonly left: boolean;
  /** Resolves when `left` becomes true. */
  readonly gone: Promise<void>;
  /** The answer is complete; what follows is no part of it. */
  answered(): void;
}

/** Turns in which the other side reads what came before a reset, which would throw it away. */
const TURNS_BEFORE_RESET = 4;
/** Stops a `forever` step that nobody stops: 4 GiB. */
const MAX_FOREVER_BYTES = 2 ** 32;
const LINE_END = '\r\n';
const foreignGreeting = 'SSH-2.0-OpenSSH_9.9\r\n';

/** Plays the steps in order until one closes the connection or the other side leaves. */
export async function playScenario(steps: readonly Step[], stage: Stage): Promise<void> {
  const body = new BodyWriter(stage);
  let position = 0;
  for (const step of steps) {
    position += 1;
    const goesOn = await playStep(step, steps.slice(position), stage, body);
    if (!goesOn || stage.left) return;
  }
  await body.end();
}

async function playStep(step: Step, later: readonly Step[], stage: Stage, body: BodyWriter): Promise<boolean> {
  if (typeof step === 'string') return playPlainStep(step, stage, body);
  if ('status' in step) await body.head(step, later);
  else if ('write' in step) await playWrite(step, stage, body);
  else if ('wait' in step) await (typeof step.wait === 'string' ? stage.pass(step.wait) : stage.sleep(step.wait));
  else if ('headerOverflow' in step) await body.overflow(step.headerOverflow);
  else await playForever(step.forever, step.every, stage, body);
  return true;
}

async function playPlainStep(step: Extract<Step, string>, stage: Stage, body: BodyWriter): Promise<boolean> {
  switch (step) {
    case 'end':
      await body.end();
      return true;
    case 'not-http':
      await stage.write(Buffer.from(foreignGreeting));
      return true;
    case 'fin':
      stage.fin();
      return false;
    case 'rst':
      await stage.flushed();
      await turn(TURNS_BEFORE_RESET);
      stage.reset();
      return false;
    case 'destroy':
      stage.destroy();
      return false;
    case 'stall':
      await stage.gone;
      return false;
  }
}

async function playWrite({ write }: WriteStep, stage: Stage, body: BodyWriter): Promise<void> {
  if (write.gate !== undefined) await stage.pass(write.gate);
  if (stage.left) return;
  await body.write(payloadBytes(write), write);
}

async function playForever(payload: Payload, every: number | undefined, stage: Stage, body: BodyWriter): Promise<void> {
  const bytes = payloadBytes(payload);
  for (let written = 0; written < MAX_FOREVER_BYTES && !stage.left; written += bytes.length) {
    await body.write(bytes, {});
    // Without a turn a reader that is always quick would leave the loop to this one.
    await (every === undefined ? turn() : stage.sleep(every));
  }
}

interface WriteOptions {
  readonly slice?: number;
  readonly chunk?: number;
  readonly announce?: number;
  readonly raw?: boolean;
}

/** Writes one answer. The framing is done by hand, so that it can be broken at any byte. */
class BodyWriter {
  readonly #stage: Stage;
  #framing: BodyFraming = 'close';
  #gzip: Gzip | undefined;
  #state: 'before' | 'open' | 'ended' = 'before';

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  async head(step: HeadStep, later: readonly Step[]): Promise<void> {
    this.#framing = step.framing ?? 'chunked';
    this.#gzip = step.gzip === true ? createGzip() : undefined;
    this.#state = 'open';
    await this.#stage.write(Buffer.from(`${this.#lines(step, later).join(LINE_END)}${LINE_END}${LINE_END}`));
  }

  async overflow(bytes: number): Promise<void> {
    await this.#stage.write(
      Buffer.from(`HTTP/1.1 200 OK${LINE_END}x-filler: ${'a'.repeat(bytes)}${LINE_END}${LINE_END}`),
    );
  }

  async write(bytes: Buffer, options: WriteOptions): Promise<void> {
    const content =
      this.#gzip === undefined || options.raw === true ? bytes : await compress(this.#gzip, bytes, 'flush');
    const wire = options.raw === true ? content : this.#frame(content, options);
    const slice = options.slice ?? wire.length;
    for (let start = 0; start < wire.length && !this.#stage.left; start += slice) {
      await this.#stage.write(wire.subarray(start, start + slice));
      if (slice < wire.length) await turn();
    }
  }

  async end(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'ended';
    if (this.#gzip !== undefined)
      await this.#stage.write(this.#frame(await compress(this.#gzip, Buffer.alloc(0), 'finish'), {}));
    if (this.#framing === 'chunked') await this.#stage.write(Buffer.from(`0${LINE_END}${LINE_END}`));
    this.#stage.answered();
    if (this.#framing === 'close') this.#stage.fin();
  }

  #lines(step: HeadStep, later: readonly Step[]): string[] {
    const lines = [`HTTP/1.1 ${step.status} ${step.status < 400 ? 'OK' : 'Error'}`];
    for (const [name, value] of Object.entries(step.headers ?? {})) {
      for (const item of typeof value === 'string' ? [value] : value) lines.push(`${name}: ${item}`);
    }
    if (step.gzip === true) lines.push('content-encoding: gzip');
    if (this.#framing === 'chunked') lines.push('transfer-encoding: chunked');
    if (this.#framing === 'length') lines.push(`content-length: ${step.length ?? lengthOf(step, later)}`);
    return lines;
  }

  #frame(bytes: Buffer, options: WriteOptions): Buffer {
    if (this.#framing !== 'chunked' || bytes.length === 0) return bytes;
    if (options.announce !== undefined)
      return Buffer.concat([Buffer.from(`${options.announce.toString(16)}${LINE_END}`), bytes]);
    const size = options.chunk ?? bytes.length;
    const parts: Buffer[] = [];
    for (let start = 0; start < bytes.length; start += size) {
      const piece = bytes.subarray(start, start + size);
      parts.push(Buffer.from(`${piece.length.toString(16)}${LINE_END}`), piece, Buffer.from(LINE_END));
    }
    return Buffer.concat(parts);
  }
}

function lengthOf(step: HeadStep, later: readonly Step[]): number {
  if (step.gzip === true)
    throw new Error('The length of a compressed body is not known beforehand; give it, or use chunks.');
  const end = later.indexOf('end');
  const writes = end < 0 ? later : later.slice(0, end);
  return writes.reduce(
    (sum, entry) => sum + (typeof entry === 'object' && 'write' in entry ? payloadBytes(entry.write).length : 0),
    0,
  );
}

/** Compresses and waits until all of it has come out, so that a cut falls where the scenario says. */
function compress(gzip: Gzip, bytes: Buffer, how: 'flush' | 'finish'): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const collect = (part: Buffer): void => void parts.push(part);
    const finish = (): void => {
      gzip.off('data', collect).off('error', reject);
      resolve(Buffer.concat(parts));
    };
    gzip.on('data', collect).once('error', reject);
    if (how === 'finish') return void gzip.once('end', finish).end(bytes);
    gzip.write(bytes, () => gzip.flush(constants.Z_SYNC_FLUSH, () => setImmediate(finish)));
  });
}
