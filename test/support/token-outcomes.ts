import { inspect } from 'node:util';
import { SluiceError } from '../../src/kernel/errors.ts';
import type { HttpCaller } from '../../src/kernel/http-caller.ts';
import { Secret } from '../../src/kernel/schema.ts';
import type { Credential, TokenProvider } from '../../src/kernel/tokens/token-provider.ts';
import type { Workload } from '../../src/kernel/workload.ts';

export const secretOf = (text: string): Secret => new Secret('SOME_SECRET', () => text);

/** A secret that is replaced while it is in use, as an operator replaces a file. */
export function rotatingSecret(text: string): { readonly secret: Secret; becomes(later: string): void } {
  let current = text;
  return { secret: new Secret('SOME_SECRET', () => current), becomes: (later) => void (current = later) };
}

export const noWorkload: Workload = { variable: () => undefined, file: () => undefined };

/** The headers that a credential of the provider adds to a request. */
export async function headersOf(credential: Credential): Promise<Record<string, string>> {
  const request = { method: 'POST', origin: 'https://api.example.com', path: '/v1', headers: {}, body: '' } as const;
  await credential.apply(request);
  return request.headers;
}

/** How a provider fails, and everything that could be printed of it. */
export async function failureOfToken(
  provider: TokenProvider,
  run: Parameters<TokenProvider['getToken']>[0],
): Promise<{ readonly code: string; readonly context: SluiceError['context']; readonly printed: string }> {
  try {
    await provider.getToken(run);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    const { code, context, message, stack } = error;
    const printed = [message, stack, JSON.stringify(context), inspect(error, { depth: 12, showHidden: true })].join(
      '\n',
    );
    return { code, context, printed };
  }
  throw new Error('there was a token');
}

/** A way out that counts what is asked and lets nothing out. */
export function closedHttp(): HttpCaller & { readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    call: ({ url, network }) => {
      asked.push(`${network} ${url}`);
      return Promise.reject(new SluiceError('UPSTREAM_CONNECT'));
    },
  };
}
