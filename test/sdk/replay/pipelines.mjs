import { idleChains } from './idle-modifiers.mjs';

/**
 * The definition of a pipeline for each folder: one backend, whose server is the replay upstream. Each is there again with
 * each chain of modifiers, as `behindChain` names it.
 */
export function pipelinesFor(recordings, origin) {
  const backends = new Map(
    recordings.filter(({ backend }) => backend !== undefined).map(({ pipeline, backend }) => [pipeline, backend]),
  );
  return Object.fromEntries(
    [...backends].flatMap(([name, backend]) => {
      const plain = definition(backend, origin);
      const chained = Object.entries(idleChains).map(([chain, modifiers]) => [
        behindChain(name, chain),
        { ...plain, modifiers: modifiers.map((step) => ({ name: step.type, ...step })) },
      ]);
      return [[name, plain], ...chained];
    }),
  );
}

export function behindChain(pipeline, chain) {
  return `${pipeline}-behind-${chain}`;
}

function definition({ type, ...config }, origin) {
  return {
    backends: {
      replay: { type, config: { baseUrl: origin, model: 'replayed', ...config }, network: 'private' },
    },
  };
}
