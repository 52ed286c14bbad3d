import { openaiChatBackend } from '../src/backends/openai-chat.ts';
import { openaiChatEncoder } from '../src/encoders/openai-chat.ts';
import { SseFraming } from '../src/forward/sse-framing.ts';
import { AnswerPipe, type FrameCounters } from '../src/kernel/answer-pipe.ts';
import type { Bound } from '../src/kernel/bound-modifier.ts';
import { systemClock } from '../src/kernel/clock.ts';
import type { Modifier } from '../src/kernel/modifier.ts';
import { vaultOf } from '../src/kernel/patterns/placeholders.ts';
import type { ChatRequest } from '../src/kernel/request.ts';
import { anonymousCaller, type Log, type Run } from '../src/kernel/run.ts';

const request: ChatRequest = {
  dialect: 'openai-chat',
  stream: true,
  settings: { includeUsage: true },
  tools: [],
  messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hello' }] }],
  metadata: {},
  params: {},
};

const backend = openaiChatBackend.create(
  { baseUrl: 'https://provider.invalid/v1', model: 'mock', includeUsage: true, maxTokensField: 'max_tokens' },
  { clock: systemClock },
);
const encoder = openaiChatEncoder.create({}, {});
const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const maxFrameBytes = 1_048_576;
/** Stands for the socket: what is written is copied as there. */
const socket = Buffer.allocUnsafe(maxFrameBytes);

function openRun(): Run {
  return {
    id: 'run-1',
    pipeline: 'bench',
    revision: 'r1',
    caller: anonymousCaller,
    params: {},
    signal: new AbortController().signal,
    deadline: Number.POSITIVE_INFINITY,
    clock: systemClock,
    log: silentLog,
    meter: { count: () => {} },
    notes: new Map(),
    presented: () => undefined,
    lose: () => {},
    progress: () => {},
  };
}

/** Something that placeholders stand for: without it none is looked for. */
function hideSomething(run: Run): void {
  vaultOf(run).hide('EMAIL', 'ann.lee@example.com');
}

/** One answer on its way from the bytes of the provider to those of the client, without a socket. */
export class AnswerRun {
  readonly #pipe: AnswerPipe;
  readonly #framing: SseFraming;
  /** Where it is wanted, all that left. */
  readonly #keep: ((frames: string) => void) | undefined;
  #isComplete = false;

  constructor(steps: readonly Bound<Modifier>[], counters: FrameCounters, keep?: (frames: string) => void) {
    this.#keep = keep;
    const run = openRun();
    if (steps.some(({ modifier }) => modifier.rewrites?.restores === true)) hideSomething(run);
    const context = { run, request, created: 1_762_000_000 };
    this.#pipe = new AnswerPipe({
      run,
      choices: 1,
      sameDialect: true,
      modifiers: () => steps,
      encoder: encoder.open(context),
      counters,
      output: {
        write: (frames) => this.#write(frames),
        complete: (frames) => {
          this.#write(frames);
          this.#isComplete = true;
        },
        pause: () => {},
        began: () => {},
        ended: () => {},
        fail: (error) => {
          throw error;
        },
      },
    });
    this.#pipe.attach(backend.decode(request));
    this.#framing = new SseFraming(this.#pipe, maxFrameBytes);
  }

  /** What one read of the provider brings, in latin1. */
  read(bytes: string): void {
    this.#framing.push(bytes);
    this.#pipe.flush();
  }

  /** The provider is done. */
  end(): void {
    this.#pipe.end();
    if (!this.#isComplete) throw new Error('the answer is not complete');
  }

  /** The client has gone. */
  close(): void {
    this.#pipe.close();
  }

  #write(frames: string): void {
    socket.write(frames, 'latin1');
    this.#keep?.(frames);
  }
}
