import { randomUUID } from 'node:crypto';
import type { Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { EngineView } from '../compile/engine-view.ts';
import type { AdminListener } from '../config/admin-listener.ts';
import { serverTimeouts } from '../http/configure-fastify.ts';
import type { Dialects } from '../http/dialects.ts';
import { refuseMalformed } from '../http/refuse-malformed.ts';
import type { Clock } from '../kernel/clock.ts';
import type { Log } from '../kernel/run.ts';
import { NestLog } from '../observability/nest-log.ts';
import { AdminErrorFilter } from './admin-error.filter.ts';
import { AdminGate } from './admin-gate.ts';
import { AdminHosts, urlHost } from './admin-hosts.ts';
import { AdminKey } from './admin-key.ts';
import { AdminModule } from './admin.module.ts';

export interface AdminOptions {
  readonly listener: AdminListener;
  readonly engine: EngineView;
  readonly dialects: Dialects;
  readonly clock: Clock;
  readonly log: Log;
}

/** The admin API while it listens. */
export interface AdminServer {
  /** Such as `http://127.0.0.1:8788`, with the port that was really taken. */
  readonly origin: string;
  /** Paths of all routes; each of them takes GET. */
  readonly routes: readonly string[];
  close(): Promise<void>;
}

/** Opens the admin API on a listener of its own, with guards of its own. Rejects where the address can't be had. */
export async function startAdmin({ listener, engine, dialects, clock, log }: AdminOptions): Promise<AdminServer> {
  const { host, port } = listener;
  const gate = new AdminGate(new AdminHosts(host), new AdminKey(listener.openKey(clock)));
  const filter = new AdminErrorFilter(dialects, log);
  const adapter = new FastifyAdapter({
    skipMiddie: true,
    exposeHeadRoutes: false,
    genReqId: () => randomUUID(),
    requestTimeout: serverTimeouts.requestTimeout,
    // Who names no host is refused by the gate, in our words.
    http: { ...serverTimeouts, requireHostHeader: false },
    forceCloseConnections: true,
    clientErrorHandler: (error, socket) => refuseMalformed(error, socket, dialects, log),
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) =>
      filter.answer(gate.refusalOf(request) ?? error, request, reply),
  });
  gate.install(adapter.getInstance());
  const app = await NestFactory.create<NestFastifyApplication>(AdminModule.register(engine), adapter, {
    logger: new NestLog(log),
    bodyParser: false,
    abortOnError: false,
  });
  app.useGlobalFilters(filter);
  const server = adapter.getHttpServer() as HttpServer;
  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await app.close();
  };
  try {
    await app.listen(port, host);
  } catch (cause) {
    await close();
    throw new Error(`the admin API could not start on ${urlHost(host)}:${port}`, { cause });
  }
  const origin = `http://${urlHost(host)}:${(server.address() as AddressInfo).port}`;
  log.info('the admin API listens', { origin });
  return { origin, routes: gate.routes, close };
}
