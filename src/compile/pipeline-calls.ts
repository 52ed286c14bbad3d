import type { ChatAnswer } from '../kernel/answer.ts';
import type { Capabilities } from '../kernel/capability.ts';
import type { ClientAnswer, ClientListener } from '../kernel/client-answer.ts';
import type { Encoder, StreamEncoder } from '../kernel/component.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import type { Forwarder } from '../kernel/forward.ts';
import type { PipelineAnswer, PipelineCall, PipelineCaller } from '../kernel/pipeline-caller.ts';
import type { ChatRequest, Message } from '../kernel/request.ts';
import type { Run } from '../kernel/run.ts';
import type { Secret } from '../kernel/schema.ts';
import { ChatRun } from './chat-run.ts';
import type { CompiledPipeline } from './compiled-pipeline.ts';
import type { LiveRuns } from './live-runs.ts';
import type { Pipelines } from './pipelines.ts';

/** What a call needs of the engine. It is there when everything has been built. */
export interface Engine {
  readonly pipelines: Pipelines;
  readonly capabilities: Capabilities;
  readonly forwarder: Forwarder;
  readonly runs: LiveRuns;
}

/**
 * Calls of one pipeline by another: runs like those of clients, with a record of their own, whose id is that of the
 * calling run and a number. They count for the limits of the called pipeline, and a drain waits for them.
 */
export class PipelineCalls implements PipelineCaller {
  #engine: Engine | undefined;
  #calls = 0;
  /** By the id of a called run: its pipeline and those that wait for it, the outermost first. */
  readonly #ways = new Map<string, readonly string[]>();

  /** Components are given their capabilities before there are pipelines to call. */
  serve(engine: Engine): void {
    this.#engine = engine;
  }

  async call(name: string, call: PipelineCall, run: Run): Promise<PipelineAnswer> {
    if (this.#engine === undefined)
      throw new SluiceError('INTERNAL', { context: { reason: 'called before the start' } });
    if (run.signal.aborted) throw asSluiceError(run.signal.reason);
    const { pipelines, capabilities, forwarder, runs } = this.#engine;
    const way = wayTo(name, this.#ways.get(run.id) ?? [run.pipeline]);
    const lease = pipelines.acquire(name);
    this.#calls += 1;
    const id = `${run.id}.${this.#calls}`;
    try {
      const { pipeline } = lease;
      if (lease.live > pipeline.limits.concurrentStreams) throw new SluiceError('OVERLOADED');
      this.#ways.set(id, way);
      const request = requestOf(call, pipeline);
      return await new Promise<PipelineAnswer>((resolve, reject) => {
        const client = new InProcessClient(run.signal, { resolve, reject });
        const onEnded = (ended: ChatRun): void => runs.remove(ended);
        const encoder = inProcess;
        const shared = { pipeline, request, encoder, client, capabilities, forwarder, onEnded };
        // The called one acts for the same client.
        const presented = (header: string): Secret | undefined => run.presented(header);
        const child = new ChatRun({ id, caller: run.caller, presented, ...shared });
        runs.add(child);
        child.start();
      });
    } finally {
      this.#ways.delete(id);
      lease.release();
    }
  }
}

/**
 * Circles are refused when definitions are loaded. While the newest one of a pipeline is refused, its last good one goes
 * on, and with that there may be a circle which no check has seen.
 */
function wayTo(name: string, before: readonly string[]): readonly string[] {
  const way = [...before, name];
  if (!before.includes(name)) return way;
  const reason = `these pipelines call each other for ever: ${way.join(' -> ')}`;
  throw new SluiceError('DEFINITION_INVALID', { details: { name, count: 1 }, context: { reason } });
}

function requestOf({ system, user, params = {} }: PipelineCall, pipeline: CompiledPipeline): ChatRequest {
  return {
    dialect: inProcess.dialect,
    stream: false,
    settings: {},
    tools: [],
    messages: [...(system === undefined ? [] : [say('system', system)]), say('user', user)],
    metadata: {},
    params: pipeline.params(params),
  };
}

function say(role: Message['role'], text: string): Message {
  return { role, content: [{ kind: 'text', text }] };
}

function answerOf({ choices: [choice] }: ChatAnswer): PipelineAnswer {
  const text = (choice?.blocks ?? []).map((block) => (block.kind === 'text' ? block.text : '')).join('');
  return { text, finish: choice?.finish?.reason.unified ?? 'stop' };
}

/** Nothing of a call is streamed. */
const silent: StreamEncoder = {
  heartbeat: '',
  encode: () => '',
  encodeText: () => '',
  copies: () => false,
  fail: () => '',
  end: () => '',
};

/** Of the answer to a call only what the caller wants is handed over. */
const inProcess: Encoder = {
  dialect: 'in-process',
  open: () => silent,
  encodeAnswer: answerOf,
  encodeError: (error) => ({ contentType: 'application/json', body: { code: error.code } }),
};

interface Settle {
  resolve(answer: PipelineAnswer): void;
  reject(error: SluiceError): void;
}

/** The run that calls, as the client of the run that is called. */
class InProcessClient implements ClientAnswer {
  readonly headCommitted = false;
  readonly lastWrite = 0;
  readonly stalledSince = undefined;
  readonly #signal: AbortSignal;
  readonly #settle: Settle;
  #onAbort: (() => void) | undefined;

  constructor(signal: AbortSignal, settle: Settle) {
    this.#signal = signal;
    this.#settle = settle;
  }

  setHeaders(): void {
    // There is no head.
  }

  listen(listener: ClientListener): void {
    this.#onAbort = () => {
      listener.onGone();
      this.#end();
      this.#settle.reject(asSluiceError(this.#signal.reason));
    };
    this.#signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  open(): void {
    // Nothing is streamed.
  }

  write(): boolean {
    return true;
  }

  end(): void {
    this.fail(new SluiceError('INTERNAL', { context: { reason: 'a call was answered as a stream' } }));
  }

  endWithJson(body: string): void {
    this.#end();
    this.#settle.resolve(JSON.parse(body) as PipelineAnswer);
  }

  fail(error: SluiceError): void {
    this.#end();
    this.#settle.reject(error);
  }

  whenSent(callback: () => void): void {
    callback();
  }

  drop(): void {
    this.fail(new SluiceError('DRAINING'));
  }

  #end(): void {
    if (this.#onAbort !== undefined) this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
