import { SluiceError } from '../kernel/errors.ts';

interface Candidate {
  readonly name: string;
  readonly backend: { readonly model: string };
}

/** What of a pipeline decides; `name` is its own. */
export interface Selection<B extends Candidate> {
  readonly name: string;
  readonly backends: ReadonlyMap<string, B>;
  readonly defaultBackend: B;
  readonly unknownModel: 'refuse' | 'route';
}

/**
 * Which backend a request goes to. No model, or the pipeline's own name, leaves it to the definition; the key of a
 * backend or the id of its model names that backend; anything else is refused, unless the pipeline says "route".
 */
export function selectBackend<B extends Candidate>(
  model: string | undefined,
  { name, backends, defaultBackend, unknownModel }: Selection<B>,
): B {
  if (model === undefined || model === '' || model === name) return defaultBackend;
  const named = backends.get(model) ?? [...backends.values()].find((candidate) => candidate.backend.model === model);
  if (named !== undefined) return named;
  if (unknownModel === 'route') return defaultBackend;
  throw new SluiceError('MODEL_UNKNOWN', {
    details: { model: model.slice(0, 100), known: selectableModels({ name, backends }).join(', ') },
  });
}

/** The names that `selectBackend` takes, for `/v1/models` and for messages. */
export function selectableModels({
  name,
  backends,
}: {
  readonly name: string;
  readonly backends: ReadonlyMap<string, Candidate>;
}): string[] {
  const names = [name, ...backends.keys(), ...[...backends.values()].map((candidate) => candidate.backend.model)];
  return [...new Set(names)];
}
