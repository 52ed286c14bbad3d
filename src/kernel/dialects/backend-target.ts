import Type from 'typebox';

/** Headers that are the engine's, or that hold a credential: those belong to a token provider. */
const reservedHeaders = new Set([
  'accept',
  'accept-encoding',
  'api-key',
  'authorization',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-api-key',
  'x-goog-api-key',
]);
const headerName = /^[a-z0-9][a-z0-9_-]{0,63}$/i;
const headerValue = /^[\x20-\x7e]{0,1024}$/;

/** What every backend is configured with. `baseUrl` says in words what is added to its path. */
export const targetFields = (baseUrl: string, example: string) => ({
  baseUrl: Type.String({
    pattern: '^https?://[^\\s#@]+$',
    maxLength: 2048,
    'x-hint': `an http or https address without credentials, such as "${example}"`,
    description: baseUrl,
  }),
  model: Type.String({ minLength: 1, maxLength: 256, description: 'Model that is asked for.' }),
  headers: Type.Optional(
    Type.Record(Type.String(), Type.String({ pattern: '^[\\x20-\\x7e]*$', maxLength: 1024 }), {
      maxProperties: 32,
      description: 'Further headers. Credentials belong to a token provider.',
    }),
  ),
});

/** Where a backend sends its requests. */
export interface BackendTarget {
  readonly origin: string;
  /** Path of the base URL without a slash at its end; "" for none. */
  readonly basePath: string;
  /** Query of the base URL with its question mark, or "". */
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Where the server takes API keys; absent where they are bearer tokens. */
  readonly keyHeader?: string;
}

/** Ends of hosts. Azure takes tokens of Entra ID as bearer tokens, and keys in a header of its own. */
export const azureHosts: readonly string[] = [
  '.openai.azure.com',
  '.openai.azure.us',
  '.services.ai.azure.com',
  '.cognitiveservices.azure.com',
];

/** Reads a base URL and the further headers. Throws a TypeError for what can't be used. */
export function readTarget(baseUrl: string, headers: Readonly<Record<string, string>> = {}): BackendTarget {
  const url = URL.parse(baseUrl);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new TypeError('baseUrl is no http or https address');
  if (url.username !== '' || url.password !== '')
    throw new TypeError('baseUrl holds a credential; use a token provider');
  if (url.hash !== '') throw new TypeError('baseUrl holds a fragment');
  return {
    origin: url.origin,
    basePath: url.pathname.replace(/\/+$/, ''),
    query: url.search,
    headers: readHeaders(headers),
    ...(azureHosts.some((host) => url.hostname.endsWith(host)) && { keyHeader: 'api-key' }),
  };
}

/** `keyHeader` of a request, where the target has one. */
export function keyHeaderOf({ keyHeader }: BackendTarget): { readonly keyHeader?: string } {
  return keyHeader === undefined ? {} : { keyHeader };
}

/** The headers of a JSON request: the configured ones and those that are ours. */
export function jsonHeaders(target: BackendTarget, accept: string): Record<string, string> {
  return {
    ...target.headers,
    'content-type': 'application/json',
    accept,
    'accept-encoding': 'identity',
    'user-agent': 'sluice',
  };
}

function readHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (!headerName.test(name) || !headerValue.test(value))
      throw new TypeError(`headers: "${name.slice(0, 64)}" is no valid header`);
    if (reservedHeaders.has(lower))
      throw new TypeError(`headers: "${lower}" can't be set here; a credential belongs to a token provider`);
    checked[lower] = value;
  }
  return checked;
}
