import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { SluiceError } from '../kernel/errors.ts';
import type { Log } from '../kernel/run.ts';
import type { Dialects } from './dialects.ts';

/** What Node's parser says of a request that it can't read. */
type ParserError = Error & { readonly code?: string };

/**
 * Answers bytes that are no HTTP request, in the native dialect because no path is known. Only a connection on which
 * nothing was answered yet gets words: on any other they would stand in the middle of a stream. Closes it in every case.
 */
export function refuseMalformed(error: ParserError, socket: Socket, dialects: Dialects, log: Log): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const refusal = refusalOf(error);
  log.info('request refused', { code: refusal.code, status: refusal.status, parser: error.code ?? error.name });
  const { contentType, body } = dialects.encoder('native').encodeError(refusal, 'none');
  const text = JSON.stringify(body);
  const head = [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status] ?? ''}`,
    `content-type: ${contentType}`,
    `content-length: ${Buffer.byteLength(text)}`,
    'cache-control: no-store',
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroy());
}

function refusalOf({ code }: ParserError): SluiceError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new SluiceError('BODY_TIMEOUT', { details: { seconds: 10 } });
  return new SluiceError(code === 'HPE_HEADER_OVERFLOW' ? 'HEAD_TOO_LARGE' : 'REQUEST_MALFORMED');
}
