/** The definition of a pipeline for each folder: one backend, whose server is the replay upstream. */
export function pipelinesFor(recordings, origin) {
  const backends = new Map(
    recordings.filter(({ backend }) => backend !== undefined).map(({ pipeline, backend }) => [pipeline, backend]),
  );
  return Object.fromEntries([...backends].map(([name, backend]) => [name, definition(backend, origin)]));
}

function definition({ type, ...config }, origin) {
  return {
    backends: {
      replay: { type, config: { baseUrl: origin, model: 'replayed', ...config }, network: 'private' },
    },
  };
}
