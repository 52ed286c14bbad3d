import Type from 'typebox';
import { defineTokenProvider, type Credential, type TokenProvider } from '../kernel/component.ts';
import { asSluiceError, SluiceError } from '../kernel/errors.ts';
import { defaulted, secret, strictObject, type Secret } from '../kernel/schema.ts';

/** Characters of a token; servers refuse longer headers. */
const maxTokenLength = 16_384;
const usableToken = /^[\x20-\x7e\x80-\xff]+$/;

/** Headers that frame or route the request; a token in one of them would break it. */
const framingHeaders = new Set([
  'accept',
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

const config = strictObject({
  token: secret({
    description: 'The token, as { "$env": NAME } or { "$file": PATH }. A file is read again when it changes.',
  }),
  header: defaulted(
    Type.String({
      pattern: '^[A-Za-z][A-Za-z0-9-]{0,63}$',
      description: 'Header that carries the token, such as "api-key".',
    }),
    'authorization',
  ),
  scheme: defaulted(
    Type.String({
      pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]{0,32}$",
      description: 'Word before the token; "" for the bare token.',
    }),
    'Bearer',
  ),
});

/** One token that somebody else renews, if anybody does. It is sent to the backend that uses the provider, whatever its origin. */
export const staticTokenProvider = defineTokenProvider({
  type: 'static',
  summary: 'Sends one token from the environment or from a file.',
  config,
  needs: [],
  examples: [
    { title: 'A bearer token', config: { token: { $env: 'OPENAI_API_KEY' } } },
    { title: 'The header of Azure', config: { token: { $file: '/run/secrets/azure' }, header: 'api-key', scheme: '' } },
  ],
  create({ token, header, scheme }): TokenProvider {
    const name = header.toLowerCase();
    if (framingHeaders.has(name)) throw new TypeError(`header: "${name}" can't carry a token`);
    let value: string | undefined;
    let credential: Credential | undefined;
    return {
      getToken() {
        const current = readToken(token);
        // Compared with the last value, so that a rotated secret counts from the next request on.
        if (credential === undefined || current !== value) {
          value = current;
          credential = createCredential(name, scheme === '' ? current : `${scheme} ${current}`);
        }
        return credential;
      },
      invalidate(refused) {
        if (credential === refused) credential = undefined;
      },
    };
  },
});

function createCredential(header: string, value: string): Credential {
  return {
    origins: '*',
    apply(request) {
      request.headers[header] = value;
    },
  };
}

/** Throws TOKEN_UNAVAILABLE where the secret can't be read and TOKEN_INVALID where it can't stand in a header; never shows it. */
function readToken(token: Secret): string {
  let value: string;
  try {
    value = token.reveal();
  } catch (error) {
    throw asSluiceError(error, 'TOKEN_UNAVAILABLE', { secret: String(token) });
  }
  if (value.length > maxTokenLength || value.trim() === '' || !usableToken.test(value))
    throw new SluiceError('TOKEN_INVALID', { context: { secret: String(token) } });
  return value;
}
