import Type from 'typebox';
import { defineTokenProvider } from '../kernel/component.ts';
import { asSluiceError } from '../kernel/errors.ts';
import { defaulted, strictObject } from '../kernel/schema.ts';
import { hashOf } from '../kernel/tokens/hash-of.ts';
import { callerKeyMissing, keyHeader, presentedKey, type PresentedKey } from '../kernel/tokens/presented-key.ts';
import { keyPlacementFields, keyPlacementOf, tokenCredential } from '../kernel/tokens/token-credential.ts';
import type { Credential, TokenProvider, TokenRun } from '../kernel/tokens/token-provider.ts';

const config = strictObject({
  from: defaulted(
    Type.Array(keyHeader, {
      minItems: 1,
      maxItems: 8,
      uniqueItems: true,
      description: 'Headers of the client that may carry its key, in lower case; the first that does counts.',
    }),
    ['authorization', 'x-api-key', 'api-key', 'x-goog-api-key'],
  ),
  prefixes: Type.Optional(
    Type.Array(Type.String({ pattern: '^[!-~]{1,64}$' }), {
      minItems: 1,
      maxItems: 16,
      uniqueItems: true,
      description: 'What a key may begin with, such as "sk-"; others are refused and leave for nowhere.',
    }),
  ),
  ...keyPlacementFields,
});

/** For the log alone: what is expected of a key is nobody else's business. */
const otherKey = 'the key begins with none of the prefixes';

/**
 * Takes the key that the client sent and sends it to the provider of the model, without the client's own scheme.
 * Nothing is kept: each run works with the key of its caller and with no other.
 */
export const passthroughTokenProvider = defineTokenProvider({
  type: 'passthrough',
  summary: "Sends the caller's own key to the provider of the model.",
  config,
  needs: [],
  examples: [
    { title: 'The key of the caller, where its provider takes keys', config: {} },
    {
      title: 'Keys of one provider only, in its own header',
      config: { prefixes: ['sk-ant-'], header: 'x-api-key' },
    },
  ],
  create({ from, prefixes = [''], ...options }): TokenProvider {
    const placement = keyPlacementOf(options);
    const isBasic = placement.scheme.toLowerCase() === 'basic';

    const keyOf = (run: TokenRun): string | undefined => {
      for (const name of from) {
        const key = keyIn(presentedKey(run, name), isBasic);
        if (key !== undefined && prefixes.some((prefix) => key.startsWith(prefix))) return key;
      }
      return undefined;
    };
    const hasOther = (run: TokenRun): boolean =>
      from.some((name) => keyIn(presentedKey(run, name), isBasic) !== undefined);

    return {
      getToken(run) {
        const key = keyOf(run);
        if (key === undefined) throw callerKeyMissing(from, hasOther(run) ? otherKey : undefined);
        return credentialOf(key);
      },
      // Nobody but the caller can renew its key.
      invalidate: () => undefined,
      spares: 0,
      subject(run) {
        const key = keyOf(run);
        return key === undefined ? hashOf('passthrough') : hashOf('passthrough', key);
      },
    };

    function credentialOf(key: string): Credential {
      try {
        return tokenCredential(key, placement);
      } catch (error) {
        // It is the caller's mistake, not one of the gateway.
        const { reason } = asSluiceError(error).context;
        throw callerKeyMissing(from, String(reason));
      }
    }
  },
});

/**
 * User and password are a key where the provider of the model wants them in that form, and are encoded anew by the
 * credential; for any other they may be what the client tells a proxy on the way.
 */
function keyIn(presented: PresentedKey | undefined, isBasic: boolean): string | undefined {
  if (presented?.scheme !== 'basic') return presented?.text;
  return isBasic ? Buffer.from(presented.text, 'base64').toString('utf8') : undefined;
}
