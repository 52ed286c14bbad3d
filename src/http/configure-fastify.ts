import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Pipelines } from '../compile/pipelines.ts';
import type { Drain } from '../drain.ts';
import type { Clock } from '../kernel/clock.ts';
import { SluiceError } from '../kernel/errors.ts';
import { readJsonBody } from './read-json-body.ts';
import { notFound, routeOf } from './routes.ts';

/** Exactly JSON in UTF-8: whatever else a parser might take has been a way around validation elsewhere. */
const jsonContentType = /^application\/json(; ?charset=utf-8)?$/i;

/** Slow senders: the head must arrive within 10 s. The body has 30 s of its own, so this is only the net below them. */
export const serverTimeouts = { headersTimeout: 10_000, requestTimeout: 40_000, connectionsCheckingInterval: 5_000 };

/** Refuses what can be refused before the body is read, and reads bodies with the limit of their pipeline. */
export function configureFastify(fastify: FastifyInstance, pipelines: Pipelines, drain: Drain, clock: Clock): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    done(refusalOf(request, pipelines, drain));
  });
  // A body may take longer than the wait for the drain, and a run that begins behind it would be cut.
  fastify.addHook('preHandler', (request, _reply, done) => {
    done(drain.refusing && routeOf(request) !== undefined ? new SluiceError('DRAINING') : undefined);
  });
  fastify.removeAllContentTypeParsers();
  fastify.addContentTypeParser('*', (request: FastifyRequest, _payload, done) => {
    readJsonBody(request.raw, maxBodyBytes(request, pipelines), clock, done);
  });
}

function refusalOf(request: FastifyRequest, pipelines: Pipelines, drain: Drain): SluiceError | undefined {
  if (request.is404) return notFound(request);
  const route = routeOf(request);
  if (route === undefined) return undefined;
  if (drain.refusing) return new SluiceError('DRAINING');
  try {
    pipelines.acquire(route.pipeline).release();
  } catch (error) {
    return error as SluiceError;
  }
  return route.method !== 'POST' || isJson(request) ? undefined : new SluiceError('CONTENT_TYPE_UNSUPPORTED');
}

/** Of two content types Node shows the first only; who reads the other one must not be deceived. */
function isJson({ raw }: FastifyRequest): boolean {
  const { rawHeaders } = raw;
  let types = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 12 && name.toLowerCase() === 'content-type') types += 1;
  }
  return types === 1 && jsonContentType.test(raw.headers['content-type'] ?? '');
}

function maxBodyBytes(request: FastifyRequest, pipelines: Pipelines): number {
  const route = routeOf(request);
  if (route === undefined) return 0;
  const lease = pipelines.acquire(route.pipeline);
  lease.release();
  return lease.pipeline.maxBodyBytes;
}
