/** Where a model is called. */
export interface ModelPlace {
  readonly basePath: string;
  readonly apiVersion: string | undefined;
  readonly vertex: { readonly project: string; readonly location: string } | undefined;
  readonly model: string;
}

const version = /^v\d+(?:(?:alpha|beta)\d*)?$/;

/**
 * The path of a model up to its name, each word escaped: `/v1beta/models/M`, or on Vertex
 * `/v1/projects/P/locations/L/publishers/google/models/M`. A model may be named with its collection (`models/M`,
 * `tunedModels/M`, `publishers/P/models/M`, `endpoints/E`, `projects/...`). Throws a TypeError for a name that is no path.
 */
export function modelPath({ basePath, apiVersion, vertex, model }: ModelPlace): string {
  const words = model.split('/').filter((word) => word !== '');
  if (words.length === 0 || words.some((word) => /^\.+$/.test(word)))
    throw new TypeError('model is no name of a model');
  const names = vertex === undefined ? studioNames(words) : vertexNames(words, vertex);
  const hasVersion = version.test(basePath.slice(basePath.lastIndexOf('/') + 1));
  const prefix = hasVersion ? basePath : `${basePath}/${apiVersion ?? (vertex === undefined ? 'v1beta' : 'v1')}`;
  return `${prefix}/${names.map(encodeURIComponent).join('/')}`;
}

function studioNames(words: readonly string[]): readonly string[] {
  return words.length === 1 ? ['models', ...words] : words;
}

function vertexNames(
  words: readonly string[],
  { project, location }: NonNullable<ModelPlace['vertex']>,
): readonly string[] {
  const [first] = words;
  if (first === 'projects') return words;
  const place = ['projects', project, 'locations', location];
  if (first === 'publishers' || first === 'endpoints') return [...place, ...words];
  return [...place, 'publishers', 'google', 'models', ...words.slice(first === 'models' ? 1 : 0)];
}
