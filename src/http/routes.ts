/** The paths below `/pipelines/:name/` and the dialect that each of them speaks. */
export const chatRoutes = [
  { path: 'chat', method: 'POST', dialect: 'native' },
  { path: 'v1/chat/completions', method: 'POST', dialect: 'openai-chat' },
  { path: 'v1/models', method: 'GET', dialect: 'openai-chat' },
] as const;

export interface MatchedRoute {
  /** As it stands in the path, decoded; not yet checked. */
  readonly pipeline: string;
  readonly dialect: string;
  readonly method: string;
  readonly path: string;
}

const pipelinePath = /^\/pipelines\/([^/?]*)\/([^?]*)/;

/** What a URL addresses, whether or not its method fits. */
export function matchRoute(url: string): MatchedRoute | undefined {
  const match = pipelinePath.exec(url);
  if (match === null) return undefined;
  const route = chatRoutes.find(({ path }) => path === match[2]);
  return route === undefined ? undefined : { pipeline: decode(match[1] ?? ''), ...route };
}

/** The dialect in which an error for this URL is written, also where nothing is found. */
export function dialectOf(url: string): string {
  return /^\/pipelines\/[^/?]*\/v1(\/|$|\?)/.test(url) ? 'openai-chat' : 'native';
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
