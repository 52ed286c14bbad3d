import type { HttpAnswer, HttpCall } from '../../http-caller.ts';
import { askTokenServer } from '../ask-token-server.ts';
import { framingHeaders, usable } from '../token-credential.ts';
import { parseObject, readTokenDocument } from '../token-document.ts';
import { tokenInvalid } from '../token-failure.ts';
import type { AwsSurroundings } from './aws-subject.ts';
import type { GoogleAccess } from './google-access.ts';

/** Metadata servers know more than who the machine is, and nobody is to be told that in the place of a token. */
const azureIdentity = '/metadata/identity/';
const headerName = /^[A-Za-z0-9-]{1,64}$/;
const headerValue = /^[\x20-\x7e]{0,8192}$/;

/** Where the token of the other identity provider comes from, in place of what the configuration says or beside it. */
export interface SubjectSource {
  /** Its text: of the file which the configuration names, because a configuration can't make this process read files. */
  readonly read?: (() => string) | undefined;
  /** Where an address in the configuration may be. */
  readonly network: HttpCall['network'];
  /** Where keys of AWS are looked for. */
  readonly aws: AwsSurroundings;
}

/**
 * The token that proves to Google who we are elsewhere, from the `credential_source` of an external account: a text, or a
 * field of a JSON object.
 */
export async function subjectToken(source: unknown, subject: SubjectSource, access: GoogleAccess): Promise<string> {
  const described = Object(source) as Readonly<Record<string, unknown>>;
  const field = fieldOf(described['format']);
  const token =
    subject.read === undefined
      ? readAnswer(await askSource(described, subject.network, access), field, access.clock.wallTime())
      : readText(subject.read(), field);
  return checked(token);
}

/** The field of a JSON object that holds the token, or undefined where the whole text is the token. */
function fieldOf(format: unknown): string | undefined {
  const { type = 'text', subject_token_field_name: field } = Object(format) as Readonly<Record<string, unknown>>;
  if (type === 'text') return undefined;
  if (type !== 'json' || typeof field !== 'string' || field === '')
    throw tokenInvalid('the format of the credential source is not usable');
  return field;
}

function askSource(
  source: Readonly<Record<string, unknown>>,
  network: HttpCall['network'],
  access: GoogleAccess,
): Promise<HttpAnswer> {
  const { url: text, headers } = source;
  if (typeof text !== 'string') throw tokenInvalid(reasonWithout(source));
  const url = URL.parse(text);
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && network !== 'public');
  if (url === null || !isSafe || url.username !== '' || url.password !== '')
    throw tokenInvalid('the address of the credential source is not allowed');
  if (network === 'metadata' && !url.pathname.startsWith(azureIdentity))
    throw tokenInvalid('the credential source asks a metadata server for something else than an identity of Azure');
  const { timeoutMilliseconds, http, signal } = access;
  return askTokenServer(
    { method: 'GET', url: url.href, headers: readHeaders(headers), network, timeoutMilliseconds },
    http,
    signal,
  );
}

function reasonWithout(source: Readonly<Record<string, unknown>>): string {
  if (typeof source['file'] === 'string')
    return 'the configuration names a file with the subject token: name it as "subjectToken"';
  if (source['executable'] !== undefined)
    return 'a program as credential source is not supported: give its token as "subjectToken"';
  if (source['certificate'] !== undefined) return 'a certificate as credential source is not supported';
  return 'the configuration has no credential source that is supported';
}

function readHeaders(headers: unknown): Record<string, string> {
  const pairs = Object.entries(Object(headers) as Record<string, unknown>).map(([name, value]) => {
    const lower = name.toLowerCase();
    const isFraming = lower !== 'accept' && framingHeaders.has(lower);
    if (!headerName.test(name) || isFraming || typeof value !== 'string' || !headerValue.test(value))
      throw tokenInvalid('a header of the credential source is not usable');
    return [lower, value] as const;
  });
  return Object.fromEntries(pairs);
}

function readAnswer(answer: HttpAnswer, field: string | undefined, wallTime: number): unknown {
  const isText = field === undefined && answer.status >= 200 && answer.status < 300;
  if (isText) return answer.body;
  const document = readTokenDocument(answer, wallTime);
  return field === undefined ? undefined : document[field];
}

function readText(text: string, field: string | undefined): unknown {
  return field === undefined ? text : parseObject(text)?.[field];
}

/** No token of any kind has blanks in it or begins as a page does. */
function checked(value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (!/^[^\s<]\S*$/.test(text)) throw tokenInvalid('the credential source gave no subject token');
  return usable(text, { of: 'subject token' });
}
