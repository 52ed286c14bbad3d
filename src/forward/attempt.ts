import { asSluiceError, SluiceError, type ErrorOptions } from '../kernel/errors.ts';
import type { ErrorCode } from '../kernel/error-table.ts';
import type { ForwardCall, ForwardOptions } from '../kernel/forward.ts';
import { currentRun } from '../kernel/run.ts';
import type { Ticker, Watched } from '../kernel/ticker.ts';
import type { UpstreamCall, UpstreamHead, UpstreamListener } from '../kernel/upstream.ts';
import type { Framing } from './framing.ts';
import { framingOf } from './framings.ts';

/** An error body is read this far: enough for any message, too little to hurt. */
const maxErrorBodyBytes = 65_536;
/** How long a connection may go on after the terminator, so that it can be used again. */
const drainAfterTerminator = 100;

type Mode = 'waiting' | 'frames' | 'json' | 'rejected' | 'draining' | 'over';

/**
 * One request to one provider: sends it, watches its timers, cuts the answer into frames or collects its body, and tells
 * the receiver how it ended, exactly once.
 *
 * The transport calls back for every piece of a read; they are gathered and passed on in a microtask, so one turn of
 * the loop is one pass through the pipeline and one write to the client.
 */
export class Attempt implements ForwardCall, UpstreamListener, Watched {
  readonly #options: ForwardOptions;
  readonly #ticker: Ticker;
  readonly #onOver: () => void;
  readonly #scope = currentRun.getStore();
  readonly #startedAt: number;
  #call: UpstreamCall | undefined;
  #mode: Mode = 'waiting';
  #connected = false;
  #head: UpstreamHead | undefined;
  #framing: Framing | undefined;
  #gathered = '';
  #bytes = 0;
  #body: string[] = [];
  #endSeen = false;
  #passing = false;
  #pausedAt: number | undefined;
  #lastBytes: number;
  #lastProgress: number;
  #progress = 0;

  /** `onOver` is called once, when the attempt holds nothing any more. */
  constructor(options: ForwardOptions, ticker: Ticker, onOver: () => void) {
    this.#options = options;
    this.#ticker = ticker;
    this.#onOver = onOver;
    const now = options.run.clock.now();
    this.#startedAt = now;
    this.#lastBytes = now;
    this.#lastProgress = now;
    ticker.watch(this);
    this.#call = options.transport.send(options.request, this);
  }

  pause(): void {
    if (this.#pausedAt !== undefined) return;
    this.#pausedAt = this.#now();
    this.#call?.pause();
  }

  resume(): void {
    if (this.#pausedAt === undefined) return;
    const paused = this.#now() - this.#pausedAt;
    this.#pausedAt = undefined;
    this.#lastBytes += paused;
    this.#lastProgress += paused;
    this.#call?.resume();
  }

  abort(): void {
    if (this.#mode === 'over') return;
    this.#finish();
    this.#call?.abort();
  }

  onConnected(): void {
    this.#connected = true;
  }

  onHead(head: UpstreamHead): void {
    if (this.#mode !== 'waiting') return;
    this.#connected = true;
    this.#head = head;
    this.#lastBytes = this.#now();
    const mediaType = mediaTypeOf(head);
    const mode = modeOf(head, mediaType);
    if (mode === undefined) {
      this.#fail(
        new SluiceError('UPSTREAM_BAD_CONTENT', {
          context: {
            upstreamStatus: head.status,
            contentType: head.headers['content-type'] ?? '',
            contentEncoding: head.headers['content-encoding'] ?? '',
          },
        }),
      );
      this.#call?.abort();
      return;
    }
    this.#mode = mode;
    const { receiver, maxFrameBytes } = this.#options;
    if (mode !== 'rejected') this.#enter(() => receiver.onAccepted(head));
    if (mode === 'frames') this.#framing = framingOf(mediaType)?.(receiver.frames, maxFrameBytes);
  }

  onData(chunk: Buffer): void {
    if (this.#mode === 'over' || this.#mode === 'waiting') return;
    this.#bytes += chunk.length;
    if (this.#mode === 'draining') return;
    if (this.#gathered === '' && !this.#passing) {
      this.#passing = true;
      queueMicrotask(() => this.#pass());
    }
    this.#gathered += chunk.toString('latin1');
  }

  onEnd(): void {
    this.#endSeen = true;
    if (!this.#passing) this.#enter(() => this.#ended());
  }

  onError(error: unknown): void {
    if (this.#mode === 'over') return;
    if (this.#mode === 'draining') {
      this.#finish();
      return;
    }
    // What arrived before the failure belongs to the client, so it is passed on first.
    this.#enter(() => {
      this.#passGathered();
      if (this.#isDraining()) this.#finish();
      else this.#fail(asSluiceError(error, 'UPSTREAM_RESET'));
    });
  }

  onTickFailure(error: unknown): void {
    this.#enter(() => this.#fail(asSluiceError(error)));
    this.#call?.abort();
  }

  onTick(now: number): void {
    const { timeouts, receiver } = this.#options;
    if (this.#mode === 'draining') {
      if (now - this.#lastBytes >= drainAfterTerminator) this.abort();
      return;
    }
    if (now - this.#startedAt >= timeouts.total)
      return this.#timeout('STREAM_TOO_LONG', { details: { seconds: timeouts.total / 1000 } });
    if (this.#pausedAt !== undefined) return;
    if (receiver.progress !== this.#progress) {
      this.#progress = receiver.progress;
      this.#lastProgress = now;
    }
    const expired = this.#expired(now);
    if (expired !== undefined) this.#timeout(expired, {});
  }

  #expired(now: number): ErrorCode | undefined {
    const { timeouts } = this.#options;
    const age = now - this.#startedAt;
    if (!this.#connected) return age >= timeouts.connect ? 'UPSTREAM_CONNECT_TIMEOUT' : undefined;
    if (this.#head === undefined) return age >= timeouts.headers ? 'UPSTREAM_HEADERS_TIMEOUT' : undefined;
    if (this.#progress === 0 && this.#mode === 'frames' && age >= timeouts.firstToken)
      return 'UPSTREAM_FIRST_TOKEN_TIMEOUT';
    if (now - this.#lastBytes >= timeouts.idle) return 'UPSTREAM_STALLED';
    if (this.#mode === 'frames' && this.#progress > 0 && now - this.#lastProgress >= timeouts.progress)
      return 'UPSTREAM_NO_PROGRESS';
    return undefined;
  }

  #timeout(code: ErrorCode, options: ErrorOptions): void {
    this.#enter(() => this.#fail(new SluiceError(code, options)));
    this.#call?.abort();
  }

  #pass(): void {
    this.#passing = false;
    if (this.#mode === 'over') return;
    this.#enter(() => {
      this.#passGathered();
      if (this.#endSeen) this.#ended();
    });
  }

  #passGathered(): void {
    const chunk = this.#gathered;
    if (chunk === '') return;
    this.#gathered = '';
    this.#lastBytes = this.#now();
    if (this.#mode === 'frames') this.#passFrames(chunk);
    else this.#collect(chunk);
  }

  #passFrames(chunk: string): void {
    const { receiver, maxAnswerBytes } = this.#options;
    let failure: SluiceError | undefined;
    try {
      if (chunk === '') this.#framing?.end();
      else this.#framing?.push(chunk);
    } catch (error) {
      failure = asSluiceError(error);
    }
    if (this.#mode === 'over') return;
    if (failure === undefined && receiver.terminated) {
      // Completing writes what this read made, together with the terminator.
      this.#mode = 'draining';
      if (this.#pausedAt !== undefined) this.resume();
      receiver.onComplete();
      return;
    }
    receiver.onReadEnd();
    if (failure === undefined && this.#bytes > maxAnswerBytes)
      failure = new SluiceError('ANSWER_TOO_LARGE', { details: { limit: maxAnswerBytes } });
    if (failure === undefined) return;
    this.#fail(failure);
    this.#call?.abort();
  }

  #collect(chunk: string): void {
    const { maxAnswerBytes } = this.#options;
    this.#body.push(chunk);
    if (this.#mode === 'rejected' && this.#bytes > maxErrorBodyBytes) {
      this.#endSeen = true;
      this.#call?.abort();
      this.#ended();
      return;
    }
    if (this.#bytes <= maxAnswerBytes) return;
    this.#fail(new SluiceError('ANSWER_TOO_LARGE', { details: { limit: maxAnswerBytes } }));
    this.#call?.abort();
  }

  #ended(): void {
    const { receiver } = this.#options;
    // A last frame may have come without its end mark.
    if (this.#mode === 'frames') this.#passFrames('');
    const mode = this.#mode;
    if (mode === 'over') return;
    const body = Buffer.from(this.#body.join(''), 'latin1').toString('utf8');
    this.#finish();
    if (mode === 'draining') return;
    if (mode === 'frames') {
      receiver.onComplete();
      return;
    }
    if (mode === 'rejected' && this.#head !== undefined)
      receiver.onRejected(this.#head, body.slice(0, maxErrorBodyBytes));
    else if (mode === 'json') receiver.onBody(body);
    else receiver.onError(new SluiceError('UPSTREAM_RESET', { context: { reason: 'ended without an answer' } }));
  }

  #fail(error: SluiceError): void {
    if (this.#mode === 'over') return;
    // A status that says what is wrong says more than the way in which its body broke.
    if (this.#mode === 'rejected') {
      this.#ended();
      return;
    }
    this.#finish();
    this.#options.receiver.onError(error);
  }

  #finish(): void {
    this.#mode = 'over';
    this.#gathered = '';
    this.#body = [];
    this.#ticker.unwatch(this);
    this.#onOver();
  }

  #isDraining(): boolean {
    return this.#mode === 'draining';
  }

  /** Callbacks of a pooled socket come in the context of the run that opened it, so the own one is entered. */
  #enter(pass: () => void): void {
    if (this.#scope === undefined) pass();
    else currentRun.run(this.#scope, pass);
  }

  #now(): number {
    return this.#options.run.clock.now();
  }
}

function modeOf({ status, headers }: UpstreamHead, mediaType: string | undefined): Mode | undefined {
  if (status >= 400) return 'rejected';
  if (status !== 200) return undefined;
  const encoding = (headers['content-encoding'] ?? '').trim().toLowerCase();
  if (encoding !== '' && encoding !== 'identity') return undefined;
  if (framingOf(mediaType) !== undefined) return 'frames';
  return mediaType === 'application/json' ? 'json' : undefined;
}

function mediaTypeOf({ headers }: UpstreamHead): string | undefined {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase();
}
