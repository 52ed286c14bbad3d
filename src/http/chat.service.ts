import type { FastifyReply, FastifyRequest } from 'fastify';
import { ChatRun } from '../compile/chat-run.ts';
import type { LiveRuns } from '../compile/live-runs.ts';
import type { Lease, Pipelines } from '../compile/pipelines.ts';
import type { Presented } from '../compile/run-of-request.ts';
import type { Capabilities } from '../kernel/capability.ts';
import type { PathFields } from '../kernel/component.ts';
import { SluiceError } from '../kernel/errors.ts';
import type { Forwarder } from '../kernel/forward.ts';
import { anonymousCaller } from '../kernel/run.ts';
import { Secret } from '../kernel/schema.ts';
import { selectableModels } from '../routing/select-backend.ts';
import { ClientReply } from './client-reply.ts';
import type { Dialects } from './dialects.ts';
import { checkUnknownFields } from './unknown-fields.ts';

/** Seconds after which a refused client may hope for a free place. */
const retryWhenFull = 1;

/** A request below `/pipelines/:name`. */
export type PipelineRequest = FastifyRequest<{ Params: { name: string; call?: string } }>;

/** Starts runs for the chat controllers: all that differs between them is the dialect. */
export class ChatService {
  readonly #pipelines: Pipelines;
  readonly #dialects: Dialects;
  readonly #capabilities: Capabilities;
  readonly #forwarder: Forwarder;
  readonly #runs: LiveRuns;

  constructor(
    pipelines: Pipelines,
    dialects: Dialects,
    capabilities: Capabilities,
    forwarder: Forwarder,
    runs: LiveRuns,
  ) {
    this.#pipelines = pipelines;
    this.#dialects = dialects;
    this.#capabilities = capabilities;
    this.#forwarder = forwarder;
    this.#runs = runs;
  }

  /** Parses the body and starts the run; from then on the reply belongs to it. Throws what must become an HTTP error. */
  chat(name: string, dialect: string, message: FastifyRequest, reply: FastifyReply, path?: PathFields): void {
    const lease = this.#pipelines.acquire(name);
    try {
      const run = this.#openRun(lease, dialect, message, reply, path);
      reply.hijack();
      this.#runs.add(run);
      run.start();
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  models(name: string, dialect: string): unknown {
    const lease = this.#pipelines.acquire(name);
    try {
      const { pipeline, loadedAt } = lease;
      const created = Math.floor(loadedAt / 1000);
      const models = selectableModels(pipeline).map((id) => ({
        id,
        created,
        ownedBy: 'sluice',
      }));
      return this.#dialects.encoder(dialect).encodeModels?.(models) ?? { models };
    } finally {
      lease.release();
    }
  }

  #openRun(
    lease: Lease,
    dialect: string,
    message: FastifyRequest,
    reply: FastifyReply,
    path: PathFields | undefined,
  ): ChatRun {
    const { pipeline } = lease;
    if (!pipeline.formats.includes(dialect))
      throw new SluiceError('DIALECT_NOT_ACCEPTED', { details: { name: pipeline.name, dialect } });
    if (lease.live > pipeline.limits.concurrentStreams)
      throw new SluiceError('OVERLOADED', { retryAfterSeconds: retryWhenFull });
    const known = checkUnknownFields(message.body, this.#dialects.fields(dialect), pipeline.unknownFields);
    const parsed = this.#dialects.parser(dialect).parse(known.body, path);
    const request = { ...parsed, params: pipeline.params(parsed.params) };
    const encoder = this.#dialects.encoder(dialect);
    return new ChatRun({
      id: message.id,
      pipeline,
      request,
      dropped: known.dropped,
      encoder,
      client: new ClientReply(reply.raw, message.raw.socket, this.#capabilities.clock, {
        streamType: encoder.streamType,
        encodeError: (error) => encoder.encodeError(error, message.id),
      }),
      caller: anonymousCaller,
      presented: presentedBy(message),
      capabilities: this.#capabilities,
      forwarder: this.#forwarder,
      onEnded: (run) => {
        this.#runs.remove(run);
        lease.release();
      },
    });
  }
}

/** Headers of a request as secrets: whatever a client sends in them, nothing of it shows by accident. */
function presentedBy({ headers }: FastifyRequest): Presented {
  return (name) => {
    const value = headers[name];
    return typeof value === 'string' && value !== '' ? new Secret(`header ${name}`, () => value) : undefined;
  };
}
