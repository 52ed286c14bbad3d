import type { Clock, Timer } from '../kernel/clock.ts';
import { SluiceError, asSluiceError } from '../kernel/errors.ts';
import type { UpstreamScript } from '../kernel/upstream-script.ts';
import type { Transport, UpstreamCall, UpstreamListener, UpstreamRequest } from '../kernel/upstream.ts';
import { playScript, readScriptedRequest, type ScriptMove } from './scripted-answer.ts';

export interface ScriptedTransportOptions {
  readonly clock: Clock;
}

export interface ScriptedTransport extends Transport {
  /** Calls that have neither ended, failed nor been aborted. */
  readonly liveCalls: number;
}

/**
 * Plays a script from the definition in place of a network: every request gets the answer that the script describes,
 * as bytes through the same callbacks as from a socket. All waits are on the clock; no socket is opened.
 */
export function createScriptedTransport(
  script: UpstreamScript,
  { clock }: ScriptedTransportOptions,
): ScriptedTransport {
  const calls = new Set<ScriptedCall>();
  let sent = 0;
  let isClosed = false;
  return {
    get liveCalls() {
      return calls.size;
    },
    send(request, listener) {
      sent += 1;
      const call = new ScriptedCall(moves(script, request, sent, clock), listener, clock, () => calls.delete(call));
      calls.add(call);
      queueMicrotask(() => {
        if (isClosed) call.fail(new SluiceError('DRAINING'));
        else call.resume();
      });
      return call;
    },
    close() {
      isClosed = true;
      for (const call of calls) call.fail(new SluiceError('DRAINING'));
      return Promise.resolve();
    },
  };
}

function moves(script: UpstreamScript, request: UpstreamRequest, number: number, clock: Clock): Iterator<ScriptMove> {
  const identity = {
    id: `chatcmpl-scripted${String(number).padStart(20, '0')}`,
    created: Math.floor(clock.wallTime() / 1_000),
  };
  return playScript(script, readScriptedRequest(request.body), identity);
}

/** One move per microtask, so that the listener can pause, resume or abort between any two. */
class ScriptedCall implements UpstreamCall {
  readonly #moves: Iterator<ScriptMove>;
  readonly #clock: Clock;
  readonly #onSettled: () => void;
  /** Undefined as soon as the call is over. */
  #listener: UpstreamListener | undefined;
  #timer: Timer | undefined;
  #isScheduled = false;
  #isPaused = false;
  #isConnected = false;

  constructor(scriptMoves: Iterator<ScriptMove>, listener: UpstreamListener, clock: Clock, onSettled: () => void) {
    this.#moves = scriptMoves;
    this.#listener = listener;
    this.#clock = clock;
    this.#onSettled = onSettled;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#schedule();
  }

  abort(): void {
    this.#settle();
  }

  fail(error: unknown): void {
    const listener = this.#settle();
    listener?.onError(asSluiceError(error));
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => this.#advance());
  }

  #advance(): void {
    this.#isScheduled = false;
    if (this.#listener === undefined || this.#isPaused || this.#timer !== undefined) return;
    try {
      this.#move(this.#listener);
    } catch (error) {
      if (this.#listener === undefined) throw error;
      this.fail(error);
    }
    if (this.#listener !== undefined) this.#schedule();
  }

  #move(listener: UpstreamListener): void {
    if (!this.#isConnected) {
      this.#isConnected = true;
      listener.onConnected?.();
      return;
    }
    const { done, value: move } = this.#moves.next();
    if (done === true || move.type === 'end') this.#settle()?.onEnd();
    else if (move.type === 'reset') this.fail(new SluiceError('UPSTREAM_RESET', { context: { scripted: true } }));
    else if (move.type === 'head') listener.onHead(move.head);
    else if (move.type === 'bytes') listener.onData(move.bytes);
    else this.#wait(move.milliseconds);
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#clock.after(milliseconds, () => {
      this.#timer = undefined;
      this.#schedule();
    });
  }

  #settle(): UpstreamListener | undefined {
    const listener = this.#listener;
    this.#listener = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#onSettled();
    return listener;
  }
}
