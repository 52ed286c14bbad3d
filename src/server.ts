import 'reflect-metadata';
import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { startAdmin, type AdminServer } from './admin/start-admin.ts';
import { AppModule, type AppOptions } from './app.module.ts';
import { EngineView } from './compile/engine-view.ts';
import { Pipelines } from './compile/pipelines.ts';
import { PipelineFolder } from './definitions/pipeline-folder.ts';
import { Drain } from './drain.ts';
import type { Clock } from './kernel/clock.ts';
import { HttpCalls } from './forward/http-calls.ts';
import { configureFastify, serverTimeouts } from './http/configure-fastify.ts';
import { Dialects } from './http/dialects.ts';
import { refuseMalformed } from './http/refuse-malformed.ts';
import { ErrorFilter } from './http/error.filter.ts';
import { NumberMeter } from './observability/meter.ts';
import { NestLog } from './observability/nest-log.ts';
import { SecretFiles } from './state/secret-files.ts';

/** A segment of a path may hold the name of a model and what is asked of it. */
const maxSegmentCharacters = 512;

/** Milliseconds that components have to let go of what they hold. */
const disposeTimeout = 10_000;

/** A running engine. */
export interface SluiceServer {
  /** Such as `http://127.0.0.1:8787`, with the port that was really taken. */
  readonly origin: string;
  readonly engine: EngineView;
  /** Undefined where the environment asks for none. */
  readonly admin: Pick<AdminServer, 'origin' | 'routes'> | undefined;
  /** Ends without losing a stream: see Drain. Resolves when everything is closed. */
  drain(): Promise<void>;
  /** Ends at once; open streams are cut. */
  close(): Promise<void>;
}

/** Loads the pipelines, watches their folder and listens. Rejects where the address can't be had. */
export async function startServer(options: AppOptions): Promise<SluiceServer> {
  const { environment, log } = options;
  let filter: ErrorFilter | undefined;
  const adapter = new FastifyAdapter({
    // No Nest middleware is used: without its engine every request is cheaper.
    skipMiddie: true,
    genReqId: () => randomUUID(),
    requestTimeout: serverTimeouts.requestTimeout,
    routerOptions: { maxParamLength: maxSegmentCharacters },
    http: serverTimeouts,
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, app.get(Dialects), log),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      filter?.answer(error, request, reply),
  });
  const app = await NestFactory.create<NestFastifyApplication>(AppModule.register(options), adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  const pipelines = app.get(Pipelines);
  const folder = app.get(PipelineFolder);
  const drain = app.get(Drain);
  configureFastify(adapter.getInstance(), pipelines, drain, options.clock);
  filter = new ErrorFilter(app.get(Dialects), log, app.get(NumberMeter));
  app.useGlobalFilters(filter);
  const watching = folder.snapshots().subscribe((snapshot) => pipelines.apply(snapshot));
  watching.add(folder.looks().subscribe(() => pipelines.lookAgain()));
  pipelines.apply(await folder.read());
  const server = adapter.getHttpServer() as HttpServer;
  let admin: AdminServer | undefined;
  const close = async (): Promise<void> => {
    watching.unsubscribe();
    await folder.close();
    server.closeAllConnections();
    await app.close();
    await app.get(HttpCalls).close();
    void pipelines.close();
    await app.get(SecretFiles).close();
    // To the last, so that an operator sees what a drain waits for.
    await admin?.close();
  };
  try {
    if (environment.admin !== undefined) {
      const dialects = app.get(Dialects);
      const engine = app.get(EngineView);
      admin = await startAdmin({ listener: environment.admin, engine, dialects, clock: options.clock, log });
    }
    await app.listen(environment.port, environment.host);
  } catch (error) {
    await close();
    throw error;
  }
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://${environment.host.includes(':') ? `[${environment.host}]` : environment.host}:${port}`,
    engine: app.get(EngineView),
    admin,
    drain: async () => {
      await drain.run(() => server.close());
      // What they do in the background may hold the only copy of something, such as a token that was just replaced.
      await within(disposeTimeout, options.clock, pipelines.close());
      await close();
    },
    close,
  };
}

/** Resolves with `promise`, or after so long without it. */
async function within(milliseconds: number, clock: Clock, promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<undefined>();
  const timer = clock.after(milliseconds, () => late.resolve(undefined));
  await Promise.race([promise, late.promise]);
  timer.cancel();
}
