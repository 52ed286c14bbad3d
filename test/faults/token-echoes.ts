import type { RequestRecord } from '../support/fault-connection.ts';
import { errorBody, errorFrame, roleFrame, sseFrame, textFrame } from '../support/openai-stream.ts';
import { answering, streaming, type Step } from '../support/scenario.ts';
import type { TokenServerAnswer, TokenServerRequest } from '../support/token-server.ts';

/*
 * Servers that fail and repeat what they were sent, in every place of an answer where somebody might show it or write it
 * to a log.
 */

/** All that a token server was told in confidence. */
export function heardBy({ headers, body, form }: TokenServerRequest): string {
  const authorization = headers['authorization'] ?? '';
  const pair = Buffer.from(authorization.replace(/^Basic /i, ''), 'base64').toString('utf8');
  return [authorization, pair, decodeURIComponent(pair.replaceAll('+', ' ')), body, ...form.values()]
    .filter((text) => text !== '')
    .join(' ')
    .replace(/[^\x20-\x7e]/g, '');
}

/** `words`: the secrets in what was heard, each by itself. */
type TokenEcho = (heard: string, issued: string, words: readonly string[]) => TokenServerAnswer;

const json = (status: number, members: object): TokenServerAnswer => ({ status, json: members });
const given = (members: object): TokenServerAnswer =>
  json(200, { token_type: 'Bearer', expires_in: 3_600, ...members });

/** A secret alone may look like the code of an error; each one that was heard takes its turn. */
const bareWords = Object.fromEntries(
  [0, 1, 2].flatMap((turn): [string, TokenEcho][] => {
    const say =
      (answerOf: (word: string) => TokenServerAnswer): TokenEcho =>
      (heard, _issued, words) =>
        answerOf(words[turn % Math.max(words.length, 1)] ?? heard);
    return [
      [`error, secret ${turn} alone`, say((word) => json(400, { error: word, error_description: word }))],
      [`error of an object, secret ${turn} alone`, say((word) => json(403, { error: { status: word, code: word } }))],
      [`code, secret ${turn} alone`, say((word) => json(400, { code: word, Code: word, message: word }))],
    ];
  }),
);

export const tokenEchoes: Readonly<Record<string, TokenEcho>> = {
  error_description: (heard) => json(400, { error: 'invalid_client', error_description: heard, error_uri: heard }),
  error: (heard) => json(401, { error: heard }),
  'error as an object': (heard) => json(403, { error: { code: heard, message: heard, status: heard } }),
  'a page with a status of 500': (heard) => ({ status: 500, body: `<html>${heard}</html>` }),
  'a page with a status of 200': (heard) => ({ body: `<html>${heard}</html>` }),
  headers: (heard) => ({
    status: 401,
    headers: { 'www-authenticate': `Bearer error="${heard}"`, 'retry-after': heard },
  }),
  'a redirect': (heard) => ({ status: 302, headers: { location: `http://127.0.0.1:9/?${encodeURIComponent(heard)}` } }),
  'half of JSON': (heard, issued) => ({ body: `{"access_token":"${issued}","token_type":"Bearer","note":"${heard}` }),
  'JSON behind the secret': (heard) => ({ body: `${heard}{}` }),
  'the type of a token': (heard, issued) => given({ access_token: issued, token_type: heard }),
  'the lifetime of a token': (heard, issued) => given({ access_token: issued, expires_in: heard }),
  'the scope and the refresh token': (heard, issued) =>
    given({ access_token: `${issued}\r\nx: ${heard}`, scope: heard, refresh_token: `${issued}\r\n` }),
  'a key of the document': (heard, issued) => given({ [heard]: { __proto__: issued }, access_token: '' }),
  'a list': (heard, issued) => json(200, [heard, issued]),
  'the token, with a line break': (_heard, issued) => given({ access_token: `${issued}\r\nx-injected: 1` }),
  'no HTTP': (heard, issued) => ({ raw: `${heard} ${issued}\r\n\r\n` }),
  'the line of the status': (heard) => ({ raw: `HTTP/1.1 400 ${heard}\r\ncontent-length: 0\r\n\r\n` }),
  'a header that is none': (heard) => ({ raw: `HTTP/1.1 200 OK\r\n${heard.replaceAll(':', ' ')}\r\n\r\n` }),
  'more than it announces': (heard, issued) => ({
    raw: `HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}${heard}${issued}`,
  }),
  'a wrong chunk': (heard) => ({ raw: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${heard}\r\n` }),
  'half of an answer, and silence': (heard, issued) => ({
    ...given({ access_token: issued, note: heard }),
    fault: 'half',
  }),
  'more than is read': (heard) => ({ body: heard.repeat(Math.ceil(300_000 / heard.length)) }),
  ...bareWords,
};

type ProviderEcho = (heard: string, request: RequestRecord) => readonly Step[];

const page = { 'content-type': 'text/html' };
const echoed = (heard: string): object =>
  errorBody({
    message: `Incorrect API key provided: ${heard}. You said ${heard}`,
    type: heard,
    code: heard,
    param: heard,
  });
const inHeaders = (heard: string): Readonly<Record<string, string>> => ({
  'www-authenticate': heard,
  'x-request-id': heard,
  'request-id': heard,
  'retry-after': heard,
  'retry-after-ms': heard,
  'openai-organization': heard,
  'x-ratelimit-limit-requests': heard,
  'x-ratelimit-remaining-tokens': heard,
  'x-ratelimit-reset-requests': heard,
  'openai-processing-ms': heard,
});

const documents = Object.fromEntries(
  [400, 401, 402, 403, 404, 413, 422, 429, 500, 503].map((status): [string, ProviderEcho] => [
    `a document with a status of ${status}`,
    (heard) => answering(status, echoed(heard), inHeaders(heard)),
  ]),
);

export const providerEchoes: Readonly<Record<string, ProviderEcho>> = {
  ...documents,
  'plain text': (heard) => answering(400, heard, { 'content-type': 'text/plain' }),
  // Words of a provider are cut in several places, here inside of the secret.
  ...Object.fromEntries(
    (
      [
        ['x', 280],
        ['x', 480],
        ['x', 492],
        [' ', 4_076],
      ] as const
    ).map(([filler, at]): [string, ProviderEcho] => [
      `a text with the bare secret behind ${at} times "${filler}"`,
      (heard) => answering(400, errorBody({ message: `-${filler.repeat(at - 2)} ${heard.split(' ').at(-1)}.` })),
    ]),
  ),
  'text in which the secret is encoded': (heard) =>
    answering(400, errorBody({ message: `${encodeURIComponent(heard)} ${JSON.stringify(JSON.stringify(heard))}` })),
  ...Object.fromEntries(
    (['base64', 'base64url', 'hex'] as const).flatMap((encoding) =>
      (['', 'x', 'xx'] as const).map((before): [string, ProviderEcho] => [
        `text in which the secret is in ${encoding} behind "${before}"`,
        (heard) => answering(400, errorBody({ message: `-${Buffer.from(before + heard).toString(encoding)}-` })),
      ]),
    ),
  ),
  'half of JSON': (heard) => answering(400, `{"error":{"message":"${heard}`),
  'JSON behind the secret': (heard) => answering(200, `${heard}{}`),
  'a page': (heard) => answering(200, `<html>${heard}</html>`, page),
  'a type of content': (heard) => answering(200, 'x', { 'content-type': `text/x; note="${heard}"` }),
  'a redirect': (heard) => answering(302, '', { location: `http://127.0.0.1:9/?${encodeURIComponent(heard)}` }),
  'an error under 200': (heard) => answering(200, echoed(heard)),
  'an error as the first event': (heard) => streaming([errorFrame({ message: heard, code: heard })]),
  'an error in the middle': (heard) =>
    streaming([roleFrame(), textFrame('Hel'), errorFrame({ message: heard, type: heard, code: heard })]),
  'an event that is no JSON': (heard) => streaming([roleFrame(), textFrame('Hel'), sseFrame(`${heard} {}`)]),
  'half of an event': (heard) => streaming([roleFrame(), sseFrame(`{"choices":[{"delta":{"x":"${heard}`)]),
  'a comment, and a reset': (heard) => streaming([`: ${heard}\n\n`, roleFrame()], ['rst']),
  'a name of an event': (heard) => streaming([roleFrame(), `event: ${heard}\ndata: ${heard}\n\n`], ['fin']),
  'no HTTP': (heard) => [{ write: { text: `${heard}\r\n\r\n`, raw: true } }, 'fin'],
};

/** What a provider of models was told in confidence: the header and the key in it, or the query. */
export function heardFrom({ headers, path }: RequestRecord): string {
  const { authorization = '' } = headers as { readonly authorization?: string };
  const [, encoded = ''] = /^Basic (.+)$/.exec(authorization) ?? [];
  return `${path} ${authorization} ${encoded === '' ? '' : Buffer.from(encoded, 'base64').toString('utf8')}`.trim();
}
