import { SseFraming } from '../forward/sse-framing.ts';
import { describeCause } from '../kernel/errors.ts';
import type { Transport, UpstreamHead, UpstreamListener } from '../kernel/upstream.ts';

export interface ExchangeRequest {
  /** The engine, such as `http://127.0.0.1:8787`. */
  readonly origin: string;
  readonly pipeline: string;
  readonly message: string;
}

/** What a person sees of an answer while it comes. */
export interface ExchangeView {
  onText(text: string): void;
  /** Text that is not the answer: reasoning of the model. */
  onReasoning(text: string): void;
  /** A step that takes its time tells of it. */
  onStep(step: string, message: string): void;
}

/** How an exchange ended. `run` is its id, where there was a run. */
export type ExchangeEnd =
  | { readonly outcome: 'complete'; readonly run: string | undefined }
  | { readonly outcome: 'failed'; readonly run: string | undefined; readonly code: string; readonly message: string }
  | { readonly outcome: 'stopped'; readonly run: string | undefined };

const maxFrameBytes = 1_048_576;
/** Of a body that is no stream so much is read. */
const maxProblemCharacters = 65_536;

/**
 * Sends one message in the native format and shows the answer while it comes. The connection goes through the same
 * guarded way out as those to providers; nothing but the loopback address is meant here. Never rejects.
 */
export function exchange(
  transport: Transport,
  { origin, pipeline, message }: ExchangeRequest,
  view: ExchangeView,
  signal: AbortSignal,
): Promise<ExchangeEnd> {
  return new Promise((resolve) => {
    const reading = new AnswerReading(view, (end) => {
      signal.removeEventListener('abort', onStop);
      resolve(end);
    });
    const onStop = (): void => {
      call.abort();
      reading.stop();
    };
    const call = transport.send(
      {
        method: 'POST',
        origin,
        path: `/pipelines/${pipeline}/chat`,
        headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
        body: JSON.stringify({ messages: [{ role: 'user', content: message }] }),
      },
      reading,
    );
    if (signal.aborted) onStop();
    else signal.addEventListener('abort', onStop, { once: true });
  });
}

type NativeEvent = Readonly<Record<string, unknown>>;

/** Reads one answer: an event stream, or the one document of a refusal. */
class AnswerReading implements UpstreamListener {
  readonly #view: ExchangeView;
  readonly #onEnd: (end: ExchangeEnd) => void;
  readonly #framing: SseFraming;
  /** Kinds of the open blocks, by their id. */
  readonly #kinds = new Map<unknown, unknown>();
  #head: UpstreamHead | undefined;
  #body = '';
  #failure: { readonly code: string; readonly message: string } | undefined;
  #isComplete = false;
  #isOver = false;

  constructor(view: ExchangeView, onEnd: (end: ExchangeEnd) => void) {
    this.#view = view;
    this.#onEnd = onEnd;
    const frame = (_event: string, data: string): void => this.#read(JSON.parse(data) as NativeEvent);
    this.#framing = new SseFraming({ lane: undefined, frame, textFrame: () => false }, maxFrameBytes);
  }

  onHead(head: UpstreamHead): void {
    this.#head = head;
  }

  onData(chunk: Buffer): void {
    if (this.#head?.status === 200) this.#framing.push(chunk.toString('latin1'));
    else if (this.#body.length < maxProblemCharacters) this.#body += chunk.toString('latin1');
  }

  onEnd(): void {
    if (this.#head?.status !== 200) this.#failure ??= readProblem(this.#head?.status ?? 0, this.#body);
    if (this.#failure !== undefined) this.#end({ outcome: 'failed', run: this.#run, ...this.#failure });
    else if (this.#isComplete) this.#end({ outcome: 'complete', run: this.#run });
    else this.#cut('The answer ended before it was complete.');
  }

  onError(error: unknown): void {
    this.#cut(`The connection to the engine broke: ${describeCause(error)}`);
  }

  stop(): void {
    this.#end({ outcome: 'stopped', run: this.#run });
  }

  get #run(): string | undefined {
    return this.#head?.headers['x-sluice-run'];
  }

  #read(event: NativeEvent): void {
    switch (event['type']) {
      case 'block.start':
        this.#kinds.set(event['blockId'], event['kind']);
        return;
      case 'text.delta': {
        const isReasoning = textOf(this.#kinds.get(event['blockId'])).startsWith('reasoning');
        if (isReasoning) this.#view.onReasoning(textOf(event['text']));
        else this.#view.onText(textOf(event['text']));
        return;
      }
      case 'step.progress':
        this.#view.onStep(textOf(event['processorId']), textOf(event['message']));
        return;
      case 'error':
        this.#failure = { code: textOf(event['code']), message: textOf(event['message']) };
        return;
      case 'stream.end':
        this.#isComplete = event['outcome'] === 'ok';
        return;
      default:
    }
  }

  #cut(message: string): void {
    this.#end({ outcome: 'failed', run: this.#run, code: 'INCOMPLETE', message });
  }

  #end(end: ExchangeEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd(end);
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The body of a refusal is `application/problem+json`; whatever else it is, its status is told. */
function readProblem(status: number, body: string): { readonly code: string; readonly message: string } {
  const text = Buffer.from(body, 'latin1').toString('utf8');
  try {
    const { code, detail } = Object(JSON.parse(text)) as { code?: unknown; detail?: unknown };
    if (typeof code === 'string' && typeof detail === 'string') return { code, message: detail };
  } catch {
    // Told by its status.
  }
  return { code: `HTTP_${status}`, message: 'The engine answered with something that is no answer.' };
}
