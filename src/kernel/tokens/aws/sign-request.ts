import { SignatureV4 } from '@smithy/signature-v4';
import type { Clock } from '../../clock.ts';
import type { UpstreamRequest } from '../../upstream.ts';
import type { AwsKeys } from './aws-keys.ts';
import { Sha256 } from './sha256.ts';

/** Headers that a proxy on the way may change, so they are not signed. */
const unsignedHeaders: ReadonlySet<string> = new Set(['accept', 'accept-encoding']);

type SignableRequest = Parameters<SignatureV4['presign']>[0];

/** Adds a signature for one region to the headers of a request that is complete. */
export type RequestSigner = (request: UpstreamRequest, region: string) => Promise<void>;

/**
 * AWS Signature Version 4 over method, path, query, host, body and the headers that nobody changes on the way. The keys
 * stay in the closure: what is written to a log shows nothing.
 */
export function requestSigner(keys: AwsKeys, service: string, clock: Clock): RequestSigner {
  const { accessKeyId, secretAccessKey, sessionToken } = keys;
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) };
  // The region is told for each request.
  const signer = new SignatureV4({ credentials, region: 'none', service, sha256: Sha256, applyChecksum: false });
  return async (request, signingRegion) => {
    const signingDate = new Date(clock.wallTime());
    const signed = await signer.sign(signableRequest(request), { signingDate, signingRegion });
    for (const [name, value] of Object.entries(signed.headers)) {
      // The transport sets the host from the origin, to the same value.
      if (name !== 'host') request.headers[name] = value;
    }
  };
}

/** The request in the form of the signer: with its host, without the headers that are not signed. */
function signableRequest({ method, origin, path, headers, body }: UpstreamRequest): SignableRequest {
  const { protocol, hostname, host } = new URL(origin);
  const question = path.indexOf('?');
  return {
    method,
    protocol,
    hostname,
    path: question === -1 ? path : path.slice(0, question),
    query: question === -1 ? {} : readQuery(path.slice(question + 1)),
    headers: {
      ...Object.fromEntries(Object.entries(headers).filter(([name]) => !unsignedHeaders.has(name))),
      host,
    },
    body,
  };
}

/** The parameters, decoded; a plus is a plus. */
function readQuery(text: string): Record<string, string[]> {
  const query = new Map<string, string[]>();
  for (const part of text.split('&')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    const name = decode(equals === -1 ? part : part.slice(0, equals));
    const values = query.get(name) ?? [];
    values.push(equals === -1 ? '' : decode(part.slice(equals + 1)));
    query.set(name, values);
  }
  return Object.fromEntries(query);
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
