import { appendPointer, isRecord } from './json-pointer.ts';
import { maxSteps } from './pipeline-schema.ts';
import type { DocumentResolver } from './resolve-document.ts';
import type { PipelineParts, ResolvedBackend, ResolvedByKind } from './resolved-pipeline.ts';

/** Everything that a definition is made of, resolved. */
export function resolveParts(resolver: DocumentResolver): PipelineParts {
  const tokenProviders = resolveMap(resolver, 'token-provider', 'tokenProviders');
  const backends = resolveMap(resolver, 'backend', 'backends');
  const defaultBackend = resolveDefault(resolver, backends);
  if (defaultBackend !== undefined) backends.set(defaultBackend.name, defaultBackend);
  return {
    processors: resolveSteps(resolver, 'processor', 'processors'),
    modifiers: resolveSteps(resolver, 'modifier', 'modifiers'),
    tokenProviders,
    backends,
    defaultBackend,
  };
}

function resolveSteps<K extends 'processor' | 'modifier'>(
  resolver: DocumentResolver,
  kind: K,
  key: string,
): ResolvedByKind[K][] {
  const steps = resolver.value[key];
  if (!Array.isArray(steps)) return [];
  // More than may be were reported with the shape.
  const resolved = steps.slice(0, maxSteps).map((step: unknown, index) => {
    const type = isRecord(step) ? String(step['type']) : '';
    return resolver.component(kind, appendPointer(`/${key}`, index), step, `${type}#${index}`);
  });
  return resolved.filter((step): step is ResolvedByKind[K] => step !== undefined);
}

function resolveMap<K extends 'token-provider' | 'backend'>(
  resolver: DocumentResolver,
  kind: K,
  key: string,
): Map<string, ResolvedByKind[K]> {
  const entries = isRecord(resolver.value[key]) ? Object.keys(resolver.value[key]) : [];
  const resolved = new Map<string, ResolvedByKind[K]>();
  for (const name of entries) {
    const entry = resolver.entry(kind, name);
    if (entry !== undefined) resolved.set(name, entry);
  }
  return resolved;
}

/** Of one backend there is no choice; of more, `routing.default.to` names it. */
function resolveDefault(
  resolver: DocumentResolver,
  backends: ReadonlyMap<string, ResolvedBackend>,
): ResolvedBackend | undefined {
  const target = defaultTarget(resolver.value);
  if (target !== undefined) return resolver.component('backend', '/routing/default/to/0', target);
  const [only, ...others] = backends.values();
  if (only === undefined || others.length > 0) return undefined;
  resolver.referred.add(`backend/${only.name}`);
  return only;
}

function defaultTarget(definition: Readonly<Record<string, unknown>>): string | undefined {
  const { default: target } = Object(definition['routing']) as { default?: unknown };
  const { to } = Object(target) as { to?: unknown };
  const first: unknown = Array.isArray(to) ? to[0] : undefined;
  return typeof first === 'string' ? first : undefined;
}
