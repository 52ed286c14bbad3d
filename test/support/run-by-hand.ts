import { ChatRun, type ChatRunOptions } from '../../src/compile/chat-run.ts';
import type { CompiledPipeline } from '../../src/compile/compiled-pipeline.ts';
import { openaiChatEncoder } from '../../src/encoders/openai-chat.ts';
import { HttpForwarder } from '../../src/forward/http-forwarder.ts';
import type { ClientAnswer, ClientListener } from '../../src/kernel/client-answer.ts';
import type { Clock } from '../../src/kernel/clock.ts';
import type { SluiceError } from '../../src/kernel/errors.ts';
import type { ProcessorStep } from '../../src/kernel/request-chain.ts';
import { anonymousCaller } from '../../src/kernel/run.ts';
import type { TokenLink } from '../../src/kernel/tokens/token-provider.ts';
import type { Transport, UpstreamListener, UpstreamRequest } from '../../src/kernel/upstream.ts';
import { chatRequest } from './chat-run.ts';
import { compiledBackend, compiledPipeline } from './compiled-pipeline.ts';
import type { LogLine } from './log-capture.ts';
import { testRun, type TestRun } from './test-run.ts';

/** A client that keeps what it is told, and reads only while `reads` is true. */
export class HandClient implements ClientAnswer {
  headCommitted = false;
  stalledSince: number | undefined;
  lastWrite: number;
  reads = true;
  /** Frames, in order, also those that were shown beside the answer. */
  text = '';
  /** Calls of `write`. */
  writes = 0;
  /** How it was ended; one entry is right. */
  readonly ends: ('end' | 'json' | 'fail' | 'drop')[] = [];
  error: SluiceError | undefined;
  listener: ClientListener | undefined;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.lastWrite = clock.now();
  }

  setHeaders(): void {
    // Nobody looks at them here.
  }

  listen(listener: ClientListener): void {
    this.listener = listener;
  }

  open(frames: string): void {
    this.text += frames;
  }

  write(frames: string): boolean {
    this.writes += 1;
    this.text += frames;
    this.headCommitted = true;
    this.lastWrite = this.#clock.now();
    if (!this.reads) this.stalledSince ??= this.#clock.now();
    return this.reads;
  }

  end(frames: string): void {
    this.text += frames;
    this.ends.push('end');
  }

  endWithJson(body: string): void {
    this.text += body;
    this.ends.push('json');
  }

  fail(error: SluiceError, frame: string): void {
    this.error = error;
    this.text += frame;
    this.ends.push('fail');
  }

  whenSent(callback: () => void): void {
    callback();
  }

  drop(): void {
    this.ends.push('drop');
  }
}

/** A connection to a provider on which the test says what comes. */
export class HandTransport implements Transport {
  readonly calls: string[] = [];
  /** What was sent, in order. */
  readonly requests: UpstreamRequest[] = [];
  #listener: UpstreamListener | undefined;

  send(request: UpstreamRequest, listener: UpstreamListener): ReturnType<Transport['send']> {
    this.#listener = listener;
    this.requests.push(request);
    this.calls.push('send');
    return {
      pause: () => void this.calls.push('pause'),
      resume: () => void this.calls.push('resume'),
      abort: () => {
        this.calls.push('abort');
        if (this.#listener === listener) this.#listener = undefined;
      },
    };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  head(contentType = 'text/event-stream', status = 200, headers: Readonly<Record<string, string>> = {}): void {
    this.#listener?.onConnected?.();
    this.#listener?.onHead({ status, headers: { 'content-type': contentType, ...headers } });
  }

  /** A whole answer that is a failure. */
  refuse(status: number, error: Readonly<Record<string, unknown>> = {}, headers: Record<string, string> = {}): void {
    this.head('application/json', status, headers);
    this.data(JSON.stringify({ error: { message: 'no', ...error } }));
    this.end();
  }

  data(data: string | Buffer): void {
    this.#listener?.onData(typeof data === 'string' ? Buffer.from(data) : data);
  }

  end(): void {
    this.#listener?.onEnd();
  }

  reset(): void {
    this.#listener?.onError(Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }));
  }
}

export interface HandRun<C extends HandClient = HandClient> extends Omit<TestRun, 'run' | 'abort' | 'lost'> {
  readonly run: ChatRun;
  readonly client: C;
  readonly transport: HandTransport;
  readonly forwarder: HttpForwarder;
  /** Calls of `onEnded`. */
  readonly ended: () => number;
  /** The records of the run; one is right. */
  readonly records: () => readonly LogLine[];
}

export interface HandRunOptions<C extends HandClient> extends Partial<
  Pick<ChatRunOptions, 'id' | 'request' | 'encoder'>
> {
  readonly pipeline?: Partial<CompiledPipeline>;
  /** Where the one backend gets its credential. */
  readonly token?: TokenLink;
  readonly client?: (clock: Clock) => C;
  /** Shares clock, log and ticker with another run. */
  readonly beside?: HandRun;
}

/** A run of its own between a client and a provider that the test plays; not started yet. */
export function runByHand<C extends HandClient = HandClient>(options: HandRunOptions<C> = {}): HandRun<C> {
  const engine = options.beside ?? testRun();
  const { clock, log, meter, capabilities } = engine;
  const transport = new HandTransport();
  const client = (options.client ?? ((time: Clock) => new HandClient(time) as C))(clock);
  const forwarder = new HttpForwarder(clock, capabilities.ticker);
  let ended = 0;
  const id = options.id ?? 'run-1';
  const run = new ChatRun({
    id,
    pipeline: compiledPipeline({
      defaultBackend: compiledBackend({ transport, token: options.token }),
      ...options.pipeline,
    }),
    request: options.request ?? chatRequest(),
    encoder: options.encoder ?? openaiChatEncoder.create({}, capabilities),
    client,
    caller: anonymousCaller,
    presented: () => undefined,
    capabilities,
    forwarder,
    onEnded: () => {
      ended += 1;
    },
  });
  const records = (): readonly LogLine[] =>
    log.lines.filter(({ message, fields }) => message === 'run ended' && fields['run'] === id);
  return { run, client, transport, forwarder, clock, log, meter, capabilities, ended: () => ended, records };
}

/** A processor of a pipeline, as `compile` makes it. */
export function processorStep(
  processRequest: ProcessorStep['processor']['processRequest'],
  overrides: Partial<ProcessorStep> = {},
): ProcessorStep {
  return {
    name: 'mine',
    guard: false,
    onError: 'fail',
    timeoutMilliseconds: 30_000,
    processor: processRequest === undefined ? {} : { processRequest },
    ...overrides,
  };
}
