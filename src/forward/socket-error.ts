import { SluiceError, type ErrorOptions } from '../kernel/errors.ts';
import type { ErrorCode } from '../kernel/error-table.ts';

/** How far a request was when its socket failed: not yet written, waiting for the head, or reading the body. */
export type SocketPhase = 'connect' | 'head' | 'body';

const dnsCodes = /^(ENOTFOUND|EAI_|ENODATA|ESERVFAIL|EREFUSED|ENONAME|EBADNAME|EBADRESP|ETIMEOUT)/;
const tlsCodes =
  /^(ERR_TLS_|ERR_SSL_|ERR_OSSL_|CERT_|CRL_|UNABLE_TO_|HOSTNAME_|INVALID_|ERROR_IN_|EPROTO|PATH_LENGTH_)|SELF_SIGNED/;

/**
 * What undici, Node and OpenSSL report, as one of the UPSTREAM codes. A `SluiceError` stays what it is. A failure
 * before the request was written is never UPSTREAM_RESET: nothing was sent, so trying again is always safe.
 */
export function mapSocketError(
  error: unknown,
  phase: SocketPhase = 'connect',
  context: ErrorOptions['context'] = {},
): SluiceError {
  if (error instanceof SluiceError) return error;
  return new SluiceError(codeFor(error, phase), {
    cause: error,
    context: { ...context, phase, socketError: codeOf(error) },
  });
}

function codeFor(error: unknown, phase: SocketPhase): ErrorCode {
  const code = codeOf(error);
  // A header or a path that can't be sent: our own mistake, found before anything is written.
  if (code === 'UND_ERR_INVALID_ARG' || code === 'UND_ERR_NOT_SUPPORTED') return 'INTERNAL';
  if (phase === 'connect') return connectCode(code);
  return phase === 'head' ? headCode(code, error) : bodyCode(code, error);
}

function connectCode(code: string): ErrorCode {
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT') return 'UPSTREAM_CONNECT_TIMEOUT';
  if (dnsCodes.test(code)) return 'UPSTREAM_DNS';
  return tlsCodes.test(code) ? 'UPSTREAM_TLS' : 'UPSTREAM_CONNECT';
}

function headCode(code: string, error: unknown): ErrorCode {
  // In TLS 1.3 a server refuses the certificate of its client only when the handshake is over for the client.
  if (/^ERR_SSL_.*_ALERT_/.test(code)) return 'UPSTREAM_TLS';
  const isBadHead = isNotHttp(code) || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || isUnaskedInterim(code, error);
  return isBadHead ? 'UPSTREAM_BAD_CONTENT' : 'UPSTREAM_RESET';
}

function bodyCode(code: string, error: unknown): ErrorCode {
  if (code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH' || (isNotHttp(code) && isCutOff(code, error)))
    return 'UPSTREAM_TRUNCATED';
  if (isNotHttp(code)) return 'UPSTREAM_BAD_CONTENT';
  return isFin(code, error) ? 'UPSTREAM_TRUNCATED' : 'UPSTREAM_RESET';
}

/** True when the other side closed or reset the connection, in whatever words. */
export function isConnectionLoss(error: unknown): boolean {
  const code = codeOf(error);
  return isReset(error) || isFin(code, error) || (code === 'UND_ERR_SOCKET' && messageOf(error) === 'closed');
}

/** True for a connection that was torn down rather than closed. */
export function isReset(error: unknown): boolean {
  return /^(ECONNRESET|ECONNABORTED|EPIPE|ETIMEDOUT)$/.test(codeOf(error));
}

function isFin(code: string, error: unknown): boolean {
  return code === 'UND_ERR_SOCKET' && messageOf(error) === 'other side closed';
}

function isNotHttp(code: string): boolean {
  return code.startsWith('HPE_') || code === 'HTTPParserError' || code === 'UND_ERR_HEADERS_OVERFLOW';
}

/** The parser's own word for a FIN inside a chunked body. */
function isCutOff(code: string, error: unknown): boolean {
  return code === 'HPE_INVALID_EOF_STATE' || /invalid eof state/i.test(messageOf(error));
}

/** A `100 Continue` or a `101 Switching Protocols` that nobody asked for. */
function isUnaskedInterim(code: string, error: unknown): boolean {
  return code === 'UND_ERR_SOCKET' && /^bad (response|upgrade)$/.test(messageOf(error));
}

/** The code, else the name: undici 8 gives errors of its parser no code. Errors of Node core come from another realm in some test runners, so their shape decides and not their class. */
function codeOf(error: unknown): string {
  const { code, name } = Object(error) as { code?: unknown; name?: unknown };
  return textOf(code) ?? textOf(name) ?? typeof error;
}

function messageOf(error: unknown): string {
  return textOf((Object(error) as { message?: unknown }).message) ?? '';
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
