import type { Diagnostic } from '../definitions/diagnostic.ts';
import type { ResolvedTokenProvider } from '../definitions/resolved-pipeline.ts';
import { pinnedOf, providersOf, uncachedOf } from './token-providers.ts';

/** What is wrong or odd about the credential of a backend. Line and column are the caller's. */
export function checkTokens(token: ResolvedTokenProvider, backend: string, origin: string): Diagnostic[] {
  return [...foreignOrigins(token, backend, origin), ...uncached(token), ...pinned(token)];
}

function foreignOrigins(token: ResolvedTokenProvider, backend: string, origin: string): Diagnostic[] {
  return [...providersOf(token)]
    .filter(({ origins }) => origins !== undefined && !origins.some((one) => URL.parse(one)?.origin === origin))
    .map((provider) =>
      diagnostic(
        provider,
        'token.origin',
        'error',
        `the backend "${backend}" is at ${origin}, and the credential of "${provider.name}" is for ${(provider.origins ?? []).join(', ')} only`,
      ),
    );
}

function uncached(token: ResolvedTokenProvider): Diagnostic[] {
  return [...uncachedOf(token)].map((provider) =>
    diagnostic(
      provider,
      'token.uncached',
      'warning',
      `"${provider.type}" asks for a new token at every request; put a "cache" around it: { "type": "cache", "config": { "provider": ... } }`,
    ),
  );
}

function pinned(token: ResolvedTokenProvider): Diagnostic[] {
  return [...pinnedOf(token)].map((provider) =>
    diagnostic(
      provider,
      'token.pinned',
      'warning',
      `what is around "${provider.name}" remembers one of its keys for all requests; put a "cache" around each key in its place`,
    ),
  );
}

function diagnostic(
  { file, pointer }: ResolvedTokenProvider,
  code: string,
  severity: Diagnostic['severity'],
  message: string,
): Diagnostic {
  return { code, severity, message, file, pointer, line: 1, column: 1 };
}
