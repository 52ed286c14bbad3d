import { SluiceError } from './errors.ts';
import { isPromise } from './supervise.ts';
import { tokenInvalid } from './tokens/token-failure.ts';
import type { Credential } from './tokens/token-provider.ts';
import type { UpstreamRequest } from './upstream.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;
/** What may stand in a request line; a fragment is not sent. */
const queryText = /^[\x21\x22\x24-\x7e]*$/;

/**
 * Completes a request with a credential, for the credential's own origins only. Returns the values that came with it, in
 * headers or in the query and in each form in which they may be repeated; nobody else may ever see them.
 */
export function applyCredential(
  credential: Credential,
  request: UpstreamRequest,
): readonly string[] | Promise<readonly string[]> {
  if (credential.origins !== '*' && !credential.origins.includes(request.origin))
    throw new SluiceError('CREDENTIAL_ORIGIN_MISMATCH');
  const before = { path: request.path, headers: { ...request.headers } };
  const applied = credential.apply(request);
  return isPromise(applied)
    ? Promise.resolve(applied).then(() => addedValues(request, before))
    : addedValues(request, before);
}

type Before = Pick<UpstreamRequest, 'path' | 'headers'>;

function addedValues(request: UpstreamRequest, before: Before): readonly string[] {
  const changed: string[] = [];
  for (const [name, value] of Object.entries(request.headers)) {
    if (!headerName.test(name) || !headerValue.test(value))
      throw tokenInvalid('the credential makes no proper header', {
        context: { header: name.replace(/[^\w-]/g, '?') },
      });
    if (before.headers[name] !== value) changed.push(value);
  }
  const sent = changed.flatMap((value) => [value, ...basicParts(value)]);
  return request.path === before.path ? sent : [...sent, ...addedToQuery(request.path, before.path)];
}

/** User with password, and the password, of a header of the scheme Basic. */
function basicParts(value: string): readonly string[] {
  const [, encoded] = /^basic +([\w+/=-]+)$/i.exec(value) ?? [];
  if (encoded === undefined) return [];
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return [pair, pair.slice(pair.indexOf(':') + 1)];
}

/** The values behind the old path, as they are sent and as they are meant. TOKEN_INVALID for any other change of it. */
function addedToQuery(path: string, before: string): readonly string[] {
  const added = path.slice(before.length);
  const isQuery =
    path.startsWith(before) && added.startsWith(before.includes('?') ? '&' : '?') && queryText.test(added);
  if (!isQuery) throw tokenInvalid('the credential changes more of the path than its query');
  return added
    .slice(1)
    .split('&')
    .map((parameter) => parameter.slice(parameter.indexOf('=') + 1))
    .flatMap((value) => [value, decoded(value)])
    .filter((value, index, all) => value !== '' && all.indexOf(value) === index);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}
