import { describe, expect, it } from '@jest/globals';
import { mapSocketError } from '../../src/forward/socket-error.ts';

describe('mapSocketError', () => {
  it.each([
    ['ECONNREFUSED', 'connect', 'UPSTREAM_CONNECT'],
    ['EHOSTUNREACH', 'connect', 'UPSTREAM_CONNECT'],
    ['ENETUNREACH', 'connect', 'UPSTREAM_CONNECT'],
    ['ECONNRESET', 'connect', 'UPSTREAM_CONNECT'],
    ['ETIMEDOUT', 'connect', 'UPSTREAM_CONNECT_TIMEOUT'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connect', 'UPSTREAM_CONNECT_TIMEOUT'],
    ['ENOTFOUND', 'connect', 'UPSTREAM_DNS'],
    ['EAI_AGAIN', 'connect', 'UPSTREAM_DNS'],
    ['EAI_FAIL', 'connect', 'UPSTREAM_DNS'],
    ['CERT_HAS_EXPIRED', 'connect', 'UPSTREAM_TLS'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connect', 'UPSTREAM_TLS'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'connect', 'UPSTREAM_TLS'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connect', 'UPSTREAM_TLS'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connect', 'UPSTREAM_TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'connect', 'UPSTREAM_TLS'],
    ['EPROTO', 'connect', 'UPSTREAM_TLS'],
    ['EMFILE', 'connect', 'UPSTREAM_CONNECT'],
    ['ECONNRESET', 'head', 'UPSTREAM_RESET'],
    ['EPIPE', 'head', 'UPSTREAM_RESET'],
    ['UND_ERR_SOCKET', 'head', 'UPSTREAM_RESET'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'head', 'UPSTREAM_TLS'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'head', 'UPSTREAM_TLS'],
    ['HPE_INVALID_CONSTANT', 'head', 'UPSTREAM_BAD_CONTENT'],
    ['UND_ERR_HEADERS_OVERFLOW', 'head', 'UPSTREAM_BAD_CONTENT'],
    ['ECONNRESET', 'body', 'UPSTREAM_RESET'],
    ['HPE_INVALID_EOF_STATE', 'body', 'UPSTREAM_TRUNCATED'],
    ['UND_ERR_RES_CONTENT_LENGTH_MISMATCH', 'body', 'UPSTREAM_TRUNCATED'],
    ['HPE_INVALID_CHUNK_SIZE', 'body', 'UPSTREAM_BAD_CONTENT'],
    ['UND_ERR_INVALID_ARG', 'connect', 'INTERNAL'],
  ] as const)('%s while %s is %s', (code, phase, expected) => {
    const mapped = mapSocketError(Object.assign(new Error('at 10.0.0.1'), { code }), phase);
    expect([mapped.code, mapped.context]).toEqual([expected, { phase, socketError: code }]);
    expect(mapped.message).not.toContain('10.0.0.1');
  });

  it.each([undefined, null, 'text', 7, {}])('takes %p too', (thrown) => {
    expect(mapSocketError(thrown).code).toBe('UPSTREAM_CONNECT');
  });
});
