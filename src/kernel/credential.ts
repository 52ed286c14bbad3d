import type { Credential } from './component.ts';
import { SluiceError } from './errors.ts';
import type { UpstreamRequest } from './upstream.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Completes a request with a credential, for the credential's own origins only. */
export function applyCredential(credential: Credential, request: UpstreamRequest): void {
  if (credential.origins !== '*' && !credential.origins.includes(request.origin)) throw new SluiceError('CREDENTIAL_ORIGIN_MISMATCH');
  credential.apply(request);
  for (const [name, value] of Object.entries(request.headers)) {
    if (!headerName.test(name) || !headerValue.test(value)) throw new SluiceError('TOKEN_INVALID', { context: { header: name.replace(/[^\w-]/g, '?') } });
  }
}
