import { createHash, createHmac } from 'node:crypto';

/** A request as it stands on the wire: the target with its query, the headers with the host. */
export interface WireRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();
const escape = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * What is wrong with the signature of a request, or "". Written after the description of Signature Version 4 for services
 * other than S3, without the library that signs.
 */
export function signatureMistake(request: WireRequest, secretAccessKey: string): string {
  const { headers } = request;
  const found =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8}\/[\w-]+\/[\w-]+\/aws4_request), SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      headers['authorization'] ?? '',
    );
  if (found === null) return 'there is no signature';
  const [, scope = '', names = '', signature] = found;
  const signed = names.split(';');
  const needed = ['host', 'content-type', 'x-amz-date', 'x-amz-security-token'].filter((name) => name in headers);
  const unsigned = needed.filter((name) => !signed.includes(name));
  if (unsigned.length > 0) return `not signed: ${unsigned.join(', ')}`;
  const date = headers['x-amz-date'] ?? '';
  if (!date.startsWith(scope.slice(0, 8))) return 'the scope is of another day';
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonicalRequest(request, signed))].join('\n');
  const key = scope
    .split('/')
    .reduce<string | Buffer>((current, part) => hmac(current, part), `AWS4${secretAccessKey}`);
  return hmac(key, text).toString('hex') === signature ? '' : 'the signature is another one';
}

function canonicalRequest({ method, target, headers, body }: WireRequest, signed: readonly string[]): string {
  const [path = '', query = ''] = target.split('?');
  const lines = signed.map((name) => `${name}:${(headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`);
  return [
    method,
    path.split('/').map(escape).join('/'),
    query
      .split('&')
      .filter((part) => part !== '')
      .map(canonicalParameter)
      .sort()
      .join('&'),
    lines.join(''),
    signed.join(';'),
    sha256(body),
  ].join('\n');
}

function canonicalParameter(part: string): string {
  const [name = '', value = ''] = part.split('=');
  return `${escape(decodeURIComponent(name))}=${escape(decodeURIComponent(value))}`;
}
