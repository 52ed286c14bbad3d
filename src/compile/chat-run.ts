import type { AnswerBody } from '../kernel/answer-body.ts';
import { AnswerPipe } from '../kernel/answer-pipe.ts';
import type { UsageFold } from '../kernel/answer.ts';
import type { ClientAnswer, ClientListener } from '../kernel/client-answer.ts';
import type { Encoder, EncodeContext, StreamEncoder } from '../kernel/component.ts';
import { asSluiceError, breaksAnswer, describeCause, SluiceError } from '../kernel/errors.ts';
import type { AnswerEvent } from '../kernel/event.ts';
import type { AnswerReceiver, Forwarder } from '../kernel/forward.ts';
import { readRateLimits, type RateLimits } from '../kernel/dialects/rate-limits.ts';
import type { ChatRequest } from '../kernel/request.ts';
import { currentRun, type Caller, type RunScope } from '../kernel/run.ts';
import { isPromise } from '../kernel/supervise.ts';
import type { Watched } from '../kernel/ticker.ts';
import type { UpstreamHead } from '../kernel/upstream.ts';
import type { Capabilities } from '../kernel/capability.ts';
import { lossOfField } from '../kernel/losses.ts';
import { selectBackend } from '../routing/select-backend.ts';
import { answerHeaders } from './answer-headers.ts';
import { openAnswer } from './open-answer.ts';
import { clientFailure } from './client-failure.ts';
import type { CompiledBackend, CompiledPipeline } from './compiled-pipeline.ts';
import { prepareRequest, type Prepared } from './prepare-request.ts';
import { RunOfRequest, type Presented } from './run-of-request.ts';
import { recordRun, type Outcome } from './run-record.ts';
import { streamStart } from './stream-start.ts';
import { UpstreamLeg } from './upstream-leg.ts';

/** Why the signal of a run that ended well is aborted. */
const runOver = new SluiceError('CLIENT_GONE');

export interface ChatRunOptions {
  readonly id: string;
  readonly pipeline: CompiledPipeline;
  readonly request: ChatRequest;
  /** Unknown fields of the body that were left out. */
  readonly dropped?: readonly string[];
  readonly encoder: Encoder;
  readonly client: ClientAnswer;
  readonly caller: Caller;
  readonly presented: Presented;
  readonly capabilities: Capabilities;
  readonly forwarder: Forwarder;
  /** Called exactly once, whatever the end. */
  readonly onEnded: (run: ChatRun) => void;
}

/**
 * One request through one pipeline, from the parsed request to the last byte. It owns everything that belongs to the
 * run and ends all of it exactly once: as complete, failed, or left by its client.
 */
export class ChatRun implements ClientListener, Watched, RunScope, AnswerReceiver {
  readonly runId: string;
  readonly #options: ChatRunOptions;
  readonly #run: RunOfRequest;
  readonly #startedAt: number;
  readonly #stream: StreamEncoder;
  readonly #context: EncodeContext;
  readonly #pauses = { client: false, modifier: false };
  /** That of the attempt which is under way. */
  #answer: AnswerPipe | AnswerBody | undefined;
  /** Of attempts that were thrown away. */
  readonly #usages: (UsageFold | undefined)[] = [];
  /** What each processor did, for the record. */
  readonly #steps: Record<string, string> = {};
  #backend: CompiledBackend;
  #leg: UpstreamLeg | undefined;
  /** What the provider says about its limits. */
  #limits: RateLimits | undefined;
  #ended = false;
  #firstContentAt: number | undefined;

  constructor(options: ChatRunOptions) {
    const { pipeline, request, encoder, capabilities, caller, presented, client } = options;
    const { clock } = capabilities;
    this.#options = options;
    this.runId = options.id;
    this.#startedAt = clock.now();
    this.#run = new RunOfRequest({
      id: options.id,
      pipeline: pipeline.name,
      revision: pipeline.revision,
      caller,
      presented,
      params: request.params,
      deadline: this.#startedAt + pipeline.limits.maxStreamDuration,
      clock,
      log: capabilities.log,
      meter: capabilities.meter,
      onProgress: (step, message, data) =>
        this.#show({ type: 'step.progress', processorId: step, message, ...(data !== undefined && { data }) }),
    });
    for (const field of options.dropped ?? []) this.#run.lose(lossOfField(field));
    this.#backend = selectBackend(request.model, pipeline);
    this.#context = { run: this.#run, request, created: Math.floor(clock.wallTime() / 1000) };
    this.#stream = encoder.open(this.#context);
    client.setHeaders(() =>
      answerHeaders({
        run: this.#run,
        plan: pipeline.output.debug ? pipeline.plan : undefined,
        encoder,
        backend: this.#backend.name,
        attempts: this.#leg?.attempts ?? 0,
        limits: this.#limits,
      }),
    );
  }

  get frames(): AnswerPipe | AnswerBody {
    return this.#requireAnswer();
  }

  get terminated(): boolean {
    return this.#answer?.terminated === true;
  }

  get progress(): number {
    return this.#answer?.progress ?? 0;
  }

  start(): void {
    const { client, capabilities, request } = this.#options;
    currentRun.run(this, () => {
      client.listen(this);
      capabilities.ticker.watch(this);
      if (request.stream) client.open(this.#stream.encode(streamStart(this.#run, request)));
      this.#guarded(() => this.#begin());
    });
  }

  /** Ends the run and cuts its connection. */
  drop(): void {
    this.#end('error', new SluiceError('DRAINING'), () => undefined);
    this.#options.client.drop();
  }

  /** Ends the run with an error, from wherever it is. Later calls do nothing. */
  fail(cause: unknown): void {
    const error = clientFailure(cause, this.#leg?.secrets ?? []);
    // What is held of a broken answer leaves before its error, where the client has seen its beginning.
    if (!this.#ended && this.#options.client.headCommitted && breaksAnswer(error)) this.#answer?.fail();
    this.#end('error', error, (client) => client.fail(error, client.headCommitted ? this.#stream.fail(error) : ''));
  }

  // ---- the client ----

  onDrain(): void {
    this.#pause('client', false);
  }

  onGone(): void {
    this.#end('client-gone', new SluiceError('CLIENT_GONE'), () => undefined);
  }

  onTickFailure(error: unknown): void {
    this.fail(error);
  }

  onTick(now: number): void {
    const { client, pipeline, request } = this.#options;
    const { heartbeat, commitAfter, clientStall } = pipeline.output;
    if (this.#ended) {
      if (client.stalledSince !== undefined && now - client.stalledSince >= clientStall) client.drop();
      return;
    }
    if (now >= this.#run.deadline) {
      this.fail(new SluiceError('STREAM_TOO_LONG', { details: { seconds: pipeline.limits.maxStreamDuration / 1000 } }));
      return;
    }
    if (client.stalledSince !== undefined) {
      if (now - client.stalledSince >= clientStall) this.#giveUp(clientStall);
      return;
    }
    if (!request.stream) return;
    if (client.headCommitted) {
      if (now - client.lastWrite >= heartbeat) this.#write(this.#stream.heartbeat);
    } else if (now - this.#startedAt >= commitAfter) {
      this.#write(this.#stream.heartbeat);
    }
  }

  // ---- the answer, as the forwarder brings it ----

  onAccepted(head: UpstreamHead): void {
    this.#limits = readRateLimits(head.headers, this.#run.clock.wallTime());
  }

  onReadEnd(): void {
    this.#guarded(() => {
      if (this.#answer instanceof AnswerPipe) this.#answer.flush();
    });
  }

  onBody(body: string): void {
    this.#guarded(() =>
      this.#requireAnswer().takeBody(body, (text) => this.#backend.backend.decodeBody(text, this.#options.request)),
    );
  }

  onRejected(head: UpstreamHead, body: string): void {
    this.#guarded(() => {
      this.onAccepted(head);
      this.#refused(this.#backend.backend.decodeError(head, body));
    });
  }

  onComplete(): void {
    this.#guarded(() => {
      const answer = this.#requireAnswer();
      answer.end();
      if (answer.lacksTerminator) this.#run.meter.count('terminator_missing');
    });
  }

  onError(error: SluiceError): void {
    this.#failed(error);
  }

  /** The provider says in a head, a frame or a document what is wrong. Another attempt begins with an answer of its own. */
  #refused(error: SluiceError): void {
    const [leg, before] = [this.#leg, this.#answer];
    const failure = leg === undefined ? error : leg.retry(error, before?.hasLeft);
    if (leg === undefined || failure !== undefined) return this.fail(failure);
    this.#usages.push(before?.usage);
    before?.close();
    // Nobody waits any more for a modifier of the answer that is closed.
    this.#pause('modifier', false);
    this.#openUpstream(leg);
  }

  // ---- the way of the request ----

  #begin(): void {
    const { pipeline, request } = this.#options;
    const prepared = prepareRequest(pipeline, request, this.#run, {
      onWait: (step) => this.#show({ type: 'step.start', processorId: step }),
      onWaitEnd: (step) => this.#show({ type: 'step.end', processorId: step }),
      onStep: (step, result) => void (this.#steps[step] = result),
    });
    if (!isPromise(prepared)) return this.#send(prepared);
    prepared.then(
      (ready) => this.#guarded(() => this.#send(ready)),
      (error: unknown) => this.fail(error),
    );
  }

  #send(prepared: Prepared): void {
    if (this.#ended) return;
    if ('answer' in prepared) {
      const answer = this.#openAnswer(this.#options.request, false);
      answer.push(prepared.answer);
      answer.push([{ type: 'stream.end', outcome: 'ok' }]);
      return;
    }
    const { request, backend } = prepared;
    const { forwarder, pipeline } = this.#options;
    const { limits } = pipeline;
    this.#backend = backend;
    const onFailed = (error: unknown): void => this.fail(error);
    const leg = new UpstreamLeg({ request, backend, run: this.#run, forwarder, limits, receiver: this, onFailed });
    this.#leg = leg;
    this.#openUpstream(leg);
    if (this.#pauses.client || this.#pauses.modifier) leg.pause();
    leg.start();
  }

  #openUpstream({ request, backend: { type, backend } }: UpstreamLeg): void {
    this.#openAnswer(request, type === this.#options.encoder.dialect).attach(backend.decode(request));
  }

  #openAnswer(request: ChatRequest, sameDialect: boolean): AnswerPipe | AnswerBody {
    const output = {
      write: (frames: string) => this.#writeContent(frames),
      complete: (frames: string) => this.#complete((client) => client.end(frames)),
      json: (body: string) => this.#complete((client) => client.endWithJson(body)),
      pause: (paused: boolean) => this.#pause('modifier', paused),
      fail: (error: SluiceError) => this.fail(error),
      began: () => this.#leg?.accept(),
      ended: () => this.#leg?.abort(),
    };
    const { pipeline, encoder } = this.#options;
    const client = { encoder, stream: this.#stream, context: this.#context };
    this.#answer = openAnswer({ run: this.#run, pipeline, request, sameDialect, client, output });
    return this.#answer;
  }

  // ---- towards the client ----

  #writeContent(frames: string): void {
    if (this.#ended) return;
    this.#firstContentAt ??= this.#run.clock.now();
    this.#write(frames);
  }

  #write(frames: string): void {
    if (!this.#options.client.write(frames)) this.#pause('client', true);
  }

  /** Shows an event beside the answer; a dialect without a form for it shows nothing. */
  #show(event: AnswerEvent): void {
    // What a client does not read is not kept for it.
    if (this.#ended || this.#pauses.client || !this.#options.request.stream) return;
    const frames = this.#stream.encode(event);
    if (frames !== '') this.#write(frames);
  }

  /** The client has not read for so many milliseconds. */
  #giveUp(stall: number): void {
    const error = new SluiceError('CLIENT_SLOW', { details: { seconds: stall / 1000 } });
    this.#end('client-slow', error, (client) => client.drop());
  }

  #pause(reason: 'client' | 'modifier', paused: boolean): void {
    if (this.#pauses[reason] === paused) return;
    this.#pauses[reason] = paused;
    if (this.#pauses.client || this.#pauses.modifier) this.#leg?.pause();
    else this.#leg?.resume();
  }

  #complete(send: (client: ClientAnswer) => void): void {
    this.#firstContentAt ??= this.#run.clock.now();
    this.#end(this.#answer?.outcome ?? 'ok', undefined, send);
  }

  /** The one end of a run. Whatever fails in it, the run is recorded and leaves its place. */
  #end(outcome: Outcome, error: SluiceError | undefined, tell: (client: ClientAnswer) => void): void {
    if (this.#ended) return;
    this.#ended = true;
    const { client, capabilities } = this.#options;
    currentRun.run(this, () => {
      try {
        // After its terminator an upstream may close in its own time, so that the connection can serve again.
        if (error !== undefined || !this.terminated) this.#leg?.abort();
        this.#leg?.end();
        this.#record(outcome, error);
        this.#answer?.close();
        this.#run.end(error ?? runOver);
        tell(client);
      } catch (failure) {
        capabilities.log.error('a run did not end cleanly', { run: this.runId, error: describeCause(failure) });
        client.drop();
      } finally {
        this.#leave();
      }
    });
  }

  /** The run keeps its place until the client has its last byte: a drain cuts nothing, and who reads nothing is given up. */
  #leave(): void {
    const { capabilities, client, onEnded } = this.#options;
    client.whenSent(() => {
      capabilities.ticker.unwatch(this);
      onEnded(this);
    });
  }

  #record(outcome: Outcome, error: SluiceError | undefined): void {
    recordRun({
      run: this.#run,
      backend: this.#backend.name,
      attempts: this.#leg?.attempts ?? 0,
      tokenProvider: this.#backend.token?.name,
      outcome,
      error,
      startedAt: this.#startedAt,
      firstContentAt: this.#firstContentAt,
      steps: this.#steps,
      matches: () => this.#answer?.matches() ?? [],
      earlyEnds: this.#answer?.earlyEnds ?? [],
      usages: [...this.#usages, this.#answer?.usage],
      lost: this.#run.lost,
    });
  }

  #requireAnswer(): AnswerPipe | AnswerBody {
    if (this.#answer === undefined)
      throw new SluiceError('INTERNAL', { context: { reason: 'an answer before the request was sent' } });
    return this.#answer;
  }

  #guarded(action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#failed(error);
    }
  }

  #failed(error: unknown): void {
    if (this.#answer?.isFailure(error) === true) this.#guarded(() => this.#refused(asSluiceError(error)));
    else this.fail(error);
  }
}
