import Type from 'typebox';
import { secret, type Secret } from '../../schema.ts';
import type { UpstreamRequest } from '../../upstream.ts';
import { revealed } from '../revealed.ts';
import { framingHeaders, usable } from '../token-credential.ts';

const maxFields = 64;
const maxTextLength = 8_192;
/** Names of what is always a secret, so that it is not written into a definition by mistake. */
const secretName =
  /secret|passw|passphrase|api[-_]?key|access[-_]?key|private[-_]?key|^(proxy-)?authorization$|^cookie$|^x-auth-token$|^refresh_token$/i;

type Scalar = string | number | boolean;

/** Text in a definition, or a reference to a secret. */
const headerText = fieldOf<string>({ type: 'string', maxLength: maxTextLength, pattern: '^[\\t\\x20-\\x7e]*$' });
const formText = fieldOf<string>({ type: 'string', maxLength: maxTextLength });
const jsonValue = fieldOf<Scalar>({ type: ['string', 'number', 'boolean'], maxLength: maxTextLength });

/** What is asked: fields of a config. */
export const httpTokenRequestFields = {
  url: Type.String({
    pattern: '^https?://',
    maxLength: 2_048,
    'x-hint': 'an address that begins with https://',
    description: 'Address at which the token is asked for. `http:` only with "network": "private".',
  }),
  method: Type.Optional(
    Type.Enum(['GET', 'POST'], { description: 'POST where there is a form or a json, or else GET, when left out.' }),
  ),
  headers: Type.Optional(
    Type.Record(Type.String(), headerText, {
      propertyNames: { pattern: '^[A-Za-z][A-Za-z0-9-]{0,63}$' },
      maxProperties: maxFields,
      description: 'Headers of the request: text, or secrets as { "$env": NAME } or { "$file": PATH }.',
    }),
  ),
  form: Type.Optional(
    Type.Record(Type.String(), formText, {
      maxProperties: maxFields,
      description: 'Body as a form: text, or secrets.',
    }),
  ),
  json: Type.Optional(
    Type.Record(Type.String(), jsonValue, {
      maxProperties: maxFields,
      description: 'Body as a JSON object: text, numbers, true and false, or secrets.',
    }),
  ),
};

function fieldOf<T>(text: Record<string, unknown>): ReturnType<typeof Type.Unsafe<T | Secret>> {
  return Type.Unsafe<T | Secret>({ if: { type: 'object' }, then: secret(), else: text });
}

/** The fields above as `create` gets them. */
export interface HttpTokenRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string | Secret>>;
  readonly form?: Readonly<Record<string, string | Secret>>;
  readonly json?: Readonly<Record<string, Scalar | Secret>>;
}

/** Throws a TypeError, which refuses the definition, for what could not be sent, or must not be written down. */
export function checkHttpTokenRequest({ url, method, headers = {}, form, json }: HttpTokenRequest): void {
  if (form !== undefined && json !== undefined) throw new TypeError('json: a request has a form or a json');
  if (method === 'GET' && (form ?? json) !== undefined) throw new TypeError('method: a GET has no body');
  const names = Object.keys(headers).map((name) => name.toLowerCase());
  const framing = names.find((name) => name !== 'accept' && framingHeaders.has(name));
  if (framing !== undefined) throw new TypeError(`headers.${framing}: the request itself decides about it`);
  if (new Set(names).size < names.length) throw new TypeError('headers: a header is there twice');
  const query = Object.fromEntries(new URL(url).searchParams);
  for (const [part, fields] of Object.entries({ url: query, headers, form: form ?? {}, json: json ?? {} })) {
    const bare = Object.entries(fields).find(([name, value]) => typeof value === 'string' && secretName.test(name));
    if (bare !== undefined)
      throw new TypeError(`${part}.${bare[0]}: a secret is written as { "$env": NAME } or { "$file": PATH }`);
  }
}

/** The request with its secrets, which are read at each use. */
export function buildHttpTokenRequest({ url, method, headers = {}, form, json }: HttpTokenRequest): UpstreamRequest {
  const { origin, pathname, search } = new URL(url);
  const body = bodyOf(form, json);
  return {
    method: method ?? (body === undefined ? 'GET' : 'POST'),
    origin,
    path: pathname + search,
    headers: {
      accept: 'application/json',
      'user-agent': 'sluice',
      ...(body !== undefined && { 'content-type': body.type }),
      ...Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [name.toLowerCase(), headerOf(name, value)]),
      ),
    },
    body: body?.text ?? '',
  };
}

function headerOf(name: string, value: string | Secret): string {
  return typeof value === 'string' ? value : usable(revealed(value), { header: name });
}

function bodyOf(
  form: HttpTokenRequest['form'],
  json: HttpTokenRequest['json'],
): { type: string; text: string } | undefined {
  if (form !== undefined) {
    const text = new URLSearchParams(plain(form)).toString();
    return { type: 'application/x-www-form-urlencoded', text };
  }
  return json && { type: 'application/json', text: JSON.stringify(plain(json)) };
}

function plain<T extends Scalar>(fields: Readonly<Record<string, T | Secret>>): Record<string, T | string> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, typeof value === 'object' ? revealed(value) : value]),
  );
}
