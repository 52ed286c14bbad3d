import { SluiceError } from './errors.ts';
import { isPromise } from './supervise.ts';
import { tokenFailureOf, tokenInvalid } from './tokens/token-failure.ts';
import type { Credential } from './tokens/token-provider.ts';
import type { UpstreamRequest } from './upstream.ts';

const headerName = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;
const basic = /^basic +([\w+/=-]+)$/i;
/** What may stand in a request line; a fragment is not sent. */
const queryText = /^[\x21\x22\x24-\x7e]*$/;

/** A request before a credential completed it. */
type Before = Pick<UpstreamRequest, 'path' | 'headers'>;

/** One array for all requests to which nothing came. */
const nothing: readonly string[] = [];

/**
 * Completes a request with a credential, for the credential's own origins only. Returns the values that came with it, in
 * headers or in the query and in each form in which they may be repeated; nobody else may ever see them. `before` is what
 * the request was made from, where its owner keeps that anyway. Fails with SluiceErrors that hold no word of others.
 */
export function applyCredential(
  credential: Credential,
  request: UpstreamRequest,
  before: Before = { path: request.path, headers: { ...request.headers } },
): readonly string[] | Promise<readonly string[]> {
  if (credential.origins !== '*' && !credential.origins.includes(request.origin))
    throw new SluiceError('CREDENTIAL_ORIGIN_MISMATCH');
  try {
    const applied = credential.apply(request);
    return isPromise(applied) ? addedLater(applied, request, before) : addedValues(request, before);
  } catch (error) {
    throw tokenFailureOf(error);
  }
}

async function addedLater(
  applied: PromiseLike<void>,
  request: UpstreamRequest,
  before: Before,
): Promise<readonly string[]> {
  try {
    await applied;
    return addedValues(request, before);
  } catch (error) {
    throw tokenFailureOf(error);
  }
}

/** Plain loops: this is done for each request. What the request had before was checked by whoever wrote it. */
function addedValues({ path, headers }: UpstreamRequest, before: Before): readonly string[] {
  let added: string[] | undefined;
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || value === before.headers[name]) continue;
    if (!headerName.test(name) || !headerValue.test(value))
      throw tokenInvalid('the credential makes no proper header', {
        context: { header: name.replace(/[^\w-]/g, '?') },
      });
    added ??= [];
    added.push(value);
    addBasicParts(value, added);
  }
  if (path === before.path) return added ?? nothing;
  return [...(added ?? nothing), ...addedToQuery(path, before.path)];
}

/** User with password, and the password, of a header of the scheme Basic. */
function addBasicParts(value: string, added: string[]): void {
  const encoded = basic.exec(value)?.[1];
  if (encoded === undefined) return;
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  added.push(pair, pair.slice(pair.indexOf(':') + 1));
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
