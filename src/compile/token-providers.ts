import type { ResolvedTokenProvider } from '../definitions/resolved-pipeline.ts';
import { isResolvedComponent } from '../definitions/resolved-pipeline.ts';
import type { Capabilities, CapabilityName } from '../kernel/capability.ts';
import { Secret } from '../kernel/schema.ts';
import { linkOf } from '../kernel/tokens/token-link.ts';
import type { TokenLink, TokenProvider } from '../kernel/tokens/token-provider.ts';
import { pick } from './pick.ts';
import type { Held, SharedInstances } from './shared-instances.ts';

/** A provider with those that it wraps, which end with it. */
interface OwnedLink {
  readonly link: TokenLink;
  readonly provider: TokenProvider;
  dispose(): Promise<void>;
}

export interface TokenProvidersOptions {
  readonly shared: SharedInstances;
  readonly capabilities: Capabilities;
  /** Called before each provider is created, so that a failure can be laid to it. */
  readonly onCreate: (resolved: ResolvedTokenProvider) => void;
}

/**
 * Builds a token provider with all that it wraps. Providers of the same name that are made of the same things are one
 * instance, in whatever pipelines and generations: a cache and the state of a pool survive every edit that does not
 * concern them.
 */
export function holdTokenProvider(resolved: ResolvedTokenProvider, options: TokenProvidersOptions): Held<OwnedLink> {
  const { name, type } = resolved;
  return options.shared.hold<OwnedLink>(
    keyOf(resolved),
    (predecessors) => createLink(resolved, options, predecessors),
    JSON.stringify([name, type]),
  );
}

function createLink(
  resolved: ResolvedTokenProvider,
  options: TokenProvidersOptions,
  predecessors: readonly OwnedLink[],
): OwnedLink {
  const { capabilities, onCreate } = options;
  const { name, type, component } = resolved;
  const wrapped: Held<OwnedLink>[] = [];
  const release = async (): Promise<void> => {
    const results = await Promise.allSettled(wrapped.reverse().map((held) => held.release()));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  };
  try {
    const config = withLinks(resolved.config, (inner) => {
      const held = holdTokenProvider(inner, options);
      wrapped.push(held);
      return held.instance.link;
    });
    onCreate(resolved);
    const needs: readonly CapabilityName[] = component.needs;
    // The config was checked against this very component's schema.
    const provider = component.create(config as never, pick(capabilities, needs) as never);
    const link = linkOf({ name, type, provider }, capabilities);
    provider.inherit?.(predecessors.map((predecessor) => predecessor.provider));
    return {
      link,
      provider,
      dispose: async () => {
        try {
          await provider.dispose?.();
        } finally {
          await release();
        }
      },
    };
  } catch (error) {
    // What was built already has not been used: it ends at once, and its own failure would hide this one.
    release().catch(() => undefined);
    throw error;
  }
}

/** All providers that one is made of, itself first. */
export function* providersOf(resolved: ResolvedTokenProvider): Generator<ResolvedTokenProvider> {
  yield resolved;
  for (const inner of innerOf(resolved.config)) yield* providersOf(inner);
}

/** Providers that ask somebody at each request because nobody remembers for them. */
export function* uncachedOf(resolved: ResolvedTokenProvider): Generator<ResolvedTokenProvider> {
  const fetching = resolved.component.fetching?.(resolved.config as never);
  if (fetching === 'remembers') return;
  if (fetching === 'asks') yield resolved;
  for (const inner of innerOf(resolved.config)) yield* uncachedOf(inner);
}

/** Providers that choose anew at each request, and somebody around them remembers what they chose. */
export function* pinnedOf(resolved: ResolvedTokenProvider, isRemembered = false): Generator<ResolvedTokenProvider> {
  const fetching = resolved.component.fetching?.(resolved.config as never);
  if (isRemembered && fetching === 'chooses') yield resolved;
  for (const inner of innerOf(resolved.config)) yield* pinnedOf(inner, isRemembered || fetching === 'remembers');
}

function* innerOf(value: unknown): Generator<ResolvedTokenProvider> {
  if (isResolvedComponent(value)) {
    if (value.kind === 'token-provider') yield value;
  } else if (isPlain(value)) {
    for (const item of Object.values(value)) yield* innerOf(item);
  }
}

/** A copy of a config with the providers in place of what they are made of. */
function withLinks(value: unknown, build: (resolved: ResolvedTokenProvider) => TokenLink): unknown {
  if (isResolvedComponent(value)) return value.kind === 'token-provider' ? build(value) : value;
  if (Array.isArray(value)) return value.map((item: unknown) => withLinks(item, build));
  if (!isPlain(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withLinks(item, build)]));
}

/** What an instance is made of, secrets by their names; no text of an author can be taken for one. */
function keyOf({ name, type, config }: ResolvedTokenProvider): string {
  const marked = (value: unknown): unknown => {
    if (typeof value === 'string') return `text ${value}`;
    if (value instanceof Secret) return `secret ${value.name}`;
    if (isResolvedComponent(value)) return value.kind === 'token-provider' ? keyOf(value) : value;
    if (Array.isArray(value)) return value.map(marked);
    if (!isPlain(value)) return value;
    // The order of the keys is that of the author, with the defaults behind.
    const inOrder = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
    return Object.fromEntries(inOrder.map(([key, item]) => [key, marked(item)]));
  };
  return `token-provider ${JSON.stringify([name, type, marked(config)])}`;
}

function isPlain(value: unknown): value is Record<string, unknown> | readonly unknown[] {
  return typeof value === 'object' && value !== null && !(value instanceof Secret);
}
