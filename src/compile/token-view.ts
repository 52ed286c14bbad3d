import { isResolvedComponent, type ResolvedTokenProvider } from '../definitions/resolved-pipeline.ts';
import { Secret } from '../kernel/schema.ts';
import type { TokenLink, TokenState } from '../kernel/tokens/token-provider.ts';
import type { CompiledPipeline } from './compiled-pipeline.ts';

interface TokenUse {
  readonly pipeline: string;
  readonly backend: string;
}

/** One instance of a token provider as an operator may see it: references and state, never a value. */
export interface TokenProviderView {
  readonly name: string;
  readonly type: string;
  /** Where it gives the credential; in the order of the names. */
  readonly usedBy: readonly TokenUse[];
  /** The only origins that its author admits; absent where the backends decide. */
  readonly origins?: readonly string[];
  /** Its config with all defaults; secrets are references, queries of addresses are left out, and a provider that it wraps is `{ name, type, config }`. */
  readonly definition: unknown;
  readonly state: TokenState;
}

/** Looks at the token providers of these pipelines. One that several backends share is there once. */
export function viewTokenProviders(pipelines: readonly CompiledPipeline[]): readonly TokenProviderView[] {
  const uses = new Map<TokenLink, { readonly definition: ResolvedTokenProvider; readonly usedBy: TokenUse[] }>();
  for (const { name: pipeline, backends } of pipelines.toSorted(byName)) {
    for (const { name: backend, token, tokenDefinition: definition } of [...backends.values()].toSorted(byName)) {
      if (token === undefined || definition === undefined) continue;
      const known = uses.get(token);
      if (known === undefined) uses.set(token, { definition, usedBy: [{ pipeline, backend }] });
      else known.usedBy.push({ pipeline, backend });
    }
  }
  return [...uses].map(([link, { definition, usedBy }]) => ({
    name: link.name,
    type: link.type,
    usedBy,
    ...(definition.origins !== undefined && { origins: definition.origins }),
    definition: shown(definition.config),
    state: link.state(),
  }));
}

/** In the query of an address something may stand that should have been a secret. */
const queryOfAddress = /^(https?:\/\/[^?]*\?).+$/is;

/** A copy of what a config holds, fit to be shown. */
function shown(value: unknown): unknown {
  if (value instanceof Secret) return value.reference ?? value.toString();
  if (typeof value === 'string') return value.replace(queryOfAddress, '$1[hidden]');
  if (isResolvedComponent(value)) return { name: value.name, type: value.type, config: shown(value.config) };
  if (Array.isArray(value)) return value.map(shown);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shown(item)]));
}

function byName({ name: one }: { readonly name: string }, { name: other }: { readonly name: string }): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
