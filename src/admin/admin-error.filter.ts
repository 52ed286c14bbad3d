import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Dialects } from '../http/dialects.ts';
import { describeCause, SluiceError } from '../kernel/errors.ts';
import type { Log } from '../kernel/run.ts';

/** Answers every failure in the shape of the product's own format, and ends the connection. */
@Catch()
export class AdminErrorFilter implements ExceptionFilter {
  readonly #dialects: Dialects;
  readonly #log: Log;

  constructor(dialects: Dialects, log: Log) {
    this.#dialects = dialects;
    this.#log = log;
  }

  catch(thrown: unknown, host: ArgumentsHost): void {
    this.answer(thrown, host.switchToHttp().getRequest(), host.switchToHttp().getResponse());
  }

  /** Also for what the router refuses before anything of ours is called. */
  answer(thrown: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const error = toSluiceError(thrown);
    this.#log[error.code === 'INTERNAL' ? 'error' : 'info']('admin request refused', {
      request: request.id,
      code: error.code,
      status: error.status,
      ...(error.cause !== undefined && { cause: describeCause(error.cause) }),
    });
    // Whatever was wrong with a key, the answer is the same to the byte.
    const id = error.code === 'ADMIN_KEY_INVALID' ? 'none' : request.id;
    const { contentType, body } = this.#dialects.encoder('native').encodeError(error, id);
    reply.headers({ 'content-type': contentType, 'cache-control': 'no-store', connection: 'close' });
    if (error.code === 'ADMIN_KEY_INVALID') reply.header('www-authenticate', 'Bearer');
    if (error.code === 'METHOD_NOT_ALLOWED') reply.header('allow', String(error.details['allowed']));
    // As bytes, because to text Fastify adds a charset, which this type does not have.
    reply.status(error.status).send(Buffer.from(JSON.stringify(body)));
  }
}

function toSluiceError(thrown: unknown): SluiceError {
  if (thrown instanceof SluiceError) return thrown;
  const { status, statusCode = status ?? 500 } = Object(thrown) as { status?: number; statusCode?: number };
  return statusCode < 500 ? new SluiceError('ROUTE_UNKNOWN') : new SluiceError('INTERNAL', { cause: thrown });
}
