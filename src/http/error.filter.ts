import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { ErrorCode } from '../kernel/error-table.ts';
import { describeCause, SluiceError } from '../kernel/errors.ts';
import type { Log, Meter } from '../kernel/run.ts';
import type { Dialects } from './dialects.ts';
import { dialectOf, notFound } from './routes.ts';

/** After these the connection is not used again. */
const endsConnection: ReadonlySet<ErrorCode> = new Set(['BODY_TOO_LARGE', 'BODY_TIMEOUT', 'DRAINING']);

/** Answers every failure before a stream begins, in the dialect of the path: also 404, 405, 413 and 415. */
@Catch()
export class ErrorFilter implements ExceptionFilter {
  readonly #dialects: Dialects;
  readonly #log: Log;
  readonly #meter: Meter;

  constructor(dialects: Dialects, log: Log, meter: Meter) {
    this.#dialects = dialects;
    this.#log = log;
    this.#meter = meter;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    this.answer(
      thrown,
      host.switchToHttp().getRequest<FastifyRequest>(),
      host.switchToHttp().getResponse<FastifyReply>(),
    );
  }

  /** Also for what the router refuses before anything of ours is called. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toSluiceError(thrown, request);
    if (error.kind === 'client' && error.status === 499) {
      this.#meter.count('aborted_ingress');
      request.raw.socket.destroy();
      return;
    }
    const level = error.code === 'INTERNAL' ? 'error' : 'info';
    this.#log[level]('request refused', {
      run: request.id,
      code: error.code,
      status: error.status,
      ...error.context,
      ...(error.cause !== undefined && { cause: describeCause(error.cause) }),
    });
    const {
      contentType,
      body,
      status = error.status,
    } = this.#dialects.encoder(dialectOf(request)).encodeError(error, request.id);
    reply
      .header('content-type', contentType)
      .header('cache-control', 'no-store')
      .header('x-sluice-run', request.id)
      .header('x-request-id', request.id)
      .header('request-id', request.id);
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.ceil(error.retryAfterSeconds)));
    if (error.code === 'METHOD_NOT_ALLOWED') reply.header('allow', String(error.details['allowed']));
    // What is left of an unread body would be taken for the next request.
    if (endsConnection.has(error.code)) reply.header('connection', 'close');
    // As bytes, because to text Fastify adds a charset, which these types do not have.
    reply.status(status).send(Buffer.from(JSON.stringify(body)));
  }
}

function toSluiceError(thrown: unknown, request: FastifyRequest): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const { status, statusCode, code } = Object(thrown) as { status?: number; statusCode?: number; code?: string };
  const httpStatus = status ?? statusCode ?? 500;
  if (code === 'FST_ERR_BAD_URL' || code === 'FST_ERR_MAX_PARAM_LENGTH') return notFound(request, true);
  if (httpStatus === 404) return notFound(request);
  if (httpStatus === 413) return new SluiceError('BODY_TOO_LARGE', { details: { limit: '?' } });
  if (httpStatus === 415) return new SluiceError('CONTENT_TYPE_UNSUPPORTED');
  if (httpStatus < 500)
    return new SluiceError('BODY_INVALID', { details: { reason: code ?? 'malformed request' }, cause: thrown });
  return new SluiceError('INTERNAL', { cause: thrown });
}
