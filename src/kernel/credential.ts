import type { Credential } from './component.ts';
import { SluiceError } from './errors.ts';
import { isPromise } from './supervise.ts';
import type { UpstreamRequest } from './upstream.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * Completes a request with a credential, for the credential's own origins only. Returns the header values that came with
 * it, which nobody else may ever see.
 */
export function applyCredential(
  credential: Credential,
  request: UpstreamRequest,
): readonly string[] | Promise<readonly string[]> {
  if (credential.origins !== '*' && !credential.origins.includes(request.origin))
    throw new SluiceError('CREDENTIAL_ORIGIN_MISMATCH');
  const before = { ...request.headers };
  const applied = credential.apply(request);
  return isPromise(applied)
    ? Promise.resolve(applied).then(() => addedValues(request, before))
    : addedValues(request, before);
}

function addedValues(request: UpstreamRequest, before: Readonly<Record<string, string>>): readonly string[] {
  for (const [name, value] of Object.entries(request.headers)) {
    if (!headerName.test(name) || !headerValue.test(value))
      throw new SluiceError('TOKEN_INVALID', { context: { header: name.replace(/[^\w-]/g, '?') } });
  }
  return Object.entries(request.headers)
    .filter(([name, value]) => before[name] !== value)
    .map(([, value]) => value);
}
